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
    this.table = element("table", { className: `${NAME}-table` });
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
      ["cost", "this network", this.data.blocks[0].name, "ratio", "as a bar"],
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

/* What a box says, line by line; the first says what it does. */
function lines({ kind, inputs, channels, size, weights, normalized, activation }, fanOut) {
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
    split: `split in ${fanOut}`,
  }[kind];
  const second = [normalized ? "norm." : "", NAMES[activation] ?? activation].filter(Boolean);
  const third = weights ? `${withCommas(weights)} weights` : "";
  return [first, second.join(", "), third].filter(Boolean);
}

const NAMES = { relu: "ReLU" };

/* The same in a sentence, for those who do not see the drawing. */
function partsInWords(parts) {
  return parts
    .map((part, i) => {
      const from = part.inputs.filter((input) => input !== i - 1).map((input) => `${input + 1}`);
      const behind = from.length ? ` (from ${from.join(" and ")})` : "";
      return `${i + 1}. ${lines(part, fanOut(parts, i)).join(", ")}${behind}`;
    })
    .join("; ");
}

function fanOut(parts, i) {
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

/* Where boxes and lines go. A line that passes a row of boxes has a narrow lane in it. */
function laidOut(parts) {
  const rank = [];
  parts.forEach(({ inputs }, i) => {
    rank[i] = inputs.length ? 1 + Math.max(...inputs.map((input) => rank[input])) : 0;
  });
  const boxes = parts.map((part, i) => {
    const text = lines(part, fanOut(parts, i));
    const longest = Math.max(...text.map(({ length }) => length));
    const width = LETTER * longest + 2 * PADDING;
    const isInput = part.kind === "input";
    return { text, isInput, width, height: LINE * text.length + PADDING, over: [] };
  });
  const rows = Array.from({ length: 1 + Math.max(...rank) }, () => []);
  const chains = [];
  parts.forEach(({ inputs }, i) => {
    for (const input of inputs) {
      const chain = [boxes[input]];
      for (let r = rank[input] + 1; r < rank[i]; r++) {
        const lane = { isLane: true, width: LANE, height: 0, over: [chain[chain.length - 1]] };
        rows[r].push(lane);
        chain.push(lane);
      }
      boxes[i].over.push(chain[chain.length - 1]);
      chains.push([...chain, boxes[i]]);
    }
    rows[rank[i]].push(boxes[i]);
  });
  const across = (row) => row.reduce((sum, { width }) => sum + width + GAP, -GAP);
  const width = Math.max(...rows.map(across)) + 2;
  let y = 1;
  for (const row of rows) {
    const mean = ({ over }) => over.reduce((sum, { x }) => sum + x, 0) / (over.length || 1);
    /* Lanes to the right of the boxes below the same box. */
    row.sort((a, b) => mean(a) - mean(b) || Number(a.isLane ?? 0) - Number(b.isLane ?? 0));
    const down = Math.max(...row.map(({ height }) => height));
    let x = (width - across(row)) / 2;
    for (const one of row) {
      Object.assign(one, { x: x + one.width / 2, y: y + (down - one.height) / 2 });
      x += one.width + GAP;
    }
    y += down + STEP;
  }
  const edges = chains.map((chain) =>
    chain.flatMap((one, i) => {
      const points = [];
      if (i) points.push([one.x, one.y]);
      if (i < chain.length - 1) points.push([one.x, one.y + one.height]);
      return points;
    })
  );
  return { boxes, edges, width, height: y - STEP + 1 };
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
