/* <abstain-demo>: let a network decline what it is not sure of, and see how much it still answers,
   how often it errs, and how many unknown things it declines.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  chooser,
  dataOf,
  drawn,
  element,
  fillTable,
  fromAddress,
  isDragged,
  percent,
  picture,
  row,
  scrolling,
  short,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";
import { decode } from "./network.js";

const FORMAT = "seeing-certainty-1";
const NAME = "abstain-demo";
const POSITIONS = 400; // of the slider
const PROBABILITY = "probability"; // the way whose values crowd at their upper end
const SUREST = 1e-7; // what is nearer to 0 or 1 is taken for so much
const SHARES = { "Answer everything": 1, "Answer nine of ten": 0.9, "Answer half": 0.5 };
const BARS = 40;
const LEAST = 0.02; // coverage at which a curve begins: before, a few answers decide

/* Of the pictures, in their own units. */
const WIDTH = 320;
const HEIGHT = 220;
const LEFT = 52;
const RIGHT = 14;
const TOP = 10;
const BOTTOM = 42;

class AbstainDemo extends HTMLElement {
  async connectedCallback() {
    const data = await dataOf(this, FORMAT);
    if (!data) return;
    this.data = decoded(data);
    this.curves = this.data.ways.map((way) => riskCurve(this.data.known[way]));
    this.build();
    const first = thresholdFor(this.data.known[this.data.ways[0]], 0.8);
    this.show({ way: 0, threshold: first, ...asLinked(this.data.ways) });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const { ways } = this.data;
    this.kinds = Object.keys(this.data.unknown);
    this.way = chooser(`${NAME}-way`, ways, (way) => this.change(way));
    this.threshold = slider(`${NAME}-threshold`, [0, POSITIONS, 1], (position) =>
      this.show({ threshold: this.scale.at(position / POSITIONS) })
    );
    const settings = element("div");
    settings.append(
      row("How sure it is, by", this.way),
      row("It answers from this value on", this.threshold)
    );
    const buttons = buttonRow(
      ...Object.entries(SHARES).map(([title, share]) =>
        button(title, () => this.show({ threshold: thresholdFor(this.values, share) }))
      )
    );
    this.verdict = verdictLine();
    this.table = element("table", { className: `demo-table ${NAME}-table` });
    this.curve = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.bars = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    for (const name of ["pointerdown", "pointermove"]) {
      this.bars.addEventListener(name, (event) => this.point(event));
    }
    const pictures = element("div", { className: `${NAME}-pictures` });
    const others = ways.length > 1 ? " Gray: the other ways." : "";
    pictures.append(
      picture(this.bars, "How sure it is of what. Drag the line; blue is answered."),
      picture(this.curve, `Risk against coverage. Blue: the chosen way.${others}`)
    );
    this.append(
      settings,
      buttons,
      this.verdict,
      pictures,
      scrolling(this.table, "The ways compared at the same coverage")
    );
  }

  get values() {
    return this.data.known[this.data.ways[this.state.way]];
  }

  get scale() {
    return this.data.scales[this.data.ways[this.state.way]];
  }

  /* Another way to measure, with as many digits answered. */
  change(way) {
    const answered = countFrom(this.values.sorted, this.state.threshold);
    this.show({ way, threshold: atPlace(this.data.known[this.data.ways[way]], answered) });
  }

  point(event) {
    if (!isDragged(event)) return;
    const box = this.bars.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const share = between((x - LEFT) / (WIDTH - LEFT - RIGHT), [0, 1]);
    const position = Math.round(share * POSITIONS);
    this.show({ threshold: this.scale.at(position / POSITIONS) });
  }

  show(change) {
    this.state = { ...this.state, ...change };
    const { way, threshold } = this.state;
    this.way.selectedIndex = way;
    this.threshold.value = Math.round(this.scale.share(threshold) * POSITIONS);
    const text = this.said(way, threshold);
    this.threshold.setAttribute("aria-valuetext", text);
    this.threshold.nextSibling.textContent = text;
    const answered = countFrom(this.values.sorted, threshold);
    /* Each way at the threshold that answers as many digits as the chosen one. */
    this.all = this.data.ways.map((name, i) =>
      measured(this.data, name, i === way ? threshold : atPlace(this.data.known[name], answered))
    );
    this.found = this.all[way];
    fillTable(
      this.table,
      ["certainty", "coverage", "risk", ...this.kinds.map((kind) => `${kind} declined`)],
      this.all.map((found, i) => [
        this.data.ways[i],
        percent(found.coverage),
        percent(found.risk),
        ...this.kinds.map((kind) => percent(found.declined[kind])),
      ])
    );
    this.verdict.textContent = this.inWords();
    this.draw();
    if (this.dataset.ready) toAddress("abstain", [way, threshold]);
  }

