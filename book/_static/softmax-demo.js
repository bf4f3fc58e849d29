/* <softmax-demo>: move logits, and see shares, losses and the pull on each logit.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  button,
  buttonRow,
  chooser,
  dataOf,
  element,
  fillTable,
  fromAddress,
  indexOfLargest,
  row,
  scrolling,
  short,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";

const FORMAT = "seeing-softmax-1";
const NAME = "softmax-demo";
const LOGITS = [-10, 10, 0.1];

class SoftmaxDemo extends HTMLElement {
  async connectedCallback() {
    const data = await dataOf(this, FORMAT);
    if (!data) return;
    this.data = data;
    this.build();
    const [first] = data.presets;
    this.show({ logits: first.logits, truth: first.truth, ...asLinked(data.classes.length) });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const { classes, presets } = this.data;
    this.truth = chooser(`${NAME}-truth`, classes, (truth) => this.show({ truth }));
    this.sliders = classes.map((name, k) =>
      slider(`${NAME}-${k}`, LOGITS, (z) =>
        this.show({ logits: this.state.logits.map((old, i) => (i === k ? z : old)) })
      )
    );
    const settings = element("div");
    settings.append(
      row("The picture shows", this.truth),
      ...classes.map((name, k) => row(`Logit of "${name}"`, this.sliders[k]))
    );
    const buttons = buttonRow(
      ...presets.map(({ name, logits, truth }) => button(name, () => this.show({ logits, truth }))),
      button("add 3 to all", () => this.show({ logits: this.moved((z) => z + 3) })),
      button("double all", () => this.show({ logits: this.moved((z) => 2 * z) }))
    );
    this.table = element("table", { className: `demo-table ${NAME}-table` });
    this.losses = element("table", { className: `demo-table ${NAME}-table` });
    this.verdict = verdictLine();
    this.append(settings, buttons, this.verdict, scrolling(this.table), scrolling(this.losses));
  }

  moved(change) {
    return this.state.logits.map((z) => Number(between(change(z), LOGITS).toFixed(4)));
  }

  show(change) {
    this.state = { ...this.state, ...change };
    const { logits, truth } = this.state;
    this.truth.selectedIndex = truth;
    this.sliders.forEach((one, k) => {
      one.value = logits[k];
      one.nextSibling.textContent = short(logits[k]);
    });
    this.found = computed(logits, truth);
    this.fill();
    this.verdict.textContent = inWords(this.data.classes, logits, truth, this.found);
    if (this.dataset.ready) toAddress("softmax", [truth, ...logits]);
  }

  fill() {
    const { classes } = this.data;
    const { softmax, sigmoid, normalized, slopes } = this.found;
    fillTable(
      this.table,
      ["class", "softmax", "share", "sigmoid", "z / sum", "slope"],
      classes.map((name, k) => [
        name,
        softmax[k].toFixed(4),
        bar(softmax[k]),
        sigmoid[k].toFixed(4),
        normalized ? normalized[k].toFixed(4) : "none",
        signed(slopes[k]),
      ])
    );
    const { categorical, binary, squared, hinge } = this.found;
    fillTable(
      this.losses,
      ["loss", "value"],
      [
        ["categorical cross-entropy, of the softmax", categorical.toFixed(4)],
        ["binary cross-entropy, of the sigmoids", binary.toFixed(4)],
        ["squared error, of the softmax", squared.toFixed(4)],
        ["categorical hinge, of the logits", hinge.toFixed(4)],
      ]
    );
  }
}

/* Everything that the page shows, from the logits and the number of the true class. */
export function computed(logits, truth) {
  const largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const softmax = powers.map((power) => power / total);
  const sigmoid = logits.map((z) => 1 / (1 + Math.exp(-z)));
  const sum = logits.reduce((all, z) => all + z, 0);
  const isShares = logits.every((z) => z >= 0) && sum > 0;
  const y = logits.map((_, k) => (k === truth ? 1 : 0));
  const mean = (values) => values.reduce((all, value) => all + value, 0) / values.length;
  const others = logits.filter((_, k) => k !== truth);
  return {
    softmax,
    sigmoid,
    normalized: isShares ? logits.map((z) => z / sum) : null,
    slopes: softmax.map((p, k) => p - y[k]),
    categorical: largest + Math.log(total) - logits[truth],
    /* ln(1 + e^z) without overflow, less z where the label is 1. */
    binary: mean(logits.map((z, k) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - y[k] * z)),
    squared: mean(softmax.map((p, k) => (p - y[k]) ** 2)),
    hinge: Math.max(0, 1 + Math.max(...others) - logits[truth]),
  };
}

function inWords(classes, logits, truth, { softmax, categorical }) {
  const best = indexOfLargest(softmax);
  const right = best === truth ? "which is right" : `but it is ${classes[truth]}`;
  return (
    `The answer is ${classes[best]}, ${right}. The true class gets ` +
    `${short(100 * softmax[truth])} %, so the loss is −ln ${short(softmax[truth])} = ` +
    `${short(categorical)}, and one step down the slopes raises the logit of ${classes[truth]}.`
  );
}

function signed(value) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);
}

function bar(share) {
  const track = element("span", { className: `${NAME}-track` });
  const fill = element("span", { className: `${NAME}-fill` });
  fill.style.width = `${100 * share}%`;
  track.append(fill);
  return track;
}

/* What a link says, as far as it makes sense. */
function asLinked(count) {
  const [truth, ...logits] = fromAddress("softmax") ?? [];
  if (logits.length !== count || !Number.isInteger(truth) || truth < 0 || truth >= count) return {};
  return { truth, logits: logits.map((z) => between(z, LOGITS)) };
}

customElements.define(NAME, SoftmaxDemo);
