/* A field of 28 by 28 pixels to draw in, with mouse, finger or keyboard, and the drawing's place in
   the page's address. */

import { element, fromFragment, toFragment } from "./demo.js";
import { CELL, GRID, asText, fromText, level, paint } from "./pixels.js";

const NAME = "ink"; // in the address
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/* What tells how to draw; the field's description. */
export function drawingHelp(id) {
  return element("p", {
    id,
    textContent:
      "Draw with mouse or finger. By keyboard: arrow keys move the pen, " +
      "the space bar puts it down and lifts it.",
  });
}

export class DrawingField {
  /* `changed` is called after each change of the ink or of the pen, `settled` when a stroke ends. */
  constructor({ label, describedBy, changed, settled }) {
    this.ink = new Float32Array(GRID * GRID);
    this.pen = { x: GRID / 2, y: GRID / 2, down: false, last: null };
    this.showsPen = false; // only to whoever draws with the keyboard
    this.changed = changed;
    this.settled = settled;
    this.strength = 1; // how dark ink is
    this.isSettled = true; // false while a stroke grows
    this.isDrawn = true; // what is shown instead gives way to the first stroke
    this.canvas = element("canvas", { width: GRID * CELL, height: GRID * CELL, tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", label);
    this.canvas.setAttribute("aria-describedby", describedBy);
    this.canvas.classList.add("drawing-field");
    this.canvas.addEventListener("pointerdown", (event) => this.penDown(event));
    this.canvas.addEventListener("pointermove", (event) => this.penMove(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => this.penUp());
    }
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("keyup", () => this.settle());
    this.canvas.addEventListener("focus", () => this.showPen(this.canvas.matches(":focus-visible")));
    this.canvas.addEventListener("blur", () => this.showPen(false));
    window.addEventListener("hashchange", () => this.fromAddress() && this.changed());
  }

  get isEmpty() {
    return this.ink.every((value) => value === 0);
  }

  /* An image that somebody else made, until the next stroke. */
  show(ink) {
    this.put(ink, false);
  }

  clear() {
    this.put(new Float32Array(GRID * GRID), true);
  }

  /* Shows the drawing that the page's address holds; false where it holds none. */
  fromAddress() {
    const ink = fromText(fromFragment(NAME));
    if (!ink || ink.every((value) => value === 0)) return false;
    this.put(ink, true);
    return true;
  }

  toAddress() {
    toFragment(NAME, this.isDrawn && !this.isEmpty ? asText(this.ink) : null);
  }

  put(ink, isDrawn) {
    this.ink.set(ink);
    this.isDrawn = isDrawn;
    this.paint();
  }

  showPen(showsPen) {
    this.showsPen = showsPen;
    this.paint();
  }

  penDown(event) {
    event.preventDefault();
    this.canvas.focus();
    this.showsPen = false;
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

  penUp() {
    this.pen.last = null;
    this.settle();
  }

  settle() {
    if (this.isSettled) return;
    this.isSettled = true;
    this.settled();
  }

  position(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * GRID,
      y: ((event.clientY - box.top) / box.height) * GRID,
    };
  }

  key(event) {
    if (event.key === " ") {
      event.preventDefault();
      this.showsPen = true;
      this.pen.down = !this.pen.down;
      if (this.pen.down) this.stroke(this.pen, this.pen);
      else this.paint();
    } else if (event.key in MOVES) {
      event.preventDefault();
      this.showsPen = true;
      const [dx, dy] = MOVES[event.key];
      const from = { x: this.pen.x, y: this.pen.y };
      this.pen.x = Math.min(GRID - 1, Math.max(1, this.pen.x + dx));
      this.pen.y = Math.min(GRID - 1, Math.max(1, this.pen.y + dy));
      if (this.pen.down) this.stroke(from, this.pen);
      else this.paint();
    }
  }

  /* Ink fades out over a pixel at the stroke's edge, as in MNIST. */
  stroke(from, to) {
    if (!this.isDrawn) this.clear();
    this.isSettled = false;
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 3));
    for (let step = 0; step <= steps; step++) {
      const x = from.x + ((to.x - from.x) * step) / steps;
      const y = from.y + ((to.y - from.y) * step) / steps;
      for (let row = Math.max(0, Math.floor(y - 3)); row < Math.min(GRID, y + 3); row++) {
        for (let column = Math.max(0, Math.floor(x - 3)); column < Math.min(GRID, x + 3); column++) {
          const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
          const ink = level(Math.min(1, Math.max(0, 1.9 - distance)));
          const index = row * GRID + column;
          this.ink[index] = Math.max(this.ink[index], ink);
        }
      }
    }
    this.paint();
    this.changed();
  }

  paint() {
    const context = paint(this.canvas, this.ink.map((value) => this.strength * value));
    if (this.showsPen) {
      context.strokeStyle = this.pen.down ? "#d55e00" : "#0072b2";
      context.lineWidth = 3;
      context.strokeRect(this.pen.x * CELL - 6, this.pen.y * CELL - 6, 12, 12);
    }
  }
}
