/* <digit-demo>: draw a digit, and the chapter's own network says what it sees, in the page.
   Without JavaScript the element's content stays: a static figure.
   With the attribute "sample" it begins with a test digit instead of an empty field; with "open"
   it also shows what the network saw on the way, and which training digits are most alike. */

import {
  button,
  buttonRow,
  checkbox,
  dataOf,
  element,
  fromAddress,
  indexOfLargest,
  picture,
  probabilityBars,
  row,
  toAddress,
  verdictLine,
} from "./demo.js";
import { DrawingField, drawingHelp } from "./drawing.js";
import { FORMAT, answer, decoded } from "./network.js";
import { GRID, centered, fromText, imageCanvas, paint } from "./pixels.js";

const NAME = "digit-demo";
const NEAREST = 8; // training digits that are shown
const GAP = 0.25; // the gray between feature maps

class DigitDemo extends HTMLElement {
  async connectedCallback() {
    const exported = await dataOf(this, FORMAT);
    if (!exported) return;
    this.network = decoded(exported);
    this.known = exported.training_digits.map(({ label, ink }) => ({ label, ink: fromText(ink) }));
    this.build();
    const linked = asLinked(this.network.probes.length);
    if (this.field.fromAddress()) linked.sample = -1;
    const first = { sample: this.hasAttribute("sample") ? 0 : -1, centers: true };
    const isOpen = this.hasAttribute("open");
    this.show({ ...first, maps: isOpen, alike: isOpen, ...linked });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    this.field = new DrawingField({
      label: "Drawing area for one digit",
      describedBy: `${NAME}-help`,
      changed: () => this.show({ sample: -1 }, false),
      settled: () => this.remember(),
    });
    this.bars = probabilityBars(this.network.class_names, "Probability of each digit");
    const columns = element("div", { className: `${NAME}-columns` });
    columns.append(this.field.canvas, this.bars.list);
    this.verdict = verdictLine();
    const buttons = buttonRow(
      button("Clear", () => this.clear()),
      button("Show a test digit", () => this.show({ sample: this.nextSample() }))
    );
    this.centers = checkbox(`${NAME}-centers`, (centers) => this.show({ centers }));
    this.append(
      drawingHelp(`${NAME}-help`),
      columns,
      this.verdict,
      buttons,
      row("Scale and center a drawing", this.centers),
      this.mapsFold(),
      this.alikeFold()
    );
  }

  /* What the network got, and its feature maps. */
  mapsFold() {
    this.given = imageCanvas("The image that the network got");
    this.mapPictures = element("div", { className: `${NAME}-maps` });
    this.maps = fold("What the network saw on the way", () => this.toggled());
    this.maps.append(picture(this.given, "What the network got"), this.mapPictures);
    return this.maps;
  }

  /* The training digits that differ least from what the network got. */
  alikeFold() {
    const title = `Most alike of ${this.known.length} training digits`;
    this.alike = fold(title, () => this.toggled());
    const pictures = element("div", { className: `${NAME}-alike` });
    this.alikePictures = Array.from({ length: NEAREST }, () =>
      picture(imageCanvas("A training digit"), "")
    );
    pictures.append(...this.alikePictures);
    this.alike.append(pictures);
    return this.alike;
  }

  /* The event comes late, also after a fold that a link has opened. */
  toggled() {
    const change = { maps: this.maps.open, alike: this.alike.open };
    if (Object.keys(change).some((name) => change[name] !== this.state[name])) this.show(change);
  }

  clear() {
    this.field.clear();
    this.show({ sample: -1 });
  }

  nextSample() {
    this.lastSample = ((this.lastSample ?? -1) + 1) % this.network.probes.length;
    return this.lastSample;
  }

  show(change, isSettled = true) {
    this.state = { ...this.state, ...change };
    const { sample, centers, maps, alike } = this.state;
    if (sample >= 0) {
      this.lastSample = sample;
      this.field.show(this.network.probes[sample].image);
    }
    this.centers.checked = centers;
    this.maps.open = maps;
    this.alike.open = alike;
    this.image = this.prepared();
    const found = this.image ? answer(this.network, this.image) : { probabilities: null, maps: [] };
    this.probabilities = found.probabilities;
    this.featureMaps = found.maps;
    this.bars.show(this.probabilities ?? this.network.class_names.map(() => 0));
    this.verdict.textContent = this.inWords();
    if (maps) this.paintMaps();
    if (alike) this.paintAlike();
    if (isSettled) this.remember();
  }

