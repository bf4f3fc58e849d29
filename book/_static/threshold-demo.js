/* <threshold-demo>: move a detector's threshold, and see what it finds, misses and costs.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  dataOf,
  drawn,
  element,
  fromAddress,
  marks,
  percent,
  row,
  short,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";

const FORMAT = "seeing-scores-1";
const NAME = "threshold-demo";
const THRESHOLDS = [-7, 7, 0.05]; // logits: least, most, step
const SHARES = [-3, -0.3, 0.05]; // of positives, as powers of ten
const TEMPERATURES = [0.2, 5, 0.05];
const COSTS = [0, 1000];
const BINS = 10;
const SIDE = 200; // of a picture, with a margin on each side
const MARGIN = 26;

class ThresholdDemo extends HTMLElement {
  async connectedCallback() {
    const data = await dataOf(this, FORMAT);
    if (!data) return;
    this.data = data;
    this.scores = sorted(data.logits, data.positives);
    this.build();
    const [job] = Object.values(data.jobs);
    this.show({ threshold: 0, share: this.scores.share, temperature: 1, ...job, ...asLinked() });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const { what, jobs } = this.data;
    this.sliders = {
      threshold: slider(`${NAME}-threshold`, THRESHOLDS, (threshold) => this.show({ threshold })),
      share: slider(`${NAME}-share`, SHARES, (power) => this.show({ share: 10 ** power })),
      temperature: slider(`${NAME}-temperature`, TEMPERATURES, (temperature) =>
        this.show({ temperature })
      ),
    };
    this.costs = {
      miss: number("miss", (miss) => this.show({ miss })),
      alarm: number("alarm", (alarm) => this.show({ alarm })),
    };
    const costs = element("div", { className: `${NAME}-costs` });
    costs.append(
      row("A miss costs", this.costs.miss),
      row("A false alarm costs", this.costs.alarm)
    );
    const places = [1, 10, 50, 90, 99].map((percent) => [percent, logit(percent / 100)]);
    const settings = element("div");
    settings.append(
      row(`Say "${what}" from`, this.sliders.threshold, marks(places, THRESHOLDS)),
      row("Of 1,000 images, so many are", this.sliders.share),
      row("Temperature", this.sliders.temperature),
      costs
    );
    const buttons = buttonRow(
      ...Object.entries(jobs).map(([job, prices]) => button(job, () => this.show(prices))),
      button("the formula's threshold", () => this.show({ threshold: this.byFormula() })),
      button("the cheapest threshold", () => this.show({ threshold: this.cheapest().threshold })),
      button("the data's own share", () => this.show({ share: this.scores.share }))
    );
    this.pictures = { roc: picture("ROC"), pr: picture("Precision and recall") };
    this.pictures.calibration = picture("Are the probabilities right?");
    const pictures = element("div", { className: `${NAME}-pictures` });
    pictures.append(...Object.values(this.pictures).map(({ figure }) => figure));
    this.counts = element("table", { className: `${NAME}-counts` });
    this.verdict = verdictLine();
    this.append(settings, buttons, this.verdict, this.counts, pictures);
  }

  show(change) {
    this.state = { ...this.state, ...change };
    const { threshold, share, temperature, miss, alarm } = this.state;
    const { sliders } = this;
    sliders.threshold.value = between(threshold, THRESHOLDS);
    sliders.share.value = Math.log10(share);
    sliders.temperature.value = temperature;
    this.say(sliders.threshold, `${short(100 * sigmoid(threshold))} %`);
    this.say(sliders.share, short(1000 * share));
    this.say(sliders.temperature, short(temperature));
    if (document.activeElement !== this.costs.miss) this.costs.miss.value = miss;
    if (document.activeElement !== this.costs.alarm) this.costs.alarm.value = alarm;
    this.found = this.at(threshold);
    this.fillCounts();
    this.paint();
    this.verdict.textContent = this.inWords();
    if (this.dataset.ready) toAddress("threshold", [threshold, share, temperature, miss, alarm]);
  }

  say(control, text) {
    control.setAttribute("aria-valuetext", text);
    control.nextSibling.textContent = text;
  }

  /* What a threshold on the probability comes to, for 1,000 images. */
  at(threshold) {
    const { share, temperature, miss, alarm } = this.state;
    const { recall, falseAlarms } = rates(this.scores, threshold * temperature);
    const counts = {
      tp: 1000 * share * recall,
      fn: 1000 * share * (1 - recall),
      fp: 1000 * (1 - share) * falseAlarms,
      tn: 1000 * (1 - share) * (1 - falseAlarms),
    };
    const { tp, fn, fp } = counts;
    return {
      ...counts,
      recall,
      falseAlarms,
      precision: tp + fp > 0 ? tp / (tp + fp) : NaN,
      f1: tp + fp + fn > 0 ? (2 * tp) / (2 * tp + fp + fn) : NaN,
      cost: miss * fn + alarm * fp,
    };
  }

  byFormula() {
    const { miss, alarm } = this.state;
    return miss + alarm > 0 ? between(logit(alarm / (alarm + miss)), THRESHOLDS) : 0;
  }

  cheapest() {
    const [least, most, step] = THRESHOLDS;
    let best = { cost: Infinity };
    for (let i = 0; i <= Math.round((most - least) / step); i += 1) {
      const threshold = Number((least + i * step).toFixed(4));
      const { cost } = this.at(threshold);
      if (cost < best.cost) best = { threshold, cost };
    }
    return best;
  }

  inWords() {
    const { what } = this.data;
    const { tp, fn, fp, cost } = this.found;
    const found = `Of 1,000 images ${short(tp + fn)} show ${what}: ${short(tp)} are found`;
    const best = this.cheapest();
    const cheapest = `the cheapest threshold, ${short(100 * sigmoid(best.threshold))} %, costs`;
    return (
      `${found} and ${short(fn)} missed, with ${short(fp)} false alarms. ` +
      `That costs ${short(cost)}; ${cheapest} ${short(best.cost)}.`
    );
  }

  fillCounts() {
    const { tp, fn, fp, tn, recall, precision, f1 } = this.found;
    const { what } = this.data;
    const rows = [
      ["", "said so", "left alone"],
      [what, short(tp), short(fn)],
      ["other", short(fp), short(tn)],
    ];
    this.counts.replaceChildren(
      element("caption", {
        textContent:
          `Per 1,000 images. Recall ${percent(recall)}, precision ${percent(precision)}, ` +
          `F1 ${percent(f1)}.`,
      }),
      ...rows.map((cells, i) => {
        const line = element("tr");
        line.append(
          ...cells.map((textContent, j) =>
            textContent && !(i && j)
              ? element("th", { textContent, scope: i ? "row" : "col" })
              : element("td", { textContent })
          )
        );
        return line;
      })
    );
  }

  paint() {
    const { share, temperature } = this.state;
    const { recall, falseAlarms, precision } = this.found;
    const { curve } = this.scores;
    const roc = curve.map(([found, alarms]) => [alarms, found]);
    const pr = curve
      .map(([found, alarms]) => [found, precisionOf(share, found, alarms)])
      .filter(([, value]) => !Number.isNaN(value));
    draw(this.pictures.roc, roc, [[falseAlarms, recall]], "false alarm rate", "recall");
    const here = Number.isNaN(precision) ? [] : [[recall, precision]];
    draw(this.pictures.pr, pr, here, "recall", "precision");
    this.reliability = reliability(this.scores, temperature);
    const points = this.reliability.map(({ said, right }) => [said, right]);
    draw(this.pictures.calibration, points, points, "probability said", "share so", true);
  }
}

