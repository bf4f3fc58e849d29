/* <attention-demo>: choose a patch of a digit, and see where the chapter's ViT looks from there.
   Without JavaScript the element's content stays: a static figure. */

import {
  between,
  chooser,
  dataOf,
  element,
  fromAddress,
  indexOfLargest,
  picture,
  row,
  toAddress,
  verdictLine,
} from "./demo.js";
import { GRID, fromText, imageCanvas, paint } from "./pixels.js";

const FORMAT = "seeing-attention-1";
const NAME = "attention-demo";
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
/* The book's blue and orange, which all eyes tell apart. */
const LOOK = [0, 114, 178];
const FRAME = "#d55e00";

class AttentionDemo extends HTMLElement {
  async connectedCallback() {
    const data = await dataOf(this, FORMAT);
    if (!data) return;
    this.data = data;
    this.inks = data.digits.map(({ ink }) => fromText(ink));
    const [blocks] = data.digits.map(({ shares }) => shares);
    this.heads = blocks[0].length;
    this.across = Math.sqrt(blocks[0][0].length);
    this.build(blocks.length);
    const first = { digit: Math.min(4, this.inks.length - 1), head: 0 };
    this.show({ ...first, place: mostInk(this.inks[first.digit], this.across), ...this.asLinked() });
    this.dataset.ready = "true";
  }

  build(blocks) {
    this.replaceChildren();
    const help = element("p", {
      id: `${NAME}-help`,
      textContent:
        "Point at a patch of the digit, tap it, or move the frame with the arrow keys. " +
        "The numbers say how the framed patch shares its attention, in percent; large shares are blue.",
    });
    const names = this.data.digits.map(({ label }) => `a ${label}`);
    this.digit = chooser(`${NAME}-digit`, names, (digit) => this.show({ digit }));
    const heads = Array.from({ length: this.heads }, (_, i) => `head ${i + 1}`);
    this.head = chooser(`${NAME}-head`, ["the mean of all heads", ...heads], (head) =>
      this.show({ head })
    );
    const settings = element("div");
    settings.append(row("Digit", this.digit), row("Shares of", this.head));
    this.canvas = this.patches("Digit, with a frame around one patch");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-describedby", `${NAME}-help`);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.maps = Array.from({ length: blocks }, (_, i) => this.patches(`Block ${i + 1}`));
    const pictures = element("div", { className: `${NAME}-pictures` });
    pictures.append(
      picture(this.canvas, "Digit. Choose a patch."),
      ...this.maps.map((canvas, i) => picture(canvas, `Block ${i + 1}`))
    );
    this.verdict = verdictLine();
    this.about = element("p");
    this.append(settings, help, pictures, this.verdict, this.about);
  }

  /* A canvas on which one can point at a patch. */
  patches(label) {
    const canvas = imageCanvas(label);
    canvas.addEventListener("pointermove", (event) => this.point(event, canvas, false));
    canvas.addEventListener("pointerdown", (event) => this.point(event, canvas, true));
    return canvas;
  }

  /* A finger that moves over the page scrolls it: only a mouse or a pen chooses while it moves. */
  point(event, canvas, isSettled) {
    if (!isSettled && event.pointerType === "touch") return;
    const box = canvas.getBoundingClientRect();
    const at = (from, length) =>
      between(Math.floor((from / length) * this.across), [0, this.across - 1]);
    const line = at(event.clientY - box.top, box.height);
    const place = line * this.across + at(event.clientX - box.left, box.width);
    if (isSettled || place !== this.state.place) this.show({ place }, isSettled);
  }

  key(event) {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    const [down, right] = KEYS[event.key];
    const ends = [0, this.across - 1];
    const line = between(Math.floor(this.state.place / this.across) + down, ends);
    this.show({ place: line * this.across + between((this.state.place % this.across) + right, ends) });
  }

  show(change, isSettled = true) {
    this.state = { ...this.state, ...change };
    const { digit, place, head } = this.state;
    this.digit.selectedIndex = digit;
    this.head.selectedIndex = head;
    const { shares } = this.data.digits[digit];
    this.shares = shares.map((block) => (head ? block[head - 1][place] : mean(block, place)));
    this.paint();
    this.verdict.textContent = this.inWords();
    this.about.textContent = aboutInWords(this.data, this.data.digits[digit]);
    if (isSettled && this.dataset.ready) toAddress("attention", [digit, place, head]);
  }

