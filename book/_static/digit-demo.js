/* <digit-demo>: draw a digit, and the chapter's own network says what it sees, in the page.
   Without JavaScript, or from a file:// address, the element's content stays: a static figure.
   With the attribute "sample" it begins with a test digit instead of an empty field. */

import { button, buttonRow, dataOf, element, probabilityBars, verdictLine } from "./demo.js";
import { FORMAT, decoded, predict } from "./network.js";
import { CELL, GRID, paint, resample } from "./pixels.js";

class DigitDemo extends HTMLElement {
  async connectedCallback() {
    const exported = await dataOf(this, FORMAT);
    if (!exported) return;
    this.network = decoded(exported);
    this.ink = new Float32Array(GRID * GRID);
    this.pen = { x: GRID / 2, y: GRID / 2, down: false, last: null };
    this.sample = -1;
    this.build();
    if (this.hasAttribute("sample")) this.showSample();
    else this.refresh();
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    this.append(
      element("p", {
        id: "digit-demo-help",
        textContent:
          "Draw with mouse or finger. By keyboard: arrow keys move the pen, " +
          "the space bar puts it down and lifts it.",
      })
    );
    const columns = element("div", { className: "digit-demo-columns" });
    this.canvas = element("canvas", { width: GRID * CELL, height: GRID * CELL, tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Drawing area for one digit");
    this.canvas.setAttribute("aria-describedby", "digit-demo-help");
    this.canvas.addEventListener("pointerdown", (event) => this.penDown(event));
    this.canvas.addEventListener("pointermove", (event) => this.penMove(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => (this.pen.last = null));
    }
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("focus", () => this.refresh());
    this.canvas.addEventListener("blur", () => this.refresh());
    this.bars = probabilityBars(this.network.class_names, "Probability of each digit");
    columns.append(this.canvas, this.bars.list);
    this.verdict = verdictLine();
    const buttons = buttonRow(
      button("Clear", () => this.clear()),
      button("Show a test digit", () => this.showSample())
    );
    this.append(columns, this.verdict, buttons);
  }

  clear() {
    this.ink.fill(0);
    this.exact = null;
    this.refresh();
  }

  /* A probe is shown exactly as the network met it: no centering. */
  showSample() {
    this.sample = (this.sample + 1) % this.network.probes.length;
    this.exact = this.network.probes[this.sample].image;
    this.ink.set(this.exact);
    this.refresh();
  }

  penDown(event) {
    event.preventDefault();
    this.canvas.focus();
    this.canvas.setPointerCapture(event.pointerId);
    this.pen.last = this.position(event);
    this.stroke(this.pen.last, this.pen.last);
  }

  penMove(event) {
    if (!this.pen.last) return;
    const here = this.position(event);
    this.stroke(this.pen.last, here);
    this.pen.last = here;
  }

  position(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * GRID,
      y: ((event.clientY - box.top) / box.height) * GRID,
    };
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === " ") {
      event.preventDefault();
      this.pen.down = !this.pen.down;
      if (this.pen.down) this.stroke(this.pen, this.pen);
      else this.refresh();
    } else if (event.key in moves) {
      event.preventDefault();
      const [dx, dy] = moves[event.key];
      const from = { x: this.pen.x, y: this.pen.y };
      this.pen.x = Math.min(GRID - 1, Math.max(1, this.pen.x + dx));
      this.pen.y = Math.min(GRID - 1, Math.max(1, this.pen.y + dy));
      if (this.pen.down) this.stroke(from, this.pen);
      else this.refresh();
    }
  }

  /* Ink fades out over a pixel at the stroke's edge, as in MNIST. */
  stroke(from, to) {
    if (this.exact) this.ink.fill(0);
    this.exact = null;
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 3));
    for (let step = 0; step <= steps; step++) {
      const x = from.x + ((to.x - from.x) * step) / steps;
      const y = from.y + ((to.y - from.y) * step) / steps;
      for (let row = Math.max(0, Math.floor(y - 3)); row < Math.min(GRID, y + 3); row++) {
        for (let column = Math.max(0, Math.floor(x - 3)); column < Math.min(GRID, x + 3); column++) {
          const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
          const ink = Math.min(1, Math.max(0, 1.9 - distance));
          const index = row * GRID + column;
          this.ink[index] = Math.max(this.ink[index], ink);
        }
      }
    }
    this.refresh();
  }

  refresh() {
    this.paint();
    const empty = this.ink.every((value) => value === 0);
    const probabilities = empty ? null : predict(this.network, this.exact ?? centered(this.ink));
    this.probabilities = probabilities;
    this.bars.show(probabilities ?? this.network.class_names.map(() => 0));
    if (!probabilities) {
      this.verdict.textContent = "Nothing drawn yet.";
      return;
    }
    const best = probabilities.indexOf(Math.max(...probabilities));
    const share = (100 * probabilities[best]).toFixed(1);
    this.verdict.textContent = `The network sees a ${this.network.class_names[best]} (${share} %).`;
  }

  paint() {
    const context = paint(this.canvas, this.ink);
    if (document.activeElement === this.canvas) {
      context.strokeStyle = this.pen.down ? "#d55e00" : "#0072b2";
      context.lineWidth = 3;
      context.strokeRect(this.pen.x * CELL - 6, this.pen.y * CELL - 6, 12, 12);
    }
  }
}

/* MNIST's digits are scaled into 20 x 20 pixels and centered by their mass; so is a drawing. */
export function centered(ink) {
  let [left, right, top, bottom] = [GRID, -1, GRID, -1];
  ink.forEach((value, i) => {
    if (value === 0) return;
    left = Math.min(left, i % GRID);
    right = Math.max(right, i % GRID);
    top = Math.min(top, Math.floor(i / GRID));
    bottom = Math.max(bottom, Math.floor(i / GRID));
  });
  const scale = 20 / Math.max(right - left + 1, bottom - top + 1);
  const [centerX, centerY] = [(left + right + 1) / 2, (top + bottom + 1) / 2];
  const scaled = resample(ink, (x, y) => [
    (x - GRID / 2) / scale + centerX,
    (y - GRID / 2) / scale + centerY,
  ]);
  let [mass, massX, massY] = [0, 0, 0];
  scaled.forEach((value, i) => {
    mass += value;
    massX += value * ((i % GRID) + 0.5);
    massY += value * (Math.floor(i / GRID) + 0.5);
  });
  const shiftX = Math.round(massX / mass - GRID / 2);
  const shiftY = Math.round(massY / mass - GRID / 2);
  return resample(scaled, (x, y) => [x + shiftX, y + shiftY]);
}

customElements.define("digit-demo", DigitDemo);
