/* <block-demo>: choose a block, how often it stands in each stage and how many channels there are,
   and see what the network costs and how far it sees.
   Without JavaScript the element's content stays: a static table. */

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
  row,
  scrolling,
  short,
  slider,
  toAddress,
  verdictLine,
} from "./demo.js";

const FORMAT = "seeing-blocks-1";
const NAME = "block-demo";
const SIDE = 28; // of a picture, in pixels
const MOST = 3; // of the bars, in plain blocks: what is larger ends there

/* Of the drawing, in its own units. */
const LETTER = 7.8; // about so wide
const LINE = 17;
const PADDING = 8;
const GAP = 14; // between boxes of a row
const STEP = 22; // between rows
const LANE = 16; // for a line that passes boxes

class BlockDemo extends HTMLElement {
  async connectedCallback() {
    const data = await dataOf(this, FORMAT);
    if (!data) return;
    this.data = data;
    this.chapter = { block: 0, depth: 1, width: Math.min(1, data.widths.length - 1) };
    this.build();
    this.show({ ...this.chapter, block: 3, ...asLinked(data) });
    this.dataset.ready = "true";
  }

  build() {
    this.replaceChildren();
    const { blocks, depths, widths } = this.data;
    const names = blocks.map(({ name }) => name);
    this.block = chooser(`${NAME}-block`, names, (block) => this.show({ block }));
    const range = [Math.min(...depths), Math.max(...depths), 1];
    this.depth = slider(`${NAME}-depth`, range, (depth) => this.show({ depth }));
    const channels = widths.map((width) => `${width}, then ${2 * width}`);
    this.width = chooser(`${NAME}-width`, channels, (width) => this.show({ width }));
    const settings = element("div");
    settings.append(
      row("Block", this.block),
      row("Blocks in each stage", this.depth),
      row("Channels of the two stages", this.width)
    );
    const buttons = buttonRow(
      button("The chapter's sizes", () => this.show({ ...this.chapter, block: this.state.block }))
    );
    this.verdict = verdictLine();
    this.table = element("table", { className: `demo-table ${NAME}-table` });
    this.drawing = drawn("svg", { role: "img" });
    this.caption = element("figcaption");
    const figure = element("figure", { className: `${NAME}-drawing` });
    figure.append(this.drawing, this.caption);
    this.append(
      settings,
      buttons,
      this.verdict,
      scrolling(this.table, "What the network costs"),
      figure
    );
  }

  show(change) {
    this.state = { ...this.state, ...change };
    const { block, depth, width } = this.state;
    this.block.selectedIndex = block;
    this.depth.value = depth;
    this.depth.nextSibling.textContent = depth;
    this.width.selectedIndex = width;
    this.found = counted(this.data, this.state);
    this.plain = counted(this.data, { ...this.state, block: 0 });
    fillTable(
      this.table,
      ["cost", "this network", `plain: ${this.data.blocks[0].name}`, "ratio", "as a bar"],
      costLines(this.found, this.plain)
    );
    this.draw();
    this.verdict.textContent = this.inWords();
    if (this.dataset.ready) toAddress("block", [block, depth, this.data.widths[width]]);
  }

  draw() {
    const { name, says, stages } = this.data.blocks[this.state.block];
    const stage = stages[this.state.width];
    const width = this.data.widths[this.state.width];
    this.drawing.parentNode.hidden = !stage;
    if (!stage) return;
    const [parts] = stage;
    paint(this.drawing, parts);
    this.drawing.setAttribute("aria-label", `The block ${name}: ${partsInWords(parts)}`);
    this.caption.textContent =
      `${says} Drawn as in the first stage, where ${width} channels come in: the size of the ` +
      "kernel → the channels that come out; norm.: batch normalization.";
  }

  inWords() {
    const { blocks, widths } = this.data;
    const { name } = blocks[this.state.block];
    const width = widths[this.state.width];
    if (!this.found) {
      return (
        `There is no network of ${name} with ${width} channels: ` +
        "its channels do not divide into equal groups."
      );
    }
    const { parameters, multiplyAdds, field, seesAll } = this.found;
    const costs =
      `${name}: ${withCommas(parameters)} parameters, ${times(parameters, this.plain.parameters)} ` +
      `the plain block's, and ${withCommas(multiplyAdds)} multiply-adds, ` +
      `${times(multiplyAdds, this.plain.multiplyAdds)}.`;
    if (seesAll) return `${costs} Each place sees the whole picture, as channels are averaged.`;
    const enough = field > SIDE ? ", more than the picture has" : "";
    return `${costs} A place of the last map sees ${field} × ${field} pixels${enough}.`;
  }
}

