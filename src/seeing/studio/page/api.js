// The server, asked. What it refuses, it refuses in a sentence, which is what the page shows.

export class Refused extends Error {
  constructor(status, body) {
    const said = body?.detail ?? `the server answered ${status} without a reason`;
    super(said[0].toUpperCase() + said.slice(1));
    this.status = status;
    this.body = body;
  }
}

/** The server was not reached: it was stopped, or the network is gone. */
export class Away extends Error {}

export async function call(method, path, body, isFile = false) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined || isFile ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined || isFile ? body : JSON.stringify(body),
    });
  } catch {
    throw new Away('the studio does not answer; is it still running?');
  }
  const found = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, found);
  return found;
}

export const get = (path) => call('GET', path);
export const post = (path, body = {}) => call('POST', path, body);

/** A name for an action: one that is sent twice is written once. */
export function token() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