/* Logits from the highest to the lowest, and how many positives and others lie above each. */
export function sorted(logits, positives) {
  const order = logits.map((z, i) => [z, positives[i] === "1"]).sort((a, b) => b[0] - a[0]);
  const found = [0];
  order.forEach(([, positive], i) => found.push(found[i] + (positive ? 1 : 0)));
  const total = found[order.length];
  const scores = { order, found, total, share: total / order.length };
  /* Recall and false alarm rate along the thresholds, thinned to what a picture shows. */
  const steps = Math.max(1, Math.floor(order.length / 400));
  scores.curve = [];
  for (let i = 0; i <= order.length; i += 1) {
    const jumps = i === 0 || i === order.length || order[i][0] !== order[i - 1][0];
    const keeps = i < 200 || i % steps === 0 || i === order.length;
    if (jumps && keeps) scores.curve.push([found[i] / total, (i - found[i]) / (order.length - total)]);
  }
  return scores;
}

/* Recall and false alarm rate of an alarm at this logit and above. */
export function rates({ order, found, total }, threshold) {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order[middle][0] >= threshold) low = middle + 1;
    else high = middle;
  }
  return { recall: found[low] / total, falseAlarms: (low - found[low]) / (order.length - total) };
}

/* In bins of equal width: mean probability, share of positives, count. */
export function reliability({ order }, temperature) {
  const bins = Array.from({ length: BINS }, () => ({ said: 0, right: 0, count: 0 }));
  for (const [z, positive] of order) {
    const p = sigmoid(z / temperature);
    const bin = bins[Math.min(BINS - 1, Math.floor(p * BINS))];
    bin.said += p;
    bin.right += positive ? 1 : 0;
    bin.count += 1;
  }
  return bins
    .filter(({ count }) => count)
    .map(({ said, right, count }) => ({ said: said / count, right: right / count, count }));
}