  said(way, threshold) {
    return this.data.ways[way] === PROBABILITY ? percentUp(threshold) : short(threshold);
  }

  inWords() {
    const { coverage, risk, declined } = this.found;
    const others = this.kinds.map((kind) => `${percent(declined[kind])} of the ${kind}`).join(", ");
    const wrong = Number.isNaN(risk)
      ? "It answers none of the digits."
      : `It answers ${percent(coverage)} of the digits, and ${percent(risk)} of these answers are wrong.`;
    return `${wrong} It declines ${others}.`;
  }

  draw() {
    const { way, threshold } = this.state;
    const { coverage, risk } = this.found;
    drawCurves(this.curve, this.curves, way, coverage, risk);
    const name = this.data.ways[way];
    const kinds = { digits: this.values.sorted };
    for (const kind of this.kinds) kinds[kind] = this.data.unknown[kind][name];
    drawBars(this.bars, kinds, this.scale, threshold);
    const counts = Object.entries(kinds).map(
      ([kind, { length }]) => `${length.toLocaleString("en-US")} ${kind}`
    );
    this.bars.setAttribute(
      "aria-label",
      `How sure the network is, by ${name}, of ${counts.join(", ")}; it answers from ` +
        `${this.said(way, threshold)} on`
    );
    this.curve.setAttribute(
      "aria-label",
      `Risk against coverage: ${percent(risk)} at ${percent(coverage)}`
    );
  }
}

/* Values from the largest to the smallest; with the known ones, how many of the first are wrong. */
function decoded(data) {
  const known = {};
  const unknown = {};
  const scales = {};
  for (const way of data.ways) {
    known[way] = ranked(decode(data.known[way]), data.right);
  }
  for (const [kind, ways] of Object.entries(data.unknown)) {
    unknown[kind] = {};
    for (const way of data.ways) unknown[kind][way] = decode(ways[way]).sort().reverse();
  }
  for (const way of data.ways) {
    const others = Object.values(unknown).map((ways) => ways[way]);
    scales[way] = scaleOf([known[way].sorted, ...others], way === PROBABILITY);
  }
  return { ways: data.ways, known, unknown, scales };
}

export function ranked(values, right) {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a]);
  const wrong = [0];
  order.forEach((place, i) => wrong.push(wrong[i] + (right[place] === "1" ? 0 : 1)));
  return { sorted: Float32Array.from(order, (place) => values[place]), wrong };
}

/* From a share of the slider's way to a value, and back. Probabilities crowd near 1: their odds do
   not. */
function scaleOf(lists, isProbability) {
  const to = isProbability ? logit : (value) => value;
  const back = isProbability ? (value) => 1 / (1 + Math.exp(-value)) : (value) => value;
  const most = to(Math.max(...lists.map(([largest]) => largest)));
  const smallest = Math.min(...lists.map((list) => list[list.length - 1]));
  const least = to(smallest);
  const span = most - least || 1;
  return {
    at: (share) => (share > 0 ? back(least + share * span) : smallest),
    share: (value) => between((to(value) - least) / span, [0, 1]),
  };
}

function logit(p) {
  const kept = between(p, [SUREST, 1 - SUREST]);
  return Math.log(kept / (1 - kept));
}

/* How many of the values, sorted from the largest on, are at least so large. */
export function countFrom(sorted, threshold) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* The threshold from which so many are answered; where none is, one above all values. */
function atPlace({ sorted }, answered) {
  if (answered === 0) return sorted[0] + Math.abs(sorted[0]) * 1e-6 + 1e-6;
  return sorted[answered - 1];
}

function thresholdFor(values, share) {
  return atPlace(values, Math.round(share * values.sorted.length));
}

/* What comes of answering from a threshold on. */
export function measured({ known, unknown }, way, threshold) {
  const { sorted, wrong } = known[way];
  const answered = countFrom(sorted, threshold);
  const declined = {};
  for (const [kind, ways] of Object.entries(unknown)) {
    declined[kind] = 1 - countFrom(ways[way], threshold) / ways[way].length;
  }
  return {
    threshold,
    coverage: answered / sorted.length,
    risk: answered ? wrong[answered] / answered : NaN,
    declined,
  };
}

