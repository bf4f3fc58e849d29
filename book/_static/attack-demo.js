/* <attack-demo>: attack the chapter's own network in the page, with noise, FGSM or PGD, and watch
   its answer while the budget grows.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  chooser,
  dataOf,
  element,
  fromAddress,
  indexOfLargest,
  percent,
  picture,
  probabilityBars,
  row,
  slider,
  toAddress,
  verdictLine,
  withArticle,
} from "./demo.js";
import { FORMAT, decoded, predict } from "./network.js";
import { GRID, imageCanvas, paint } from "./pixels.js";
import { slope } from "./slopes.js";

const NAME = "attack-demo";
const WAYS = ["noise", "FGSM", "PGD"];
const WAYS_AS_TOLD = ["noise: a coin for each pixel", "FGSM: one step", "PGD: 20 steps"];
const EPSILONS = [0, 51, 0.5]; // levels of 255: least, most, step
const LOTS = [0, 9999];
const STEPS = 20; // of PGD
const WORK = 8; // milliseconds in a frame, after which the next step waits for the next frame
const MOST = 255;
/* More ink and less: orange and purple, as in the chapter's figure. */
const MORE = [230, 97, 1];
const LESS = [94, 60, 153];

class AttackDemo extends HTMLElement {
  async connectedCallback() {
    const exported = await dataOf(this, FORMAT);
    if (!exported) return;
    this.network = decoded(exported);
    this.build();
    const digit = Math.min(3, this.network.probes.length - 1);
    this.chapter = { epsilon: between(exported.epsilon, EPSILONS) };
    this.show({ digit, way: 1, lot: 0, ...this.chapter, ...asLinked(this.network.probes.length) });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const { labels, class_names: names } = this.network;
    const digits = labels.map((label) => withArticle(names[label]));
    this.digit = chooser(`${NAME}-digit`, digits, (digit) => this.show({ digit }));
    this.way = chooser(`${NAME}-way`, WAYS_AS_TOLD, (way) => this.show({ way }));
    this.epsilon = slider(`${NAME}-epsilon`, EPSILONS, (epsilon) => this.show({ epsilon }));
    const settings = element("div");
    settings.append(
      row("Digit", this.digit),
      row("Way", this.way),
      row("ε, in levels of 255", this.epsilon)
    );
    this.other = button("Another random start", () =>
      this.show({ lot: (this.state.lot + 1) % (LOTS[1] + 1) })
    );
    const buttons = buttonRow(
      button("The chapter's ε", () => this.show(this.chapter)),
      this.other
    );
    this.canvases = ["The digit", "The change", "The attacked digit"].map(imageCanvas);
    const captions = ["Digit", "Change: orange is more ink, purple less", "Attacked digit"];
    const pictures = element("div", { className: `${NAME}-pictures` });
    pictures.append(...this.canvases.map((canvas, i) => picture(canvas, captions[i])));
    this.bars = probabilityBars(names, "Probability of each digit");
    const columns = element("div", { className: `${NAME}-columns` });
    columns.append(pictures, this.bars.list);
    this.verdict = verdictLine();
    this.append(settings, buttons, columns, this.verdict);
  }

  show(change) {
    this.state = { ...this.state, ...change };
    const { digit, way, epsilon, lot } = this.state;
    this.digit.selectedIndex = digit;
    this.way.selectedIndex = way;
    this.epsilon.value = epsilon;
    this.epsilon.nextSibling.textContent = epsilon.toFixed(1);
    this.other.disabled = WAYS[way] === "FGSM"; // where nothing is left to chance
    paint(this.canvases[0], inked(this.original));
    this.canvases[0].setAttribute("aria-label", `The digit: ${this.named(this.label)}`);
    this.attack();
    if (this.dataset.ready) toAddress("attack", [digit, way, epsilon, lot]);
  }

  get original() {
    return this.network.probes[this.state.digit].image;
  }

  get label() {
    return this.network.labels[this.state.digit];
  }

  /* A single step shows its end at once, many steps go on from frame to frame. */
  attack() {
    cancelAnimationFrame(this.frame);
    const { way, epsilon, lot } = this.state;
    const { network, original, label } = this;
    if (WAYS[way] === "noise") this.found = { changed: byCoin(original, epsilon, lot) };
    if (WAYS[way] === "FGSM") this.found = { changed: fgsm(network, original, label, epsilon) };
    if (WAYS[way] === "PGD") this.found = { changed: randomStart(original, epsilon, lot) };
    this.found.left = WAYS[way] === "PGD" ? STEPS : 0; // steps that are still to be made
    this.goOn();
  }

  goOn() {
    const start = performance.now();
    while (this.found.left && performance.now() - start < WORK) {
      const { changed, left } = this.found;
      this.found = {
        changed: pgdStep(this.network, changed, this.original, this.label, this.state.epsilon),
        left: left - 1,
      };
    }
    this.look();
    if (this.found.left) this.frame = requestAnimationFrame(() => this.goOn());
  }