/* What a network with so many blocks of that kind costs, or null where there is no such network. */
export function counted({ blocks, around, widths }, { block, depth, width }) {
  const stages = blocks[block].stages[width];
  if (!stages || !(width in widths)) return null;
  const [first, ...behind] = around[width];
  const sections = [first];
  stages.forEach((stage, i) => sections.push(...Array(depth).fill(stage), behind[i]));
  const parts = sections.flat();
  const sum = (of) => parts.reduce((all, part) => all + of(part), 0);
  return {
    parameters: sum(({ weights, others }) => weights + others),
    /* Each weight is multiplied once at each place of the map that it makes. */
    multiplyAdds: sum(({ weights, places }) => weights * places),
    field: receptiveField(sections),
    seesAll: stages.flat().some(({ kind }) => kind === "average"),
  };
}

/* Pixels in a row that a place of the last map depends on, by kernels and strides; averages over
   a whole map are left out. */
function receptiveField(sections) {
  let end = { field: 1, step: 1 };
  for (const section of sections) {
    const reached = [];
    for (const { inputs, size, stride } of section) {
      const before = inputs.length ? inputs.map((i) => reached[i]) : [end];
      const field = Math.max(...before.map((one) => one.field));
      const step = Math.max(...before.map((one) => one.step));
      reached.push({ field: field + (size - 1) * step, step: step * stride });
    }
    end = reached[reached.length - 1];
  }
  return end.field;
}

function withCommas(count) {
  return count.toLocaleString("en-US");
}

function times(count, plain) {
  return `${short(count / plain)} times`;
}

/* The chosen network beside that of the plain block. */
function costLines(found, plain) {
  return [
    costLine("parameters", found?.parameters, plain.parameters),
    costLine("multiply-adds", found?.multiplyAdds, plain.multiplyAdds),
    ["sees, in pixels", seen(found), seen(plain), "", ""],
  ];
}

function costLine(name, count, plain) {
  if (count === undefined) return [name, "none", withCommas(plain), "", ""];
  return [name, withCommas(count), withCommas(plain), short(count / plain), bar(count / plain)];
}

function seen(network) {
  if (!network) return "none";
  const { field, seesAll } = network;
  return seesAll ? "all" : `${field} × ${field}`;
}

/* As long as so many plain blocks; a line stands where one ends. */
function bar(ratio) {
  const track = element("span", { className: `${NAME}-track` });
  const filled = element("span", { className: `${NAME}-fill` });
  filled.style.width = `${(100 * Math.min(ratio, MOST)) / MOST}%`;
  track.append(filled);
  return track;
}

const NAMES = { relu: "ReLU" };

/* What a box says, line by line; the first says what it does. */
function lines({ kind, channels, size, weights, normalized, activation }, parts) {
  const window = `${size} × ${size}`;
  const first = {
    input: `in: ${channels}`,
    convolution: `${window} → ${channels}`,
    depthwise: `${window} per channel`,
    dense: `dense → ${channels}`,
    pooling: `max. of ${window}`,
    average: "average",
    add: "add",
    multiply: "multiply",
    concatenate: `side by side: ${channels}`,
    split: `split in ${parts}`,
  }[kind];
  const second = [normalized ? "norm." : "", NAMES[activation] ?? activation].filter(Boolean);
  const third = weights ? `${withCommas(weights)} weights` : "";
  return [first, second.join(", "), third].filter(Boolean);
}

/* The same in a sentence, for those who do not see the drawing. */
function partsInWords(parts) {
  return parts
    .map((part, i) => {
      const { inputs } = part;
      const isNext = inputs.every((input) => input === i - 1);
      const behind = isNext ? "" : ` (from ${inputs.map((input) => input + 1).join(" and ")})`;
      return `${i + 1}. ${lines(part, takers(parts, i)).join(", ")}${behind}`;
    })
    .join("; ");
}

/* How many parts get a part's map. */
function takers(parts, i) {
  return parts.filter(({ inputs }) => inputs.includes(i)).length;
}

