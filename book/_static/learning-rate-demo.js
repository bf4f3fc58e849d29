/* <learning-rate-demo>: choose a learning rate and watch gradient descent walk on a curve.
   Without JavaScript, or from a file:// address, the element's content stays: a static figure. */

import { dataOf, element } from "./demo.js";

const FORMAT = "seeing-descent-1";
const NAME = "learning-rate-demo";
const HIGHEST = 2.6; // the largest rate, in units of 1/a
const MOST = 40; // steps
const WIDTH = 560;
const HEIGHT = 300;
const MARGIN = { left: 16, right: 16, top: 14, bottom: 34 };
const SVG = "http://www.w3.org/2000/svg";

class LearningRateDemo extends HTMLElement {
  async connectedCallback() {
    this.data = await dataOf(this, FORMAT);
    if (!this.data) return;
    this.losses = this.data.losses.map(made);
    this.build();
    this.show({ ...this.beginning(0), ...this.data.presets[0], ...fromAddress(this.losses) });
    this.dataset.ready = "true";
  }

  /* The state of a loss on which nobody has walked yet. */
  beginning(loss) {
    return { loss, start: this.losses[loss].start };
  }

  build() {
    this.replaceChildren();
    const help = element("p", {
      id: `${NAME}-help`,
      textContent:
        "Choose a learning rate and a number of steps, or one of the walks below. " +
        "Click the curve, or use the left and right arrow keys on it, to start elsewhere.",
    });
    this.chooser = element("select", { id: `${NAME}-loss` });
    this.losses.forEach(({ name }) => this.chooser.append(element("option", { textContent: name })));
    this.chooser.addEventListener("change", () =>
      this.show(this.beginning(this.chooser.selectedIndex))
    );
    this.rate = slider("rate", 0.02, HIGHEST, 0.01, (rate) => this.show({ rate }));
    this.steps = slider("steps", 0, MOST, 1, (steps) => this.show({ steps }));
    const settings = element("div", { className: `${NAME}-settings` });
    settings.append(
      row("Loss", this.chooser),
      row("Learning rate, in units of 1/a", this.rate, marks()),
      row("Steps", this.steps)
    );

    this.plot = drawn("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "application",
      tabindex: 0,
      "aria-label": "Curve of the loss, with the places of the walk",
      "aria-describedby": `${NAME}-help`,
    });
    this.plot.addEventListener("pointerdown", (event) => this.point(event));
    this.plot.addEventListener("keydown", (event) => this.key(event));

    const buttons = element("p", { className: `${NAME}-buttons` });
    this.data.presets.forEach(({ name, ...state }) => {
      const button = element("button", { type: "button", textContent: name });
      button.addEventListener("click", () =>
        this.show({ ...this.beginning(this.state.loss), ...state })
      );
      buttons.append(button);
    });
    this.verdict = element("p", { className: `${NAME}-verdict` });
    this.verdict.setAttribute("role", "status");
    this.append(help, settings, buttons, this.plot, this.verdict);
  }

  show(change) {
    const { loss, rate, steps, start } = { ...this.state, ...change };
    this.state = { loss, rate, steps, start };
    this.chooser.selectedIndex = loss;
    this.rate.value = rate;
    this.steps.value = steps;
    const curve = this.losses[loss];
    this.places = walk(curve, rate / curve.curvature, steps, start);
    const real = short(rate / curve.curvature);
    this.rate.setAttribute("aria-valuetext", `${short(rate)} times 1/a, which is ${real}`);
    this.rate.nextSibling.textContent = `${short(rate)}/a = ${real}`;
    this.steps.nextSibling.textContent = steps;
    this.verdict.textContent = verdict(curve, this.places, steps);
    this.paint(curve);
    if (this.dataset.ready) toAddress(this.state);
  }

  point(event) {
    const box = this.plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    this.startAt(this.view.left + ((x - MARGIN.left) / inner.width) * this.view.width);
  }

  key(event) {
    const sign = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!sign) return;
    event.preventDefault();
    this.startAt(this.state.start + (sign * this.losses[this.state.loss].reach) / 40);
  }

  startAt(place) {
    const { reach } = this.losses[this.state.loss];
    const start = Math.round(Math.min(reach, Math.max(-reach, place)) * 100) / 100;
    this.show({ start });
  }

  paint(curve) {
    const farthest = Math.max(curve.reach, ...this.places.map(Math.abs)) * 1.04;
    this.view = { left: -farthest, width: 2 * farthest };
    const heights = this.places.map((w) => curve.value(w));
    const highest = Math.max(curve.value(-curve.reach), curve.value(curve.reach), ...heights);
    const x = (w) => MARGIN.left + ((w - this.view.left) / this.view.width) * inner.width;
    const y = (loss) => MARGIN.top + (1 - loss / (1.04 * highest)) * inner.height;
    const line = Array.from({ length: 161 }, (_, i) => this.view.left + (i / 160) * this.view.width)
      .filter((w) => curve.value(w) <= 1.04 * highest)
      .map((w) => `${x(w).toFixed(1)},${y(curve.value(w)).toFixed(1)}`);
    const path = this.places.map((w, i) => `${x(w).toFixed(1)},${y(heights[i]).toFixed(1)}`);
    const bottom = HEIGHT - MARGIN.bottom;
    const parts = [
      drawn("line", { x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: bottom, y2: bottom, class: "axis" }),
      drawn("polyline", { points: line.join(" "), class: "curve" }),
      drawn("polyline", { points: path.join(" "), class: "path" }),
      ...path.map((point, i) => {
        const [cx, cy] = point.split(",");
        return drawn("circle", { cx, cy, r: i ? 4 : 7, class: i ? "place" : "start" });
      }),
      ...Object.entries({ start: -curve.reach, middle: 0, end: curve.reach }).map(([anchor, w]) => {
        const text = drawn("text", { x: x(w), y: HEIGHT - 12, "text-anchor": anchor });
        text.textContent = w ? `w = ${short(w)}` : "0";
        return text;
      }),
    ];
    this.plot.replaceChildren(...parts);
  }
}