  look() {
    const { changed, left } = this.found;
    const { original } = this;
    this.probabilities = predict(this.network, changed);
    this.change = changed.map((value, i) => value - original[i]);
    this.bars.show(this.probabilities);
    paintChange(this.canvases[1], this.change, this.state.epsilon);
    paint(this.canvases[2], inked(changed));
    /* Whoever listens is told the end, not each step. */
    if (left) return;
    this.verdict.textContent = this.inWords();
    const moved = this.change.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
    const words = `The change: ${moved} of ${original.length} pixels`;
    this.canvases[1].setAttribute("aria-label", words);
    const seen = this.named(indexOfLargest(this.probabilities));
    this.canvases[2].setAttribute("aria-label", `The attacked digit, seen as ${seen}`);
  }

  named(place) {
    return withArticle(this.network.class_names[place]);
  }

  inWords() {
    const { way, epsilon } = this.state;
    const seen = indexOfLargest(this.probabilities);
    const said = `${this.named(seen)} (${percent(this.probabilities[seen])})`;
    if (epsilon === 0) return `Nothing is changed yet. The network sees ${said}.`;
    const how = `With ${WAYS[way]} and ε = ${epsilon.toFixed(1)} the network`;
    if (seen === this.label) return `${how} still sees ${said}.`;
    const rest = percent(this.probabilities[this.label]);
    return `${how} sees ${said}. For ${this.named(this.label)}, which it is, ${rest} are left.`;
  }
}

/* The nearest pixels from 0 to 255, epsilon from the original at most. */
export function within(changed, original, epsilon) {
  return changed.map((value, i) => {
    const inBudget = between(value, [original[i] - epsilon, original[i] + epsilon]);
    return between(inBudget, [0, MOST]);
  });
}

/* FGSM: each pixel goes the whole way in the direction that hurts. */
export function fgsm(network, original, label, epsilon) {
  return climbed(network, original, { original, label, epsilon, size: epsilon });
}

/* Noise of the same size: each pixel up or down, as a coin decides. */
export function byCoin(original, epsilon, lot) {
  const random = numbersByLot(lot);
  const stepped = original.map((value) => value + (random() < 0.5 ? -epsilon : epsilon));
  return within(stepped, original, epsilon);
}

/* Where PGD begins: anywhere within the budget. */
export function randomStart(original, epsilon, lot) {
  const random = numbersByLot(lot);
  const started = original.map((value) => value + epsilon * (2 * random() - 1));
  return within(started, original, epsilon);
}

/* One of PGD's steps, which together could cross the whole budget and come back a little. */
export function pgdStep(network, changed, original, label, epsilon) {
  const size = (2.5 * epsilon) / STEPS;
  return climbed(network, changed, { original, label, epsilon, size });
}

/* A step of some size up the slope of the loss in each pixel, as far as the budget allows. */
function climbed(network, changed, { original, label, epsilon, size }) {
  const slopes = slope(network, changed, label);
  return within(
    changed.map((value, i) => value + size * Math.sign(slopes[i])),
    original,
    epsilon
  );
}

/* Numbers from 0 to 1, the same ones for the same lot (Park and Miller's generator). */
function numbersByLot(lot) {
  let state = lot + 1;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < 3; i++) next(); // the first numbers of neighboring lots are alike
  return next;
}

/* From paper, 0, to ink, 1. */
function inked(pixels) {
  return pixels.map((value) => value / MOST);
}

/* White where nothing changed; in full color what changed as much as it may. */
function paintChange(canvas, change, epsilon) {
  const small = Object.assign(document.createElement("canvas"), { width: GRID, height: GRID });
  const image = new ImageData(GRID, GRID);
  change.forEach((value, i) => {
    const share = epsilon ? Math.min(1, Math.abs(value) / epsilon) : 0;
    const color = value > 0 ? MORE : LESS;
    color.forEach((level, j) => (image.data[4 * i + j] = MOST + share * (level - MOST)));
    image.data[4 * i + 3] = MOST;
  });
  small.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

/* What a link says, as far as it makes sense. */
function asLinked(digits) {
  const found = fromAddress("attack") ?? [];
  const [digit, way, epsilon, lot] = found;
  const isWhole = found.length === 4 && [digit, way, lot].every(Number.isInteger);
  if (!isWhole || !(digit >= 0 && digit < digits) || !(way in WAYS)) return {};
  const [least, most, step] = EPSILONS;
  const rounded = Math.round(between(epsilon, [least, most]) / step) * step;
  return { digit, way, epsilon: rounded, lot: between(lot, LOTS) };
}

customElements.define(NAME, AttackDemo);
