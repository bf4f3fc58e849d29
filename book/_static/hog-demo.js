/* <hog-demo>: a digit's gradients in cells and blocks, and what a linear SVM makes of them.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  chooser,
  dataOf,
  element,
  fromAddress,
  picture,
  row,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";
import { DrawingField, drawingHelp } from "./drawing.js";
import { decode } from "./network.js";
import { GRID, centered, fromText } from "./pixels.js";

const FORMAT = "seeing-hog-1";
const NAME = "hog-demo";
const CELLS = [2, 9, 1]; // pixels: least, most, step; three of the largest still fit
const BLOCKS = [1, 3, 1]; // cells
const DIRECTIONS = [2, 18, 1];
const NORMS = ["L1", "L1-sqrt", "L2", "L2-Hys"];
/* Powers of two: they leave a gradient's direction alone, to the last bit. */
const LIGHTS = [1, 1 / 2, 1 / 4, 1 / 8];
const LIGHT_NAMES = ["full", "half", "a quarter", "an eighth"];
/* scikit-image's constants. */
const EPSILON = 1e-5;
const CLIP = 0.2;
const SIDE = 448; // pixels of a canvas
const REACH = 3; // of the bars: what is larger ends there

class HogDemo extends HTMLElement {
  async connectedCallback() {
    const data = await dataOf(this, FORMAT);
    if (!data) return;
    this.data = { ...data, weights: decode(data.weights) };
    this.digits = data.digits.map(({ ink }) => fromText(ink));
    this.build();
    const linked = asLinked(this.digits.length);
    if (this.field.fromAddress()) linked.digit = -1;
    this.show({ digit: 0, light: 0, ...data.settings, ...linked });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    this.field = new DrawingField({
      label: "Drawing area for one digit",
      describedBy: `${NAME}-help`,
      changed: () => this.show({ digit: -1 }, false),
      settled: () => this.remember(),
    });
    this.canvases = { cells: glyphs(), blocks: glyphs() };
    const pictures = element("div", { className: `${NAME}-pictures` });
    pictures.append(
      picture(this.field.canvas, "Image. Draw your own."),
      picture(this.canvases.cells, "Cells"),
      picture(this.canvases.blocks, "Cells, blocks normalized")
    );
    this.length = element("p");
    this.verdict = verdictLine();
    this.bars = signedBars(this.data.class_names, "Decision value of each digit");
    const buttons = buttonRow(
      button("The machine's settings", () => this.show({ ...this.data.settings, light: 0 })),
      button("Clear", () => this.clear())
    );
    this.append(
      drawingHelp(`${NAME}-help`),
      pictures,
      this.length,
      this.verdict,
      this.bars.list,
      element("p", { textContent: "The lines stand at −1, 0 and +1: a curb, the cut, a curb." }),
      buttons,
      this.settings()
    );
  }

  settings() {
    const names = [...this.data.digits.map(({ label }) => `a ${label}`), "my own drawing"];
    this.digit = chooser(`${NAME}-digit`, names, (place) =>
      this.show({ digit: place < this.digits.length ? place : -1 })
    );
    this.light = chooser(`${NAME}-light`, LIGHT_NAMES, (light) => this.show({ light }));
    this.norm = chooser(`${NAME}-norm`, NORMS, (place) => this.show({ norm: NORMS[place] }));
    const sliders = { cell: CELLS, orientations: DIRECTIONS, block: BLOCKS };
    this.sliders = Object.fromEntries(
      Object.entries(sliders).map(([name, range]) => [
        name,
        slider(`${NAME}-${name}`, range, (value) => this.show({ [name]: value })),
      ])
    );
    const made = element("div");
    made.append(
      row("Image", this.digit),
      row("Light", this.light),
      row("A cell's side, in pixels", this.sliders.cell),
      row("Directions", this.sliders.orientations),
      row("A block's side, in cells", this.sliders.block),
      row("Block normalization", this.norm)
    );
    return made;
  }

  clear() {
    this.field.clear();
    this.show({ digit: -1 });
  }

  show(change, isSettled = true) {
    this.state = { ...this.state, ...change };
    const { digit, norm, light } = this.state;
    this.field.strength = LIGHTS[light];
    if (digit >= 0) this.field.show(this.digits[digit]);
    else if (this.field.isDrawn) this.field.paint();
    else this.field.clear();
    this.digit.selectedIndex = digit < 0 ? this.digits.length : digit;
    this.light.selectedIndex = light;
    this.norm.selectedIndex = NORMS.indexOf(norm);
    for (const [name, control] of Object.entries(this.sliders)) {
      control.value = this.state[name];
      control.nextSibling.textContent = this.state[name];
    }
    this.image = this.lit();
    this.found = described(this.image, this.state);
    this.decisions = this.field.isEmpty || this.differing().length ? null : this.decide();
    this.paint();
    this.bars.show(this.decisions);
    this.length.textContent = lengthInWords(this.found.blocks, this.state);
    this.verdict.textContent = this.inWords();
    if (isSettled) this.remember();
  }