const inner = {
  width: WIDTH - MARGIN.left - MARGIN.right,
  height: HEIGHT - MARGIN.top - MARGIN.bottom,
};

/* A loss of one number, with its slope, as the chapter exported it. */
export function made({ name, start, reach, curvature, values, slopes }) {
  if (!values) {
    const value = (w) => (curvature * w * w) / 2;
    return { name, start, reach, curvature, ends: Infinity, value, slope: (w) => curvature * w };
  }
  const width = (2 * reach) / (values.length - 1);
  /* A cubic between two places that has both values and both slopes (Hermite's). */
  const at = (w, weigh) => {
    const i = Math.min(values.length - 2, Math.max(0, Math.floor((w + reach) / width)));
    return weigh((w + reach) / width - i, [values[i], values[i + 1], slopes[i], slopes[i + 1]]);
  };
  const value = (w) =>
    at(w, (t, [v0, v1, s0, s1]) => {
      const u = 1 - t;
      const ends = u * u * (1 + 2 * t) * v0 + t * t * (1 + 2 * u) * v1;
      return ends + width * t * u * (u * s0 - t * s1);
    });
  const slope = (w) =>
    at(w, (t, [v0, v1, s0, s1]) => {
      const u = 1 - t;
      return (6 * t * u * (v1 - v0)) / width + u * (1 - 3 * t) * s0 + t * (3 * t - 2) * s1;
    });
  return { name, start, reach, curvature, ends: reach, value, slope };
}

/* Where gradient descent goes, the start included; it ends where the curve does. */
export function walk(curve, rate, steps, start) {
  const places = [start];
  while (places.length <= steps) {
    const w = places[places.length - 1];
    const next = w - rate * curve.slope(w);
    if (Math.abs(next) > curve.ends || Math.abs(next) > 1e6) break;
    places.push(next);
  }
  return places;
}

function verdict(curve, places, steps) {
  if (places.length <= steps) {
    return `The walk leaves the curve in step ${places.length}: the learning rate is too large.`;
  }
  const [first, last] = [places[0], places[places.length - 1]];
  const jumps = places.slice(1).filter((w, i) => w * places[i] < 0).length;
  const sides = `${jumps || "none"} of them to the other side`;
  const longer = Math.abs(last) - Math.abs(first);
  let where = "as far as at the start";
  if (longer < -0.001 * Math.abs(first)) where = "nearer the bottom than at the start";
  if (longer > 0.001 * Math.abs(first)) where = "farther from the bottom than at the start";
  const count = steps === 1 ? "1 step" : `${steps} steps`;
  return `${count}, ${sides}: w = ${short(last)}, ${where}; loss ${short(curve.value(last))}.`;
}

/* The state as a part of the page's address, so that a link shows what one sees. */
function toAddress({ loss, rate, steps, start }) {
  const address = new URL(location);
  address.searchParams.set("descent", [loss, rate, steps, start].join("_"));
  history.replaceState(history.state, "", address);
}

function fromAddress(losses) {
  const found = new URLSearchParams(location.search).get("descent");
  const [loss, rate, steps, start] = (found ?? "").split("_").map(Number);
  const known = [loss, rate, steps, start].every(Number.isFinite) && loss in losses;
  if (!found || !known) return {};
  const { reach } = losses[loss];
  return {
    loss,
    rate: Math.min(HIGHEST, Math.max(0.02, rate)),
    steps: Math.min(MOST, Math.max(0, Math.round(steps))),
    start: Math.min(reach, Math.max(-reach, start)),
  };
}

/* Three significant digits, without an exponent where that can be. */
function short(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

function slider(name, min, max, step, action) {
  const made = element("input", { type: "range", id: `${NAME}-${name}`, min, max, step });
  made.addEventListener("input", () => action(Number(made.value)));
  return made;
}

function row(title, control, below) {
  const line = element("div", { className: `${NAME}-row` });
  line.append(element("label", { textContent: title, htmlFor: control.id }), control);
  if (control.type === "range") line.append(element("output", { htmlFor: control.id }));
  if (below) line.append(below);
  return line;
}

/* Where 1/a and 2/a are on the slider of the rate. */
function marks() {
  const made = element("div", { className: `${NAME}-marks` });
  made.setAttribute("aria-hidden", "true");
  for (const [text, rate] of [["1/a", 1], ["2/a", 2]]) {
    const mark = element("span", { textContent: text });
    mark.style.left = `${(100 * (rate - 0.02)) / (HIGHEST - 0.02)}%`;
    made.append(mark);
  }
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

customElements.define(NAME, LearningRateDemo);
