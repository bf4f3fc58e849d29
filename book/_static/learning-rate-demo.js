/* <learning-rate-demo>: choose a learning rate and watch gradient descent walk on a curve.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  chooser,
  dataOf,
  drawn,
  element,
  fromAddress,
  marks,
  row,
  short,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";

const FORMAT = "seeing-descent-1";
const NAME = "learning-rate-demo";
const RATES = [0.02, 2.6, 0.01]; // in units of 1/a: least, most, step
const STEPS = [0, 40, 1];
const WIDTH = 560;
const HEIGHT = 300;
const MARGIN = { left: 16, right: 16, top: 14, bottom: 34 };

class LearningRateDemo extends HTMLElement {
  async connectedCallback() {
    this.data = await dataOf(this, FORMAT);
    if (!this.data) return;
    this.losses = this.data.losses.map(made);
    this.build();
    this.show({ ...this.beginning(0), ...this.data.presets[0], ...asLinked(this.losses) });
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
    const names = this.losses.map(({ name }) => name);
    this.chooser = chooser(`${NAME}-loss`, names, (loss) => this.show(this.beginning(loss)));
    this.rate = slider(`${NAME}-rate`, RATES, (rate) => this.show({ rate }));
    this.steps = slider(`${NAME}-steps`, STEPS, (steps) => this.show({ steps }));
    const settings = element("div");
    settings.append(
      row("Loss", this.chooser),
      row("Learning rate, in units of 1/a", this.rate, marks([["1/a", 1], ["2/a", 2]], RATES)),
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

    const buttons = buttonRow(
      ...this.data.presets.map(({ name, ...state }) =>
        button(name, () => this.show({ ...this.beginning(this.state.loss), ...state }))
      )
    );
    this.verdict = verdictLine();
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
    if (this.dataset.ready) toAddress("descent", [loss, rate, steps, start]);
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
    const start = Math.round(between(place, [-reach, reach]) * 100) / 100;
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

/* What a link says, as far as there is such a place. */
function asLinked(losses) {
  const [loss, rate, steps, start] = fromAddress("descent") ?? [];
  if (start === undefined || !(loss in losses)) return {};
  const { reach } = losses[loss];
  return {
    loss,
    rate: between(rate, RATES),
    steps: between(Math.round(steps), STEPS),
    start: between(start, [-reach, reach]),
  };
}

customElements.define(NAME, LearningRateDemo);