  /* The gray values that are described, from 0 to 255: a drawing is centered as the digits are. */
  lit() {
    const { ink, isDrawn, isEmpty, strength } = this.field;
    const seen = isDrawn && !isEmpty ? centered(ink) : ink;
    return Float64Array.from(seen, (value) => Math.round(255 * value) * strength);
  }

  /* The settings in which this descriptor is not what the machine learned from. */
  differing() {
    return Object.entries(this.data.settings)
      .filter(([name, value]) => this.state[name] !== value)
      .map(([name]) => name);
  }

  /* Each class's w · x + b. */
  decide() {
    const { weights, biases } = this.data;
    const { values } = this.found.blocks;
    return biases.map((bias, k) =>
      values.reduce((sum, value, i) => sum + weights[k * values.length + i] * value, bias)
    );
  }

  paint() {
    const { cells, normalized } = this.found;
    const { cell, light } = this.state;
    /* Sticks are as dark as in full light, or fade with it. */
    const brightest = largest(cells.values) / LIGHTS[light];
    paintCells(this.canvases.cells, cells, cell, brightest);
    paintCells(this.canvases.blocks, normalized, cell, largest(normalized.values));
    const kind = `${cells.rows} by ${cells.columns} cells, as sticks along their edges`;
    this.canvases.cells.setAttribute("aria-label", kind);
    this.canvases.blocks.setAttribute("aria-label", `${kind}, after normalization`);
  }

  inWords() {
    if (this.field.isEmpty) return "Nothing drawn yet.";
    const differing = this.differing();
    if (differing.length) return mismatch(this.data.settings, differing);
    const { class_names: names } = this.data;
    const order = names.map((_, k) => k).sort((a, b) => this.decisions[b] - this.decisions[a]);
    const [first, second] = order.map((k) => `${names[k]}, with ${signed(this.decisions[k])}`);
    return this.decisions[order[0]] > 0
      ? `The machine says ${first}; next comes ${second}.`
      : `None of the ten claims this image. The nearest is ${first}; next comes ${second}.`;
  }

  remember() {
    if (!this.dataset.ready) return;
    const { digit, light, cell, orientations, block, norm } = this.state;
    toAddress("hog", [digit, light, cell, orientations, block, NORMS.indexOf(norm)]);
    this.field.toAddress();
  }
}

/* HOG as scikit-image computes it: histograms of cells, normalized blocks, and for the eye each
   cell's mean over the blocks that hold it. The blocks' values are the descriptor. */
export function described(image, { orientations, cell, block, norm }) {
  const cells = histograms(image, orientations, cell);
  const blocks = normalized(cells, block, norm);
  return { cells, blocks, normalized: meanOfBlocks(cells, blocks, block) };
}

function histograms(image, orientations, cell) {
  const rows = Math.floor(GRID / cell);
  const columns = rows;
  const values = new Float64Array(rows * columns * orientations);
  for (let y = 0; y < rows * cell; y++) {
    for (let x = 0; x < columns * cell; x++) {
      const at = y * GRID + x;
      /* Where a neighbor is missing the gradient counts as 0. */
      const down = y > 0 && y < GRID - 1 ? image[at + GRID] - image[at - GRID] : 0;
      const across = x > 0 && x < GRID - 1 ? image[at + 1] - image[at - 1] : 0;
      const bin = binOf(down, across, orientations);
      if (bin === orientations) continue;
      const place = Math.floor(y / cell) * columns + Math.floor(x / cell);
      values[place * orientations + bin] += Math.sqrt(down * down + across * across) / cell ** 2;
    }
  }
  return { rows, columns, orientations, values };
}

/* A direction on the border of two bins counts to the upper one. A hair below 0 becomes 180, which
   lies in no bin. */
function binOf(down, across, orientations) {
  let angle = (Math.atan2(down, across) * (180 / Math.PI)) % 180;
  if (angle < 0) angle += 180;
  const width = 180 / orientations;
  let bin = 0;
  while (bin < orientations && angle >= width * (bin + 1)) bin++;
  return bin;
}

function normalized({ rows, columns, orientations, values }, block, norm) {
  const [down, across] = [rows - block + 1, columns - block + 1];
  const length = block * block * orientations;
  const made = new Float64Array(down * across * length);
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const one = made.subarray((row * across + column) * length).subarray(0, length);
      for (let r = 0; r < block; r++) {
        const from = ((row + r) * columns + column) * orientations;
        one.set(values.subarray(from, from + block * orientations), r * block * orientations);
      }
      NORMALIZE[norm](one);
    }
  }
  return { rows: down, columns: across, values: made };
}

