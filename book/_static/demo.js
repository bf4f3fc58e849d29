/* What the page's demos share: the file that each reads, how its parts are made, and its address. */

const SVG = "http://www.w3.org/2000/svg";

/* What a demo's file holds, after a look at its format. The address is relative to the scripts. */
export async function readData(address, format) {
  const url = new URL(address, import.meta.url);
  const data = url.protocol === "file:" ? await fromDisk(address, url) : await fromServer(url);
  if (data.format !== format) {
    throw new Error(`${url} has the format ${data.format}, expected ${format}`);
  }
  return data;
}

async function fromServer(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.json();
}

/* From the disk, a page may fetch nothing but scripts: the build lays one beside each file. */
function fromDisk(address, url) {
  const script = element("script", { src: `${url}.js` });
  return new Promise((resolve, reject) => {
    script.addEventListener("load", () => resolve(seeingData[address.replace(/^data\//, "")]));
    script.addEventListener("error", () => reject(new Error(`${url}.js is not there`)));
    document.head.append(script);
  });
}

/* What a demo reads, from its `src` if nothing else is said; or null, and then its content stays: a
   static figure. */
export async function dataOf(demo, format, address = demo.getAttribute("src")) {
  try {
    return await readData(address, format);
  } catch (error) {
    console.warn(`${demo.localName} shows its static figure: ${error.message}`);
    return null;
  }
}

export function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

export function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

export function button(text, action) {
  const made = element("button", { type: "button", textContent: text });
  made.addEventListener("click", action);
  return made;
}

export function buttonRow(...buttons) {
  const made = element("p", { className: "demo-buttons" });
  made.append(...buttons);
  return made;
}

/* The line that says in words what one sees; screen readers read it when it changes. */
export function verdictLine() {
  const made = element("p", { className: "demo-verdict" });
  made.setAttribute("role", "status");
  return made;
}

export function slider(id, [min, max, step], action) {
  const made = element("input", { type: "range", id, min, max, step });
  made.addEventListener("input", () => action(Number(made.value)));
  return made;
}

/* A list of classes, each with a bar as long as its probability. */
export function probabilityBars(names, label) {
  const list = element("ol", { className: "digit-demo-bars" });
  list.setAttribute("aria-label", label);
  const rows = names.map((name) => {
    const item = element("li", {});
    const fill = element("span", { className: "digit-demo-fill" });
    const track = element("span", { className: "digit-demo-track" });
    const value = element("span", { className: "digit-demo-value" });
    track.append(fill);
    item.append(element("span", { textContent: name }), track, value);
    list.append(item);
    return { fill, value };
  });
  const show = (probabilities) =>
    rows.forEach(({ fill, value }, i) => {
      const percent = 100 * probabilities[i];
      fill.style.width = `${percent}%`;
      value.textContent = `${percent.toFixed(1)} %`;
    });
  return { list, show };
}

export function checkbox(id, action) {
  const made = element("input", { type: "checkbox", id });
  made.addEventListener("change", () => action(made.checked));
  return made;
}

/* One of several, by name; the action gets its place in the list. */
export function chooser(id, names, action) {
  const made = element("select", { id });
  names.forEach((name) => made.append(element("option", { textContent: name })));
  made.addEventListener("change", () => action(made.selectedIndex));
  return made;
}

/* A picture that a script paints, with what it shows in words. */
export function picture(canvas, caption) {
  const made = element("figure", { className: "demo-picture" });
  made.append(canvas, element("figcaption", { textContent: caption }));
  return made;
}

/* A control with its name, a slider also with its value, and what belongs below it. */
export function row(title, control, below) {
  const line = element("div", { className: "demo-row" });
  line.append(element("label", { textContent: title, htmlFor: control.id }), control);
  if (control.type === "range") line.append(element("output", { htmlFor: control.id }));
  if (below) line.append(below);
  return line;
}

/* Names of places on a slider, below it. */
export function marks(places, [min, max]) {
  const made = element("div", { className: "demo-marks" });
  made.setAttribute("aria-hidden", "true");
  for (const [text, value] of places) {
    const mark = element("span", { textContent: text });
    mark.style.left = `${(100 * (value - min)) / (max - min)}%`;
    made.append(mark);
  }
  return made;
}

/* A table with names above its columns, and at the head of each line. */
export function fillTable(table, header, rows) {
  const line = (cells, isHeader) => {
    const made = element("tr");
    cells.forEach((content, j) => {
      const isName = isHeader || j === 0;
      const cell = element(isName ? "th" : "td", isName ? { scope: isHeader ? "col" : "row" } : {});
      cell.append(content);
      made.append(cell);
    });
    return made;
  };
  table.replaceChildren(line(header, true), ...rows.map((cells) => line(cells, false)));
}

/* A table may be wider than a phone; who uses the keyboard scrolls what has the focus. */
export function scrolling(table, label = "table of results") {
  const made = element("div", { className: "seeing-scroll", tabIndex: 0 });
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", label);
  made.append(table);
  return made;
}

/* Three significant digits, without an exponent where that can be. */
export function short(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

/* Whether a pointer has hold of the element that listens: it is pressed there, or was and moves. */
export function isDragged(event) {
  const { currentTarget: held, pointerId, type } = event;
  if (type === "pointerdown") {
    event.preventDefault(); // it would select the text around
    held.setPointerCapture(pointerId);
  }
  return held.hasPointerCapture(pointerId);
}

/* A share in percent; of nothing, it is undefined. */
export function percent(share) {
  return Number.isNaN(share) ? "undefined" : `${(100 * share).toFixed(1)} %`;
}

export function indexOfLargest(values) {
  return values.indexOf(Math.max(...values));
}

/* A digit in a sentence: a 7, an 8. */
export function withArticle(name) {
  return `${name === "8" ? "an" : "a"} ${name}`;
}

/* A demo's state as a part of the page's address, so that a link shows what one sees. */
export function toAddress(name, numbers) {
  const address = new URL(location);
  address.searchParams.set(name, numbers.join("_"));
  history.replaceState(history.state, "", address);
}

/* A text behind the address's #: a browser sends that to nobody. Null takes it away. */
export function toFragment(name, text) {
  const address = new URL(location);
  if (text !== null) address.hash = `${name}=${text}`;
  else if (fromFragment(name) !== null) address.hash = "";
  history.replaceState(history.state, "", address);
}

/* The text of that name behind the #, or null. */
export function fromFragment(name) {
  const start = `#${name}=`;
  return location.hash.startsWith(start) ? location.hash.slice(start.length) : null;
}

/* The numbers of such an address, or null where it has none or they are none. */
export function fromAddress(name) {
  const found = new URLSearchParams(location.search).get(name);
  const numbers = (found ?? "").split("_").map((part) => (part.trim() ? Number(part) : NaN));
  return found && numbers.every(Number.isFinite) ? numbers : null;
}

export function between(value, [min, max]) {
  return Math.min(max, Math.max(min, value));
}
