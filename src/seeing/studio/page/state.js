// What the page knows: photographs, classes, and what is said of them. It asks the server for what
// has changed, and sends what the labeler says, one action after the other, until it is saved.

import { Away, Refused, call, get, post, token } from './api.js';
import { say } from './dom.js';

const POLL_MS = { busy: 700, idle: 4000, away: 1000 };

export const state = {
  project: null,
  columns: null, // of all photographs
  place: new Map(), // of each id in the columns
  alike: new Map(), // the near-duplicates of each id
  said: new Map(), // by photograph: by labeler: what they say
  classes: new Map(),
  labelers: new Map(),
  me: null,
  event: 0, // the last one that the page knows of
  work: { state: 'unknown', number: 0 }, // in the background
  model: null,
  waiting: [], // actions that are not saved yet
  isAway: false,
  suggests: localStorage.getItem('studio-suggests') !== 'no',
};

// Views listen to `changed` (labels, classes), `work`, `ended`, `saving` and `conflict`.
export const events = new EventTarget();
const tell = (name, detail) => events.dispatchEvent(new CustomEvent(name, { detail }));

export const liveClasses = () =>
  [...state.classes.values()].filter((one) => one.merged_into === null);
export const className = (id) => state.classes.get(now(id))?.name ?? `class ${id}`;
export const labelerName = (id) => state.labelers.get(id) ?? `labeler ${id}`;
export const path = (id) => state.columns.paths[state.place.get(id)];
export const isTest = (id) => state.columns.parts[state.place.get(id)] === 1;

function now(id) {
  let one = state.classes.get(id);
  while (one && one.merged_into !== null) one = state.classes.get(one.merged_into);
  return one?.id ?? id;
}

/** The address of a photograph, not larger than it is shown: `pixels` of its longer side. */
export function image(id, pixels) {
  const i = state.place.get(id);
  const longest = Math.max(state.columns.widths[i], state.columns.heights[i]);
  const wanted = Math.min(pixels * Math.min(devicePixelRatio, 2), longest);
  const { sides } = state.project;
  const side = sides.find((one) => one >= wanted) ?? sides.at(-1);
  return `/api/photographs/${id}/image?side=${side}&v=${state.columns.hashes[i]}`;
}

/** What I say of a photograph; undefined if nothing. */
export const mine = (id) => state.said.get(id)?.get(state.me?.id);

/** What all together say: `{kind, classes}`, kind being label, unsure, skip, disputed or null. */
export function together(id) {
  const said = [...(state.said.get(id)?.values() ?? [])];
  let counted = said.filter((one) => one.kind === 'label' || one.kind === 'unsure');
  if (!counted.length) return { kind: said.length ? 'skip' : null, classes: [] };
  const decided = Math.max(0, ...counted.filter((one) => one.decides).map((one) => one.event));
  counted = counted.filter((one) => one.event >= decided);
  const key = (one) => (one.kind === 'label' ? one.classes.join() : 'unsure');
  if (new Set(counted.map(key)).size > 1) return { kind: 'disputed', classes: [] };
  return { kind: counted[0].kind, classes: counted[0].classes };
}

export function words({ kind, classes }) {
  if (kind === 'label') return classes.map(className).join(', ') || 'none of the classes';
  return { unsure: 'unsure', skip: 'skipped', disputed: 'disputed' }[kind] ?? 'not labeled';
}

export async function load() {
  state.project = await get('/api/project');
  await loadPhotographs();
  await sync();
  const name = localStorage.getItem('studio-labeler') ?? state.project.labeler;
  if (name) await become(name);
}

export async function loadPhotographs() {
  state.columns = await get('/api/photographs');
  state.place = new Map(state.columns.ids.map((id, i) => [id, i]));
  state.alike = new Map(state.columns.alike.flatMap((group) => group.map((id) => [id, group])));
}

export async function become(name) {
  state.me = await post('/api/labelers', { name });
  state.labelers.set(state.me.id, state.me.name);
  localStorage.setItem('studio-labeler', state.me.name);
  tell('changed');
}