const NORMALIZE = {
  L1: (one) => divide(one, sum(one, (value) => value) + EPSILON),
  "L1-sqrt"(one) {
    NORMALIZE.L1(one);
    one.forEach((value, i) => (one[i] = Math.sqrt(value)));
  },
  L2: (one) => divide(one, Math.sqrt(sum(one, (value) => value * value) + EPSILON ** 2)),
  "L2-Hys"(one) {
    NORMALIZE.L2(one);
    one.forEach((value, i) => (one[i] = Math.min(value, CLIP)));
    NORMALIZE.L2(one);
  },
};

function sum(values, of) {
  return values.reduce((all, value) => all + of(value), 0);
}

function divide(values, by) {
  values.forEach((value, i) => (values[i] = value / by));
}

function meanOfBlocks({ rows, columns, orientations }, blocks, block) {
  const values = new Float64Array(rows * columns * orientations);
  const counts = new Float64Array(rows * columns);
  let from = 0;
  for (let row = 0; row < blocks.rows; row++) {
    for (let column = 0; column < blocks.columns; column++) {
      for (let part = 0; part < block * block; part++) {
        const cell = (row + Math.floor(part / block)) * columns + column + (part % block);
        counts[cell] += 1;
        for (let bin = 0; bin < orientations; bin++) {
          values[cell * orientations + bin] += blocks.values[from++];
        }
      }
    }
  }
  values.forEach((value, i) => (values[i] = value / counts[Math.floor(i / orientations)]));
  return { rows, columns, orientations, values };
}

function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function glyphs() {
  const made = element("canvas", { width: SIDE, height: SIDE });
  made.setAttribute("role", "img");
  return made;
}

/* A stick for each direction of each cell, along the edge; the darker, the more of it. */
function paintCells(canvas, { rows, columns, orientations, values }, cell, darkest) {
  const context = canvas.getContext("2d");
  const side = (SIDE * cell) / GRID;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, SIDE, SIDE);
  context.lineWidth = 4;
  values.forEach((value, i) => {
    const shade = darkest > 0 ? value / darkest : 0;
    if (shade < 0.01) return;
    const place = Math.floor(i / orientations);
    const edge = (Math.PI * ((i % orientations) + 0.5)) / orientations + Math.PI / 2;
    const [dx, dy] = [0.45 * side * Math.cos(edge), 0.45 * side * Math.sin(edge)];
    const [x, y] = [((place % columns) + 0.5) * side, (Math.floor(place / columns) + 0.5) * side];
    context.strokeStyle = `rgb(0 0 0 / ${shade.toFixed(3)})`;
    context.beginPath();
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
    context.stroke();
  });
}

/* A list of classes, each with a bar from the middle to the left or to the right. */
function signedBars(names, label) {
  const list = element("ol", { className: `${NAME}-bars` });
  list.setAttribute("aria-label", label);
  const rows = names.map((name) => {
    const item = element("li");
    const track = element("span", { className: `${NAME}-track` });
    const fill = element("span", { className: `${NAME}-fill` });
    const value = element("span", { className: `${NAME}-value` });
    track.append(fill);
    item.append(element("span", { textContent: name }), track, value);
    list.append(item);
    return { fill, value };
  });
  const show = (values) =>
    rows.forEach(({ fill, value }, k) => {
      const share = values ? between(values[k], [-REACH, REACH]) / (2 * REACH) : 0;
      fill.style.left = `${100 * Math.min(0.5, 0.5 + share)}%`;
      fill.style.width = `${100 * Math.abs(share)}%`;
      value.textContent = values ? signed(values[k]) : "none";
    });
  return { list, show };
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
}

function lengthInWords({ rows, columns, values }, { block, orientations }) {
  return (
    `The descriptor has ${values.length.toLocaleString("en-US")} numbers: ${rows} · ${columns} ` +
    `blocks, ${block} · ${block} cells in each, ${orientations} directions in each cell.`
  );
}

/* Why a machine has nothing to say to a descriptor that was made in another way. */
function mismatch(settings, differing) {
  const said = {
    cell: `cells of ${settings.cell} pixels`,
    orientations: `${settings.orientations} directions`,
    block: `blocks of ${settings.block} · ${settings.block} cells`,
    norm: `the normalization ${settings.norm}`,
  };
  const other = differing.map((name) => said[name]).join(" and ");
  return (
    `No decision: the machine learned from descriptors with ${other}. ` +
    "Its weights belong to those numbers, and here each number means something else."
  );
}

/* What a link says, as far as it makes sense. */
function asLinked(count) {
  const found = fromAddress("hog") ?? [];
  const [digit, light, cell, orientations, block, norm] = found.map(Math.round);
  const isWhole = digit >= -1 && digit < count && light in LIGHTS && norm in NORMS;
  if (found.length !== 6 || !isWhole) return {};
  return {
    digit,
    light,
    cell: between(cell, CELLS),
    orientations: between(orientations, DIRECTIONS),
    block: between(block, BLOCKS),
    norm: NORMS[norm],
  };
}

customElements.define(NAME, HogDemo);