/* Boxes from top to bottom, each below those whose maps it gets, with lines between them. */
function paint(svg, parts) {
  const { boxes, edges, width, height } = laidOut(parts);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.maxWidth = `${width}px`;
  svg.replaceChildren(
    ...edges.map((points) => drawn("path", { d: curve(points), class: "edge" })),
    ...boxes.map(({ text, x, y, width: across, height: down, isInput }) => {
      const group = drawn("g", { class: isInput ? "input" : "part" });
      const box = { x: x - across / 2, y, width: across, height: down, rx: 5 };
      group.append(drawn("rect", box));
      text.forEach((words, i) => {
        const line = drawn("text", {
          x,
          y: y + PADDING / 2 + LINE * (i + 0.78),
          "text-anchor": "middle",
          class: i ? "detail" : "name",
        });
        line.textContent = words;
        group.append(line);
      });
      return group;
    })
  );
}

/* Where boxes and lines go. Boxes stand below what they get; a line that passes a row of boxes
   goes straight down where there is place, and to the right of all of them where there is none. */
function laidOut(parts) {
  const boxes = [];
  parts.forEach((part, i) => {
    const text = lines(part, takers(parts, i));
    const longest = Math.max(...text.map(({ length }) => length));
    const above = part.inputs.map((input) => boxes[input]);
    const rank = above.length ? 1 + Math.max(...above.map((box) => box.rank)) : 0;
    const size = { width: LETTER * longest + 2 * PADDING, height: LINE * text.length + PADDING };
    boxes.push({ text, above, rank, isInput: part.kind === "input", ...size });
  });
  const rows = [];
  boxes.forEach((box) => (rows[box.rank] ??= []).push(box));
  let height = 1;
  for (const row of rows) {
    row.top = height;
    row.bottom = height + Math.max(...row.map((box) => box.height));
    row.forEach((box) => (box.y = row.top));
    spread(row);
    height = row.bottom + STEP;
  }
  const edges = boxes.flatMap((box) => box.above.map((from) => ({ from, to: box })));
  const passing = edges.filter(({ from, to }) => to.rank > from.rank + 1);
  passing.sort((a, b) => a.to.rank - a.from.rank - (b.to.rank - b.from.rank));
  for (const edge of passing) {
    const passed = rows.slice(edge.from.rank + 1, edge.to.rank);
    const inTheWay = passed.flat();
    const isFree = inTheWay.every((one) => Math.abs(one.x - edge.from.x) >= (one.width + LANE) / 2);
    edge.x = isFree ? edge.from.x : Math.max(...inTheWay.map(rightOf)) + LANE;
    edge.ends = [passed[0].top, passed[passed.length - 1].bottom];
    passed.forEach((row) => row.push({ x: edge.x, width: 0 }));
  }
  const all = rows.flat();
  const left = 1 - Math.min(...all.map(({ x, width }) => x - width / 2));
  const right = 1 + Math.max(...all.map(rightOf));
  boxes.forEach((box) => (box.x += left));
  const points = edges.map(({ from, to, x, ends = [] }) => [
    [from.x, from.y + from.height],
    ...ends.map((y) => [x + left, y]),
    [to.x, to.y],
  ]);
  return { boxes, edges: points, width: left + right, height: height - STEP + 1 };
}

/* Each box of a row below those whose maps it gets, and beside those that want the same place. */
function spread(row) {
  const wanted = ({ above }) => above.reduce((sum, { x }) => sum + x, 0) / (above.length || 1);
  row.sort((a, b) => wanted(a) - wanted(b));
  row.forEach((box, i) => {
    const least = i ? rightOf(row[i - 1]) + GAP + box.width / 2 : -Infinity;
    box.x = Math.max(wanted(box), least);
  });
  const moved = row.reduce((sum, box) => sum + box.x - wanted(box), 0) / row.length;
  row.forEach((box) => (box.x -= moved));
}

function rightOf({ x, width }) {
  return x + width / 2;
}

/* A line through points, upright at each of them. */
function curve([[x, y], ...others]) {
  let d = `M${x.toFixed(1)} ${y.toFixed(1)}`;
  let before = [x, y];
  for (const [toX, toY] of others) {
    const middle = ((before[1] + toY) / 2).toFixed(1);
    d += ` C${before[0].toFixed(1)} ${middle} ${toX.toFixed(1)} ${middle} `;
    d += `${toX.toFixed(1)} ${toY.toFixed(1)}`;
    before = [toX, toY];
  }
  return d;
}

/* What a link says, as far as there is such a network. */
function asLinked({ blocks, depths, widths }) {
  const found = fromAddress("block") ?? [];
  const [block, depth, channels] = found;
  const width = widths.indexOf(channels);
  if (found.length !== 3 || !(block in blocks) || width < 0) return {};
  const range = [Math.min(...depths), Math.max(...depths)];
  return { block, depth: between(Math.round(depth), range), width };
}

customElements.define(NAME, BlockDemo);