/** Ask what has changed since. */
export async function sync(all = false, whateverWaits = false) {
  const found = await get(`/api/state?after=${all ? 0 : state.event}`);
  if (state.waiting.length && !whateverWaits) return; // what I have just said is newer
  const hasNews = found.full || found.last_event !== state.event;
  if (found.full) state.said.clear();
  for (const id of found.changed) state.said.delete(id);
  found.labels.forEach(note);
  state.event = found.last_event;
  state.classes = new Map(found.classes.map((one) => [one.id, one]));
  state.labelers = new Map(found.labelers.map((one) => [one.id, one.name]));
  const before = state.work;
  state.work = found.work;
  state.model = found.model;
  if (hasNews) tell('changed');
  tell('work');
  const isNew = before.state === 'running' || before.number !== found.work.number;
  if (isNew && found.work.state !== 'running' && before.state !== 'unknown') {
    tell('ended', found.work);
  }
}

function note(one) {
  if (!state.said.has(one.photograph)) state.said.set(one.photograph, new Map());
  const said = state.said.get(one.photograph);
  if (one.kind === 'clear') said.delete(one.labeler);
  else said.set(one.labeler, one);
}

/** Go on asking, more often while something is being done; not while nobody looks. */
export async function follow() {
  for (;;) {
    const pace = state.isAway ? 'away' : state.work.state === 'running' ? 'busy' : 'idle';
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, POLL_MS[pace]);
    });
    if (document.hidden || state.waiting.length) continue; // what waits asks by itself
    try {
      await sync();
      setAway(false);
      recover('The studio answers again');
    } catch (error) {
      if (error instanceof Away) setAway(true);
      else trouble(error);
    }
  }
}
let wake = () => {};
export const soon = () => wake();

function setAway(isAway) {
  if (isAway === state.isAway) return;
  state.isAway = isAway;
  tell('saving');
  if (!isAway) say('The studio answers again');
}

let isTroubled = false; // what was refused will be tried again: its error stays until that is done

function trouble(error) {
  isTroubled = true;
  say(error.message, true);
}

function recover(text) {
  if (isTroubled) say(text);
  isTroubled = false;
}

/**
 * Say something of photographs. It is shown at once and sent in turn; gives what was written, or
 * null where it was not.
 */
export function answer(answers, how = 'key') {
  for (const one of answers) {
    note({ ...one, labeler: state.me.id, event: Infinity, decides: one.decides ?? false });
  }
  tell('changed');
  const sent = answers.map((one) => ({ ...one, seen: one.seen ?? state.event }));
  const body = { labeler: state.me.id, answers: sent, how, token: token() };
  return inTurn('/api/labels', body, sent);
}

export const undo = () => inTurn('/api/undo', { labeler: state.me.id, token: token() }, null);

function inTurn(where, body, answers) {
  return new Promise((resolve) => {
    state.waiting.push({ where, body, answers, resolve });
    tell('saving');
    send();
  });
}

let isSending = false; // two at once would send an answer twice, and drop the one behind it

async function send() {
  if (isSending) return;
  isSending = true;
  while (state.waiting.length) {
    const { where, body, answers, resolve } = state.waiting[0];
    let written = null;
    try {
      written = await post(where, body);
      written.now.forEach(note);
      setAway(false);
      recover('Saved after all');
    } catch (error) {
      // Whether it was written or not: it has a name, and sent again it counts once.
      const isPassing = error instanceof Away || (error instanceof Refused && error.status === 503);
      if (isPassing) {
        if (error instanceof Away) setAway(true);
        else trouble(error);
        await new Promise((again) => setTimeout(again, POLL_MS.away));
        continue;
      }
      state.waiting.shift();
      await forget();
      if (answers && error.body?.others) tell('conflict', { answers, error });
      else say(error.message, true);
      resolve(null);
      continue;
    }
    state.waiting.shift();
    if (written.now.length > 1 || where === '/api/undo') tell('changed');
    tell('saving');
    resolve(written);
  }
  isSending = false;
  soon();
}

/** Show what the server knows instead of what was not written. */
async function forget() {
  try {
    await sync(true, true);
  } catch {
    // It is asked again soon.
  }
  tell('saving');
}

export async function change(method, where, body) {
  const found = await call(method, where, { labeler: state.me.id, ...body });
  await sync();
  return found;
}

export function setSuggests(does) {
  state.suggests = does;
  localStorage.setItem('studio-suggests', does ? 'yes' : 'no');
  tell('changed');
}

addEventListener('beforeunload', (event) => {
  if (state.waiting.length) event.preventDefault();
});
