// All photographs at once. Only those that are seen have an element, so that 20,000 scroll as fast
// as 20; what leaves at one end comes in again at the other.

import { button, count, h, photographs, say } from './dom.js';
import * as label from './label.js';
import { ClassButtons, multi } from './panel.js';
import * as studio from './state.js';

const { state } = studio;
const SIZES = { small: 96, medium: 150, large: 240 };
const GAP = 6;
const CAPTION = 22;
const SETTLE_MS = 90; // tiles that fly by are not worth a request

const FILTERS = {
  all: ['All', () => true],
  open: ['Not answered', (id) => studio.together(id).kind === null],
  unsure: ['Unsure', (id) => studio.together(id).kind === 'unsure'],
  skip: ['Skipped', (id) => studio.together(id).kind === 'skip'],
  disputed: ['Disputed', (id) => studio.together(id).kind === 'disputed'],
  test: ['Locked test set', (id) => studio.isTest(id)],
};

let filter = 'all';
let size = localStorage.getItem('studio-size') ?? 'medium';
let chosen = null; // ids that another view wants shown, instead of a filter
let ids = [];
let selected = new Set();
let active = 0; // index of the tile that keys are for
let anchor = 0; // where a range begins
let top = 0;
let parts = null;

/** Show some photographs, all of them selected. */
export function look(some) {
  chosen = some;
  selected = new Set(some);
  active = anchor = top = 0;
  location.hash = '#grid';
}

export function enter(main) {
  const filters = h('select', { id: 'filter', on: { change: () => choose(filters.value) } });
  const sizes = h('select', { id: 'size', on: { change: () => resize(sizes.value) } },
    Object.keys(SIZES).map((value) => h('option', { value }, value)));
  sizes.value = size;
  const field = h('div', {
    className: 'field', tabIndex: 0, role: 'listbox', 'aria-multiselectable': 'true',
    'aria-label': 'Photographs',
  });
  const tiles = h('div', { className: 'tiles', role: 'presentation' });
  field.append(tiles);
  const buttons = new ClassButtons((id) => answer('label', [id]));
  const counted = h('strong', { id: 'selected' });
  parts = {
    filters, field, tiles, buttons, counted,
    shown: new Map(), free: [], settle: 0, frame: 0, layout: null, lastTop: 0,
    bar: h('div', { className: 'bar', role: 'group', 'aria-label': 'Selection' },
      counted,
      buttons.element,
      h('div', { className: 'row' },
        button([h('kbd', {}, 'u'), 'Unsure'], () => answer('unsure')),
        button([h('kbd', {}, '⌫'), 'Clear answers'], () => answer('clear')),
        button('Add near-duplicates', addAlike),
        button('Select none', selectNone),
        button('Select all shown', selectAll, { className: 'all' }))),
    observer: new ResizeObserver(() => layout()),
  };
  main.append(h('div', { className: 'grid-view' },
    h('div', { className: 'row tools' },
      h('span', { className: 'row' }, h('label', { htmlFor: 'filter' }, 'Show'), filters),
      h('span', { className: 'row' }, h('label', { htmlFor: 'size' }, 'Size'), sizes),
      h('span', { id: 'shown', className: 'faint' })),
    field, parts.bar));
  field.addEventListener('scroll', () => {
    top = field.scrollTop;
    parts.frame ||= requestAnimationFrame(draw);
  }, { passive: true });
  field.addEventListener('click', click);
  refilter();
  parts.observer.observe(field);
}

export function leave() {
  parts?.observer.disconnect();
  cancelAnimationFrame(parts?.frame);
  clearTimeout(parts?.settle);
  parts = null;
}

function choose(value) {
  filter = value;
  chosen = null;
  selected.clear();
  active = anchor = top = 0;
  refilter();
}

function resize(value) {
  size = value;
  localStorage.setItem('studio-size', value);
  layout();
}

function refilter() {
  const classes = studio.liveClasses().map((one) => [`class ${one.id}`, `Labeled ${one.name}`]);
  const options = [
    ...(chosen ? [['chosen', 'A cluster']] : []),
    ...Object.entries(FILTERS).map(([value, [text]]) => [value, text]),
    ...classes,
  ];
  const value = chosen ? 'chosen' : filter;
  const key = JSON.stringify(options);
  if (parts.filters.dataset.key !== key) {
    parts.filters.dataset.key = key;
    parts.filters.replaceChildren(...options.map(([one, text]) => h('option', { value: one }, text)));
  }
  parts.filters.value = value;
  const isOf = FILTERS[filter]?.[1] ??
    ((id) => studio.together(id).classes.includes(Number(filter.slice(6))));
  ids = chosen ? chosen.filter((id) => state.place.has(id)) : state.columns.ids.filter(isOf);
  active = Math.min(active, Math.max(0, ids.length - 1));
  document.getElementById('shown').textContent = photographs(ids.length);
  layout();
}

