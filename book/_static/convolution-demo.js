/* <convolution-demo>: move a kernel over a picture and see products, sum and feature map.
   Without JavaScript the element's content stays: a static figure. */

import { chooser, dataOf, element, verdictLine } from "./demo.js";

const FORMAT = "seeing-convolution-1";
const SIZE = 3; // rows and columns of the kernel
const EDGE = 288; // pixels of a canvas

class ConvolutionDemo extends HTMLElement {
  async connectedCallback() {
    this.data = await dataOf(this, FORMAT);
    if (!this.data) return;
    this.build();
    this.choosePicture(0);
    this.chooseKernel(0);
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const help = element("p", {
      id: "convolution-demo-help",
      textContent:
        "Move over the picture with mouse or finger, or with the arrow keys. " +
        "Choose another kernel, or change a weight.",
    });
    const choices = element("p", { className: "convolution-demo-choices" });
    choices.append(
      named("Picture", this.data.pictures, (index) => this.choosePicture(index)),
      named("Kernel", this.data.kernels, (index) => this.chooseKernel(index))
    );

    this.canvas = element("canvas", { width: EDGE, height: EDGE, tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Picture, with a frame where the kernel lies");
    this.canvas.setAttribute("aria-describedby", "convolution-demo-help");
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.mapCanvas = element("canvas", { width: EDGE, height: EDGE });
    this.mapCanvas.setAttribute("role", "img");

    this.inputs = [];
    const weights = table("Weights", (row, column) => {
      const input = element("input", { type: "number", step: "any" });
      input.setAttribute("aria-label", `Weight, row ${row + 1}, column ${column + 1}`);
      input.addEventListener("input", () => this.readWeights());
      this.inputs.push(input);
      return input;
    });
    this.cells = [];
    const products = table("Pixel · weight", () => {
      const cell = element("span", {});
      this.cells.push(cell);
      return cell;
    });
    this.verdict = verdictLine();

    const columns = element("div", { className: "convolution-demo-columns" });
    columns.append(
      panel("Picture", this.canvas),
      panel("Feature map: purple is positive, orange negative", this.mapCanvas),
      weights,
      products
    );
    this.append(help, choices, columns, this.verdict);
  }

  choosePicture(index) {
    this.picture = this.data.pictures[index].pixels;
    this.rows = this.picture.length - SIZE + 1;
    this.columns = this.picture[0].length - SIZE + 1;
    this.place = { row: 0, column: 0 };
    this.refresh();
  }

  chooseKernel(index) {
    this.weights = this.data.kernels[index].weights.flat();
    this.inputs.forEach((input, i) => (input.value = short(this.weights[i])));
    this.refresh();
  }

  readWeights() {
    this.weights = this.inputs.map((input) => Number(input.value) || 0);
    this.refresh();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.picture[0].length);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.picture.length);
    this.move(row - 1, column - 1); // the pointer is in the middle of the window
  }

  key(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [down, right] = steps[event.key];
    this.move(this.place.row + down, this.place.column + right);
  }

  move(row, column) {
    this.place.row = Math.min(this.rows - 1, Math.max(0, row));
    this.place.column = Math.min(this.columns - 1, Math.max(0, column));
    this.refresh();
  }

  refresh() {
    if (!this.weights) return;
    this.map = slide(this.picture, this.weights);
    const { row, column } = this.place;
    const pixels = windowAt(this.picture, row, column);
    this.products = pixels.map((pixel, i) => pixel * this.weights[i]);
    this.sum = this.map[row][column];
    this.cells.forEach((cell, i) => {
      const weight = short(this.weights[i]);
      cell.textContent = `${short(pixels[i])} · ${weight} = ${short(this.products[i])}`;
    });
    const place = `row ${row + 1}, column ${column + 1}`;
    this.verdict.textContent = `The sum of the nine products is ${short(this.sum)}: ${place} of the map.`;
    this.mapCanvas.setAttribute("aria-label", `Feature map; ${place} is ${short(this.sum)}`);
    this.paint();
  }

  paint() {
    const brightest = Math.max(...this.picture.flat(), 1e-9);
    const gray = (value) => {
      const level = Math.round((255 * value) / brightest);
      return [level, level, level];
    };
    paintTable(this.canvas, this.picture, gray);
    const largest = Math.max(...this.map.flat().map(Math.abs), 1e-9);
    paintTable(this.mapCanvas, this.map, (value) => diverging(value / largest));
    const { row, column } = this.place;
    frame(this.canvas, this.picture, row, column, SIZE);
    frame(this.mapCanvas, this.map, row, column, 1);
  }
}

/* The feature map: at each place the sum of nine products, as the chapter's loops compute it. */
export function slide(picture, weights) {
  const rows = picture.length - SIZE + 1;
  const columns = picture[0].length - SIZE + 1;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      windowAt(picture, row, column).reduce((sum, pixel, i) => sum + pixel * weights[i], 0)
    )
  );
}

function windowAt(picture, row, column) {
  return picture.slice(row, row + SIZE).flatMap((line) => line.slice(column, column + SIZE));
}

/* White at 0, toward a dark purple at 1 and a dark orange at -1. */
function diverging(value) {
  const end = value > 0 ? [84, 39, 136] : [179, 88, 6];
  return end.map((level) => Math.round(255 + (level - 255) * Math.abs(value)));
}

function paintTable(canvas, values, colorOf) {
  const context = canvas.getContext("2d");
  const cell = EDGE / Math.max(values.length, values[0].length);
  context.clearRect(0, 0, EDGE, EDGE);
  values.forEach((line, row) =>
    line.forEach((value, column) => {
      const color = colorOf(value);
      context.fillStyle = `rgb(${color.join(" ")})`;
      context.fillRect(column * cell, row * cell, cell + 0.5, cell + 0.5);
      if (cell < 40) return;
      const luminance = 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2];
      context.fillStyle = luminance > 140 ? "#000" : "#fff";
      context.font = "16px sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(short(value), (column + 0.5) * cell, (row + 0.5) * cell);
    })
  );
}

function frame(canvas, values, row, column, size) {
  const context = canvas.getContext("2d");
  const cell = EDGE / Math.max(values.length, values[0].length);
  const box = [column * cell + 1.5, row * cell + 1.5, size * cell - 3, size * cell - 3];
  context.strokeStyle = "#fff";
  context.lineWidth = 5;
  context.strokeRect(...box);
  context.strokeStyle = "#0072b2";
  context.lineWidth = 3;
  context.strokeRect(...box);
}

/* At most three digits behind the point; String writes -0 as 0. */
function short(value) {
  return String(Math.round(value * 1000) / 1000);
}

function panel(title, content) {
  const made = element("figure", { className: "convolution-demo-panel" });
  made.append(content, element("figcaption", { textContent: title }));
  return made;
}

function named(title, choices, action) {
  const id = `convolution-demo-${title.toLowerCase()}`;
  const label = element("label", { textContent: title, htmlFor: id });
  const names = choices.map(({ name }) => name);
  const made = element("span", {});
  made.append(label, " ", chooser(id, names, action));
  return made;
}

function table(title, contentOf) {
  const made = element("table", { className: "convolution-demo-table" });
  made.append(element("caption", { textContent: title }));
  const body = element("tbody", {});
  for (let row = 0; row < SIZE; row++) {
    const line = element("tr", {});
    for (let column = 0; column < SIZE; column++) {
      const cell = element("td", {});
      cell.append(contentOf(row, column));
      line.append(cell);
    }
    body.append(line);
  }
  made.append(body);
  return made;
}

customElements.define("convolution-demo", ConvolutionDemo);