  paint() {
    const { digit, place } = this.state;
    const where = this.named(place);
    paint(this.canvas, this.inks[digit]);
    lines(this.canvas, this.across);
    frame(this.canvas, this.across, place);
    this.canvas.setAttribute("aria-label", `Digit, with a frame around one patch: ${where}`);
    const largest = Math.max(...this.shares.flat());
    this.maps.forEach((canvas, block) => {
      const shares = this.shares[block];
      paint(canvas, this.inks[digit]);
      paintShares(canvas, this.across, shares, largest);
      frame(canvas, this.across, place);
      const most = this.named(indexOfLargest(shares));
      canvas.setAttribute("aria-label", `Block ${block + 1}: ${where} looks most at ${most}`);
    });
  }

  /* A patch in words, counted from the upper left corner. */
  named(place) {
    return `row ${Math.floor(place / this.across) + 1}, column ${(place % this.across) + 1}`;
  }

  inWords() {
    const most = this.shares.map((shares, block) => {
      const share = Math.max(...shares);
      const at = shares.indexOf(share);
      const where = at === this.state.place ? "itself" : this.named(at);
      return `${where} in block ${block + 1} (${percent(share)}\u00a0%)`;
    });
    const even = percent(1 / this.across ** 2);
    return (
      `The patch in ${this.named(this.state.place)} looks most at ${most.join("; ")}. ` +
      `Evenly shared, each patch would have ${even}\u00a0%.`
    );
  }

  /* What a link says, as far as there is such a patch. */
  asLinked() {
    const found = fromAddress("attention") ?? [];
    const [digit, place, head] = found;
    const isWhole = found.length === 3 && found.every(Number.isInteger);
    const isThere = digit in this.inks && place >= 0 && place < this.across ** 2;
    return isWhole && isThere && head >= 0 && head <= this.heads ? { digit, place, head } : {};
  }
}

/* The shares of a patch, in the mean over the heads. */
export function mean(heads, place) {
  return heads[0][place].map(
    (_, at) => heads.reduce((sum, head) => sum + head[place][at], 0) / heads.length
  );
}

function mostInk(ink, across) {
  const sums = Array(across ** 2).fill(0);
  const side = GRID / across;
  ink.forEach((value, i) => {
    const [line, column] = [Math.floor(i / GRID / side), Math.floor((i % GRID) / side)];
    sums[line * across + column] += value;
  });
  return indexOfLargest(sums);
}

function percent(share) {
  return Math.round(100 * share);
}

/* What one should know of the network before one believes its pictures. */
function aboutInWords(data, { label, said }) {
  const digits = `${data.trained_on.toLocaleString("en-US")} digits`;
  const source = data.stand_in ? `${digits}, stand-in data` : digits;
  const right = (100 * data.accuracy).toFixed(1);
  const tried = data.validated_on.toLocaleString("en-US");
  const verdict = said === label ? "which is right" : `but it is a ${label}`;
  return (
    `This ViT was trained on ${source}, and has ${right}\u00a0% of ${tried} validation digits right. ` +
    `Of this digit it says ${said}, ${verdict}.`
  );
}

function lines(canvas, across) {
  const context = canvas.getContext("2d");
  const side = canvas.width / across;
  context.strokeStyle = "rgb(0 0 0 / 0.25)";
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 1; i < across; i++) {
    context.moveTo(i * side, 0);
    context.lineTo(i * side, canvas.height);
    context.moveTo(0, i * side);
    context.lineTo(canvas.width, i * side);
  }
  context.stroke();
}

/* The bluer, the larger the share; the largest in any block is bluest. */
function paintShares(canvas, across, shares, largest) {
  const context = canvas.getContext("2d");
  const side = canvas.width / across;
  context.font = "600 22px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  shares.forEach((share, place) => {
    const [x, y] = [(place % across) * side, Math.floor(place / across) * side];
    context.fillStyle = `rgb(${LOOK.join(" ")} / ${(0.85 * share) / largest})`;
    context.fillRect(x, y, side, side);
    context.lineWidth = 5;
    context.lineJoin = "round";
    context.strokeStyle = "#fff";
    context.strokeText(percent(share), x + side / 2, y + side / 2);
    context.fillStyle = "#000";
    context.fillText(percent(share), x + side / 2, y + side / 2);
  });
  lines(canvas, across);
}

function frame(canvas, across, place) {
  const context = canvas.getContext("2d");
  const side = canvas.width / across;
  context.strokeStyle = FRAME;
  context.lineWidth = 6;
  const [x, y] = [(place % across) * side, Math.floor(place / across) * side];
  context.strokeRect(x + 3, y + 3, side - 6, side - 6);
}

customElements.define(NAME, AttentionDemo);