function layout() {
  if (!parts) return;
  const { field, tiles } = parts;
  const width = field.clientWidth - 2 * GAP;
  const columns = Math.max(2, Math.floor((width + GAP) / (SIZES[size] + GAP)));
  const side = Math.floor((width - GAP * (columns - 1)) / columns);
  parts.layout = { columns, side, row: side + CAPTION + GAP };
  tiles.style.height = `${Math.ceil(ids.length / columns) * parts.layout.row}px`;
  for (const tile of parts.shown.values()) tile.remove();
  parts.shown.clear();
  parts.free = [];
  field.scrollTop = top;
  draw();
}

function draw() {
  if (!parts) return;
  parts.frame = 0;
  const { field, tiles, shown, free } = parts;
  const { columns, row } = parts.layout;
  const from = Math.max(0, Math.floor(field.scrollTop / row) - 1) * columns;
  const to = Math.min(ids.length, (Math.ceil((field.scrollTop + field.clientHeight) / row) + 1) *
    columns);
  const isFast = Math.abs(field.scrollTop - parts.lastTop) > 2 * row;
  parts.lastTop = field.scrollTop;
  for (const [i, tile] of shown) {
    if (i < from || i >= to || tile.photograph !== ids[i]) {
      shown.delete(i);
      free.push(tile);
    }
  }
  for (let i = from; i < to; i += 1) {
    if (shown.has(i)) continue;
    let tile = free.pop();
    if (!tile) {
      tile = made();
      tiles.append(tile);
    }
    fill(tile, i);
    shown.set(i, tile);
  }
  for (const tile of free) tile.hidden = true;
  clearTimeout(parts.settle);
  if (isFast) parts.settle = setTimeout(loadImages, SETTLE_MS);
  else loadImages();
  drawSelection();
}

function made() {
  const tile = h('div', { className: 'tile', role: 'option' },
    h('span', { className: 'check', 'aria-hidden': 'true' }),
    h('img', { alt: '', decoding: 'async', draggable: false }),
    h('span', { className: 'says' }));
  [tile.check, tile.picture, tile.says] = tile.children;
  return tile;
}

function fill(tile, i) {
  const { columns, side, row } = parts.layout;
  const id = ids[i];
  tile.hidden = false;
  tile.photograph = id;
  tile.index = i;
  tile.id = `tile-${i}`;
  tile.style.width = `${side}px`;
  tile.style.height = `${side + CAPTION}px`;
  tile.style.transform =
    `translate(${GAP + (i % columns) * (side + GAP)}px, ${Math.floor(i / columns) * row}px)`;
  tile.setAttribute('aria-setsize', ids.length);
  tile.setAttribute('aria-posinset', i + 1);
  tile.picture.removeAttribute('src');
  describe(tile);
}

function describe(tile) {
  const id = tile.photograph;
  const said = studio.together(id);
  tile.says.textContent = said.kind ? studio.words(said) : '';
  tile.dataset.kind = said.kind ?? 'open';
  tile.classList.toggle('test', studio.isTest(id));
  tile.setAttribute('aria-label',
    `${studio.path(id)}, ${studio.words(said)}${studio.isTest(id) ? ', test set' : ''}`);
}

function loadImages() {
  if (!parts) return;
  const { side } = parts.layout;
  for (const tile of parts.shown.values()) {
    if (!tile.picture.hasAttribute('src')) tile.picture.src = studio.image(tile.photograph, side);
  }
}

function drawSelection() {
  for (const [i, tile] of parts.shown) {
    const isSelected = selected.has(tile.photograph);
    tile.setAttribute('aria-selected', isSelected);
    tile.classList.toggle('active', i === active);
  }
  const tile = parts.shown.get(active);
  if (tile) parts.field.setAttribute('aria-activedescendant', tile.id);
  else parts.field.removeAttribute('aria-activedescendant');
  const text = selected.size ? `${count(selected.size)} selected` : 'None selected';
  if (parts.counted.textContent !== text) parts.counted.textContent = text;
  // Keys are for the tile that is outlined, too; a button would be for one that nobody has named.
  parts.bar.classList.toggle('idle', !selected.size);
  for (const one of parts.bar.querySelectorAll('button:not(.all)')) one.disabled = !selected.size;
}

