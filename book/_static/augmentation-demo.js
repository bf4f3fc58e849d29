/* <augmentation-demo>: change a test digit, see what chapter 4's network says of it, and judge for
   yourself whether the label is still true.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  checkbox,
  chooser,
  dataOf,
  element,
  fromAddress,
  indexOfLargest,
  probabilityBars,
  row,
  short,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";
import { FORMAT, decoded, predict } from "./network.js";
import { GRID, imageCanvas, paint, resample } from "./pixels.js";

const NAME = "augmentation-demo";
/* What can be changed: its name, its range and step, and the value that changes nothing. */
const CHANGES = {
  turn: ["Turn to the right, in degrees", [-180, 180, 5], 0],
  right: ["Shift to the right, in pixels", [-12, 12, 0.5], 0],
  down: ["Shift down, in pixels", [-12, 12, 0.5], 0],
  size: ["Size", [0.3, 2.5, 0.05], 1],
  contrast: ["Contrast", [0, 2, 0.05], 1],
  noise: ["Noise", [0, 0.8, 0.02], 0],
};
const UNCHANGED = {
  ...Object.fromEntries(Object.entries(CHANGES).map(([name, [, , neutral]]) => [name, neutral])),
  mirrored: false,
};
const PRESETS = {
  "as it was": UNCHANGED,
  "half a turn": { ...UNCHANGED, turn: 180 },
  "in the mirror": { ...UNCHANGED, mirrored: true },
  "a corner": { ...UNCHANGED, right: 7, down: 7, size: 0.6 },
  noise: { ...UNCHANGED, noise: 0.4 },
};

class AugmentationDemo extends HTMLElement {
  async connectedCallback() {
    const exported = await dataOf(this, FORMAT);
    if (!exported) return;
    this.network = decoded(exported);
    this.pattern = normalNumbers(GRID * GRID);
    this.build();
    this.show({ digit: 6, ...UNCHANGED, ...asLinked(this.network.probes.length) });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const names = this.network.class_names;
    this.digit = chooser(`${NAME}-digit`, names, (digit) => this.show({ digit }));
    this.mirror = checkbox(`${NAME}-mirror`, (mirrored) => this.show({ mirrored }));
    this.sliders = Object.fromEntries(
      Object.entries(CHANGES).map(([name, [, range]]) => [
        name,
        slider(`${NAME}-${name}`, range, (value) => this.show({ [name]: value })),
      ])
    );
    const settings = element("div");
    settings.append(
      row("The digit that was written", this.digit),
      ...Object.entries(this.sliders).map(([name, control]) => row(CHANGES[name][0], control)),
      row("Mirrored", this.mirror)
    );
    this.canvas = imageCanvas("A digit, changed");
    this.bars = probabilityBars(names, "What the network says");
    const columns = element("div", { className: "digit-demo-columns" });
    columns.append(this.canvas, this.bars.list);
    this.verdict = verdictLine();
    const buttons = buttonRow(
      ...Object.entries(PRESETS).map(([name, change]) => button(name, () => this.show(change)))
    );
    this.append(columns, this.verdict, buttons, settings);
  }

  show(change) {
    this.state = { ...this.state, ...change };
    const { digit, mirrored } = this.state;
    this.digit.selectedIndex = digit;
    this.mirror.checked = mirrored;
    for (const [name, control] of Object.entries(this.sliders)) {
      control.value = this.state[name];
      control.nextSibling.textContent = short(this.state[name]);
    }
    this.image = changed(this.network.probes[digit].image, this.state, this.pattern);
    this.probabilities = predict(this.network, this.image);
    paint(this.canvas, this.image);
    this.bars.show(this.probabilities);
    this.verdict.textContent = inWords(this.network.class_names, digit, this.probabilities);
    this.canvas.setAttribute("aria-label", `A ${this.network.class_names[digit]}, changed`);
    if (this.dataset.ready) toAddress("change", asNumbers(this.state));
  }
}

/* The digit, mirrored, then turned and sized about its middle, then shifted; what comes into sight
   is empty. Contrast is about the image's mean, and all is cut off at 0 and 1. */
export function changed(image, { turn, right, down, size, contrast, noise, mirrored }, pattern) {
  const angle = (turn * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const middle = GRID / 2;
  const moved = resample(image, (x, y) => {
    const [u, v] = [(x - middle - right) / size, (y - middle - down) / size];
    const [across, along] = [u * cosine + v * sine, v * cosine - u * sine];
    return [(mirrored ? -across : across) + middle, along + middle];
  });
  const mean = moved.reduce((sum, value) => sum + value, 0) / moved.length;
  return moved.map((value, i) =>
    between(mean + contrast * (value - mean) + noise * pattern[i], [0, 1])
  );
}

/* Normally distributed numbers, the same ones every time (Box and Muller's method). */
function normalNumbers(count) {
  let state = 1;
  /* Park and Miller's generator; its numbers are never 0. */
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return Float32Array.from({ length: count }, () => {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(uniform())), 2 * Math.PI * uniform()];
    return radius * Math.cos(angle);
  });
}

function inWords(names, digit, probabilities) {
  const best = indexOfLargest(probabilities);
  const share = (100 * probabilities[best]).toFixed(1);
  return (
    `Written as a ${names[digit]}; the network ${best === digit ? "still " : ""}says ` +
    `${names[best]} (${share} %). Would you still call it a ${names[digit]}?`
  );
}

function asNumbers(state) {
  return [state.digit, ...Object.keys(CHANGES).map((name) => state[name]), Number(state.mirrored)];
}

/* What a link says, as far as it makes sense. */
function asLinked(count) {
  const names = Object.keys(CHANGES);
  const [digit, ...values] = fromAddress("change") ?? [];
  const isDigit = Number.isInteger(digit) && digit >= 0 && digit < count;
  if (!isDigit || values.length !== names.length + 1) return {};
  const entries = names.map((name, i) => [name, between(values[i], CHANGES[name][1])]);
  return { digit, ...Object.fromEntries(entries), mirrored: values.at(-1) === 1 };
}

customElements.define(NAME, AugmentationDemo);