function precisionOf(share, recall, falseAlarms) {
  const hits = share * recall;
  const all = hits + (1 - share) * falseAlarms;
  return all > 0 ? hits / all : NaN;
}

function sigmoid(z) {
  return 1 / (1 + Math.exp(-z));
}

function logit(p) {
  return Math.log(p / (1 - p));
}

function picture(title) {
  const figure = element("figure");
  const size = SIDE + 2 * MARGIN;
  const svg = drawn("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": title });
  figure.append(element("figcaption", { textContent: title }), svg);
  return { figure, svg, title };
}

/* A curve in the unit square, and the points on it that belong to this threshold. */
function draw({ svg, title }, curve, points, across, up, even = false) {
  const x = (value) => (MARGIN + SIDE * value).toFixed(1);
  const y = (value) => (MARGIN + SIDE * (1 - value)).toFixed(1);
  const parts = [
    drawn("rect", { x: MARGIN, y: MARGIN, width: SIDE, height: SIDE, class: "frame" }),
    drawn("polyline", { points: curve.map(([a, b]) => `${x(a)},${y(b)}`).join(" "), class: "curve" }),
    ...points.map(([a, b]) => drawn("circle", { cx: x(a), cy: y(b), r: 5, class: "here" })),
  ];
  if (even) parts.push(drawn("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "even" }));
  const below = drawn("text", { x: x(0.5), y: SIDE + 2 * MARGIN - 8, "text-anchor": "middle" });
  below.textContent = across;
  const beside = drawn("text", {
    transform: `translate(16 ${y(0.5)}) rotate(-90)`,
    "text-anchor": "middle",
  });
  beside.textContent = up;
  svg.replaceChildren(...parts, below, beside);
  const [first] = points;
  const now = first ? `: ${across} ${percent(first[0])}, ${up} ${percent(first[1])}` : "";
  svg.setAttribute("aria-label", even ? title : `${title}${now}`);
}

function number(name, action) {
  const made = element("input", { type: "number", id: `${NAME}-${name}`, min: 0, max: 1000 });
  made.addEventListener("input", () => {
    const value = Number(made.value);
    if (made.value !== "" && Number.isFinite(value)) action(between(value, COSTS));
  });
  return made;
}

/* What a link says, as far as it makes sense. */
function asLinked() {
  const [threshold, share, temperature, miss, alarm] = fromAddress("threshold") ?? [];
  if (alarm === undefined) return {};
  return {
    threshold: between(threshold, THRESHOLDS),
    share: between(share, [0.001, 0.5]),
    temperature: between(temperature, TEMPERATURES),
    miss: between(miss, COSTS),
    alarm: between(alarm, COSTS),
  };
}

customElements.define(NAME, ThresholdDemo);