function click(event) {
  const tile = event.target.closest('.tile');
  if (!tile) return;
  const before = active;
  active = tile.index;
  if (event.shiftKey) range(before, active);
  else if (event.target === tile.check || event.ctrlKey || event.metaKey || selected.size) {
    toggle(active);
  } else {
    open();
    return;
  }
  parts.field.focus({ preventScroll: true });
  drawSelection();
}

function toggle(i) {
  const id = ids[i];
  if (!selected.delete(id)) selected.add(id);
  anchor = i;
}

function range(from, to) {
  for (let i = Math.min(from, to); i <= Math.max(from, to); i += 1) selected.add(ids[i]);
}

const open = () => {
  if (ids.length) label.look(ids, ids[active]);
};

function selectAll() {
  for (const id of ids) selected.add(id);
  drawSelection();
}

function selectNone() {
  selected.clear();
  drawSelection();
}

function addAlike() {
  const from = selected.size ? [...selected] : [ids[active]];
  const before = selected.size;
  for (const id of from) for (const one of state.alike.get(id) ?? [id]) selected.add(one);
  say(`${count(selected.size - before)} more selected`);
  drawSelection();
}

/** Whether the tile that keys are for can be seen. */
function isSeen() {
  const { field, layout: { columns, row } } = parts;
  const y = Math.floor(active / columns) * row;
  return y + row > field.scrollTop && y < field.scrollTop + field.clientHeight;
}

async function answer(kind, classes = []) {
  if (!selected.size && !isSeen()) {
    say('Select photographs first, or go to one with the arrows');
    return;
  }
  const some = selected.size ? [...selected] : ids.length ? [ids[active]] : [];
  if (!some.length) return;
  if (multi() && kind === 'label') return addClass(some, classes[0]);
  const written = await studio.answer(
    some.map((photograph) => ({ photograph, kind, classes })), some.length > 1 ? 'bulk' : 'key');
  if (written) done(written.now.length, kind === 'label' ? studio.words({ kind, classes }) : kind);
}

/** Where a photograph may have several classes, a bulk adds one; given twice, it takes it away. */
async function addClass(some, class_id) {
  const before = (id) => studio.mine(id)?.classes ?? [];
  const isThere = some.every((id) => before(id).includes(class_id));
  const written = await studio.answer(some.map((photograph) => ({
    photograph,
    kind: 'label',
    classes: isThere
      ? before(photograph).filter((one) => one !== class_id)
      : [...new Set([...before(photograph), class_id])],
  })), some.length > 1 ? 'bulk' : 'key');
  const name = studio.className(class_id);
  if (written) done(written.now.length, isThere ? `without ${name}` : `with ${name}`);
}

function done(number, text) {
  say(`${photographs(number)}: ${text}. z takes it back`);
  selected.clear();
  drawSelection();
}

export function key(event) {
  const { key: name, shiftKey } = event;
  const { columns } = parts.layout;
  const page = Math.max(1, Math.floor(parts.field.clientHeight / parts.layout.row)) * columns;
  const steps = {
    ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page,
    PageDown: page, Home: -ids.length, End: ids.length,
  };
  if (name in steps) go(steps[name], shiftKey);
  else if (name === 'a' && (event.ctrlKey || event.metaKey)) selectAll();
  else if (name === ' ' && ids.length) {
    toggle(active);
    drawSelection();
  } else if (name === 'Enter') open();
  else if (name === 'Escape') selectNone();
  else if (name === 'u') answer('unsure');
  else if (name === 'Delete' || name === 'Backspace') answer('clear');
  else {
    const class_id = parts.buttons.of(name);
    if (class_id === undefined || event.repeat) return false;
    answer('label', [class_id]);
  }
  return true;
}

function go(step, isRange) {
  if (!ids.length) return;
  if (!isRange) anchor = Math.min(ids.length - 1, Math.max(0, active + step));
  active = Math.min(ids.length - 1, Math.max(0, active + step));
  if (isRange) range(anchor, active);
  const { columns, row } = parts.layout;
  const y = Math.floor(active / columns) * row;
  const { field } = parts;
  if (y < field.scrollTop) field.scrollTop = y;
  else if (y + row > field.scrollTop + field.clientHeight) {
    field.scrollTop = y + row - field.clientHeight;
  }
  top = field.scrollTop;
  field.focus({ preventScroll: true });
  draw();
}

export function changed() {
  if (!parts) return;
  if (parts.buttons.draw()) drawSelection();
  if (chosen || filter === 'all' || filter === 'test') {
    for (const tile of parts.shown.values()) describe(tile);
    drawSelection();
  } else refilter();
}