/* Coverage and risk along the thresholds, thinned to what a picture shows. */
export function riskCurve({ sorted, wrong }) {
  const step = Math.max(1, Math.floor(sorted.length / 300));
  const points = [];
  for (let i = Math.ceil(LEAST * sorted.length); i <= sorted.length; i++) {
    const jumps = i === sorted.length || sorted[i] !== sorted[i - 1];
    if (jumps && (i % step === 0 || i === sorted.length)) {
      points.push([i / sorted.length, wrong[i] / i]);
    }
  }
  return points;
}

/* Near 1 with more places, so that it does not read as certain. */
function percentUp(share) {
  const places = share < 0.99 ? 1 : Math.min(5, Math.ceil(-Math.log10(1 - share + SUREST)));
  return `${(100 * share).toFixed(places)} %`;
}

function text(words, attributes) {
  const made = drawn("text", attributes);
  made.textContent = words;
  return made;
}

function drawCurves(svg, curves, chosen, coverage, risk) {
  const highest = Math.max(0.01, ...curves.flat().map(([, height]) => height));
  const x = (value) => (LEFT + (WIDTH - LEFT - RIGHT) * value).toFixed(1);
  const down = HEIGHT - TOP - BOTTOM;
  const y = (value) => (TOP + down * (1 - Math.min(1, value / (1.05 * highest)))).toFixed(1);
  const line = (curve, name) =>
    drawn("polyline", {
      points: curve.map(([across, up]) => `${x(across)},${y(up)}`).join(" "),
      class: name,
    });
  const parts = [
    drawn("rect", { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: down, class: "frame" }),
    ...curves.filter((_, i) => i !== chosen).map((curve) => line(curve, "other")),
    line(curves[chosen], "chosen"),
    text("coverage", { x: x(0.5), y: HEIGHT - 6, "text-anchor": "middle" }),
    text("0", { x: x(0), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }),
    text("100 %", { x: x(1), y: HEIGHT - BOTTOM + 16, "text-anchor": "end" }),
    text("0", { x: LEFT - 6, y: y(0), "text-anchor": "end" }),
    text(percent(highest), { x: LEFT - 6, y: Number(y(highest)) + 5, "text-anchor": "end" }),
  ];
  parts.push(
    text("risk", { transform: `translate(14 ${y(highest / 2)}) rotate(-90)`, "text-anchor": "middle" })
  );
  if (!Number.isNaN(risk)) {
    parts.push(drawn("circle", { cx: x(coverage), cy: y(risk), r: 6, class: "here" }));
  }
  svg.replaceChildren(...parts);
}

/* How many there are of each certainty, a line of bars for each kind, and where the answers begin. */
function drawBars(svg, kinds, scale, threshold) {
  const across = WIDTH - LEFT - RIGHT;
  const names = Object.keys(kinds);
  const down = (HEIGHT - TOP - BOTTOM) / names.length;
  const parts = [];
  names.forEach((name, line) => {
    const floor = TOP + (line + 1) * down;
    const counts = Array(BARS).fill(0);
    for (const value of kinds[name]) {
      counts[Math.min(BARS - 1, Math.floor(scale.share(value) * BARS))] += 1;
    }
    const most = Math.max(...counts);
    counts.forEach((count, i) => {
      const height = ((down - 18) * count) / most;
      const isAnswered = scale.at((i + 0.5) / BARS) >= threshold;
      const box = { x: LEFT + (across * i) / BARS, width: across / BARS - 0.7, height };
      parts.push(
        drawn("rect", { ...box, y: floor - height, class: isAnswered ? "answered" : "declined" })
      );
    });
    parts.push(
      drawn("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: floor, y2: floor, class: "floor" }),
      text(name, { x: LEFT + 2, y: floor - down + 13 })
    );
  });
  const at = LEFT + across * scale.share(threshold);
  const line = { x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM + 8, class: "threshold" };
  parts.push(
    drawn("line", line),
    text("unsure", { x: LEFT, y: HEIGHT - 14 }),
    text("sure", { x: WIDTH - RIGHT, y: HEIGHT - 14, "text-anchor": "end" })
  );
  svg.replaceChildren(...parts);
}

/* What a link says, as far as there is such a way. */
function asLinked(ways) {
  const found = fromAddress("abstain") ?? [];
  const [way, threshold] = found;
  return found.length === 2 && way in ways ? { way, threshold } : {};
}

customElements.define(NAME, AbstainDemo);