  /* What the network gets, or null where nothing is drawn. A test digit is as it met it. */
  prepared() {
    const { field } = this;
    if (field.isEmpty) return null;
    return field.isDrawn && this.state.centers ? centered(field.ink) : field.ink;
  }

  inWords() {
    if (!this.probabilities) return "Nothing drawn yet.";
    const best = indexOfLargest(this.probabilities);
    const share = (100 * this.probabilities[best]).toFixed(1);
    const name = this.network.class_names[best];
    const { bar } = this.network;
    if (this.probabilities[best] >= bar) return `The network sees a ${name} (${share} %).`;
    return (
      `None of these, says the rule. The likeliest digit, ${name}, gets ${share} %, ` +
      `and the bar is at ${(100 * bar).toFixed(1)} %.`
    );
  }

  paintMaps() {
    paint(this.given, this.image ?? new Float32Array(GRID * GRID));
    if (this.mapPictures.childElementCount !== this.featureMaps.length) {
      this.mapPictures.replaceChildren(
        ...this.featureMaps.map((map, i) => {
          const shape = `${map.channels} maps of ${map.height} × ${map.width}`;
          const caption = `After convolution ${i + 1}: ${shape}`;
          return picture(imageCanvas(caption), caption);
        })
      );
    }
    this.mapPictures.querySelectorAll("canvas").forEach((canvas, i) => {
      paintFeatureMaps(canvas, this.featureMaps[i]);
    });
  }

  paintAlike() {
    this.nearest = this.image ? nearest(this.image, this.known, NEAREST) : [];
    this.alikePictures.forEach((one, i) => {
      one.hidden = !this.image;
      if (!this.image) return;
      const { label, ink } = this.nearest[i];
      paint(one.firstChild, ink);
      one.lastChild.textContent = `labeled ${label}`;
    });
  }

  remember() {
    if (!this.dataset.ready) return;
    const { sample, centers, maps, alike } = this.state;
    toAddress("digit", [sample, ...[centers, maps, alike].map(Number)]);
    this.field.toAddress();
  }
}

/* Those of the known images whose pixels differ least, the nearest first (Euclidean distance). */
export function nearest(image, known, count) {
  const distance = (ink) => {
    let sum = 0;
    for (let i = 0; i < ink.length; i++) sum += (ink[i] - image[i]) ** 2;
    return Math.sqrt(sum);
  };
  return known
    .map((one) => ({ ...one, distance: distance(one.ink) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count);
}

/* All maps of a layer in rows of equal length; black is the layer's largest value. */
function paintFeatureMaps(canvas, { values, height, width, channels }) {
  const columns = channels % 12 === 0 ? 12 : 16;
  const [tileWidth, tileHeight] = [width + 1, height + 1];
  const across = columns * tileWidth;
  const ink = new Float32Array(across * Math.ceil(channels / columns) * tileHeight).fill(GAP);
  const largest = values.reduce((most, value) => Math.max(most, value), 1e-9);
  values.forEach((value, i) => {
    const [channel, place] = [i % channels, Math.floor(i / channels)];
    const row = Math.floor(channel / columns) * tileHeight + Math.floor(place / width);
    const column = (channel % columns) * tileWidth + (place % width);
    ink[row * across + column] = value / largest;
  });
  const scale = Math.ceil(576 / across);
  Object.assign(canvas, { width: across * scale, height: (ink.length / across) * scale });
  paint(canvas, ink, across);
}

function fold(title, action) {
  const made = element("details", { className: `${NAME}-fold` });
  made.append(element("summary", { textContent: title }));
  made.addEventListener("toggle", action);
  return made;
}

/* What a link says, as far as it makes sense. */
function asLinked(count) {
  const found = fromAddress("digit") ?? [];
  const [sample, ...switches] = found.map(Math.round);
  if (found.length !== 4 || !(sample >= -1 && sample < count)) return {};
  const [centers, maps, alike] = switches.map(Boolean);
  return { sample, centers, maps, alike };
}

customElements.define(NAME, DigitDemo);
