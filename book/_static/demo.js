/* What the page's demos share: the file that each reads, and how its parts are made. */

/* What a demo's file holds, after a look at its format. The address is relative to the scripts. */
export async function readData(address, format) {
  const url = new URL(address, import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  const data = await response.json();
  if (data.format !== format) {
    throw new Error(`${url} has the format ${data.format}, expected ${format}`);
  }
  return data;
}

/* What a demo reads from its `src`, or null, and then its content stays: a static figure. */
export async function dataOf(demo, format) {
  try {
    return await readData(demo.getAttribute("src"), format);
  } catch (error) {
    console.warn(`${demo.localName} shows its static figure: ${error.message}`);
    return null;
  }
}

export function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
