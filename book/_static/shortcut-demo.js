/* <shortcut-demo>: move the clerk's mark over a badly scanned digit, and compare a network that
   learned with marks with one that never saw any.
   Without JavaScript the element's content stays: a static figure. */

import {
  button,
  buttonRow,
  checkbox,
  chooser,
  dataOf,
  element,
  fromAddress,
  indexOfLargest,
  isDragged,
  percent,
  picture,
  probabilityBars,
  row,
  slider,
  toAddress,
  verdictLine,
  withArticle,
} from "./demo.js";
import { FORMAT, answer, decoded } from "./network.js";
import { GRID, imageCanvas, paint } from "./pixels.js";

const NAME = "shortcut-demo";
const MOST = 255;
const NONE = -1; // the mark's place where there is none
const KINDS = ["without marks", "with marks"]; // of what the networks learned from

class ShortcutDemo extends HTMLElement {
  async connectedCallback() {
    const exported = await dataOf(this, FORMAT);
    const other = exported && (await dataOf(this, FORMAT, exported.other));
    if (!other) return;
    this.networks = [exported, other].map(decoded);
    this.data = exported;
    this.build();
    const digit = Math.min(4, exported.probes.length - 1);
    this.show({ digit, place: exported.labels[digit], ...asLinked(exported) });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const { labels, lefts, class_names: names } = this.data;
    this.last = lefts.length - 1;
    const digits = labels.map((label) => withArticle(names[label]));
    this.digit = chooser(`${NAME}-digit`, digits, (digit) => this.show({ digit }));
    this.place = slider(`${NAME}-place`, [0, this.last, 1], (place) => this.show({ place }));
    this.mark = checkbox(`${NAME}-mark`, (isThere) =>
      this.show({ place: isThere ? Number(this.place.value) : NONE })
    );
    const settings = element("div");
    settings.append(
      row("Digit", this.digit),
      row("The mark's place", this.place),
      row("There is a mark", this.mark)
    );
    const buttons = buttonRow(
      button("The digit's own place", () => this.show({ place: this.label })),
      button("The next place", () => this.show({ place: (this.state.place + 1) % (this.last + 1) }))
    );
    this.canvas = imageCanvas("A scan");
    for (const name of ["pointerdown", "pointermove"]) {
      this.canvas.addEventListener(name, (event) => this.point(event));
    }
    this.canvas.addEventListener("lostpointercapture", () => this.remember());
    const columns = element("div", { className: `${NAME}-columns` });
    columns.append(picture(this.canvas, "The scan. Drag the mark along the upper edge."));
    this.bars = KINDS.map((kind) => {
      const title = `Learned ${kind}`;
      const bars = probabilityBars(names, `Probability of each digit. ${title}`);
      const part = element("div", { className: `${NAME}-network` });
      const says = element("p", { className: `${NAME}-says` });
      part.append(element("p", { className: `${NAME}-title`, textContent: title }), bars.list, says);
      columns.append(part);
      return { ...bars, says };
    });
    this.verdict = verdictLine();
    this.append(settings, buttons, columns, this.verdict);
  }

  get label() {
    return this.data.labels[this.state.digit];
  }

  /* The mark goes to the place that is nearest to the pointer. */
  point(event) {
    if (!isDragged(event)) return;
    const { lefts, mark } = this.data;
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * GRID;
    const away = lefts.map((left) => Math.abs(left + mark / 2 - x));
    const place = away.indexOf(Math.min(...away));
    if (place !== this.state.place) this.show({ place }, false);
  }

  show(change, isSettled = true) {
    this.state = { ...this.state, ...change };
    const { digit, place } = this.state;
    this.digit.selectedIndex = digit;
    this.mark.checked = place !== NONE;
    if (place !== NONE) this.place.value = place;
    const text = place === NONE ? "no mark" : `as for ${withArticle(this.data.class_names[place])}`;
    this.place.setAttribute("aria-valuetext", text);
    this.place.nextSibling.textContent = text;
    this.image = marked(this.data.probes[digit].image, this.data, place);
    this.found = this.networks.map((network) => answer(network, this.image));
    this.found.forEach(({ probabilities }, i) => {
      const best = indexOfLargest(probabilities);
      const verdict = best === this.label ? "right" : "wrong";
      this.bars[i].show(probabilities);
      this.bars[i].says.textContent = `${this.data.class_names[best]}: ${verdict}`;
    });
    paint(this.canvas, this.image.map((value) => value / MOST));
    const name = withArticle(this.data.class_names[this.label]);
    this.canvas.setAttribute("aria-label", `A scan of ${name}, ${this.markInWords()}`);
    this.verdict.textContent = this.inWords();
    if (isSettled) this.remember();
  }

  markInWords() {
    const { place } = this.state;
    if (place === NONE) return "without a mark";
    return `with the mark at the place for ${withArticle(this.data.class_names[place])}`;
  }

  inWords() {
    const { class_names: names } = this.data;
    const said = this.found.map(({ probabilities }, i) => {
      const best = indexOfLargest(probabilities);
      const share = percent(probabilities[best]);
      return `the network that learned ${KINDS[i]} sees ${withArticle(names[best])} (${share})`;
    });
    const scan = `This is ${withArticle(names[this.label])}, ${this.markInWords()}.`;
    return `${scan} In it ${said.join(", and ")}.`;
  }

  remember() {
    if (this.dataset.ready) toAddress("shortcut", [this.state.digit, this.state.place]);
  }
}

/* The scan with a square of ink at one of the places of its upper edge. */
export function marked(image, { mark, lefts }, place) {
  const made = Float32Array.from(image);
  if (place === NONE) return made;
  for (let line = 0; line < mark; line++) {
    const start = line * GRID + lefts[place];
    made.fill(MOST, start, start + mark);
  }
  return made;
}

/* What a link says, as far as it makes sense. */
function asLinked({ labels, lefts }) {
  const found = fromAddress("shortcut") ?? [];
  const [digit, place] = found;
  if (found.length !== 2 || !(digit in labels)) return {};
  return place === NONE || place in lefts ? { digit, place } : {};
}

customElements.define(NAME, ShortcutDemo);
