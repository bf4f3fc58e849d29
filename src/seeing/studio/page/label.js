// One photograph at a time: a key for each class, and the next one comes by itself.

import { get } from './api.js';
import { button, count, h, percent, say } from './dom.js';
import { ClassButtons, multi, newClass } from './panel.js';
import * as studio from './state.js';

const { events, state } = studio;
const LENGTH = 200; // photographs of a queue that are asked for at a time

const QUEUES = {
  mixed: 'All kinds, test set too',
  order: 'By name',
  diverse: 'As different as possible',
  uncertain: 'Model is unsure',
  disagreeing: 'Models disagree',
  mislabeled: 'Likely mislabeled',
  duplicates: 'Alike, labeled differently',
  test: 'Locked test set (blind)',
  disputed: 'Labelers differ',
  second: 'Second opinion',
};
const REVIEWS = new Set(['mislabeled', 'duplicates', 'disputed', 'second', 'chosen']);
const EMPTY = {
  mixed: 'Everything is answered. Look at the other queues, or at the model.',
  order: 'Everything is answered.',
  uncertain: 'Nothing left that the model was asked about.',
  test: 'The test set is labeled. Its accuracy is as exact as this folder allows.',
  mislabeled: 'No label is in doubt, or all were looked at since the last training.',
  duplicates: 'No two photographs look the same and have different labels.',
  disputed: 'Labelers agree.',
  second: 'Nothing that others have labeled and you have not.',
};

let queue = 'mixed';
let list = []; // ids
let at = 0;
let notes = new Map(); // why a photograph is in the queue
let guesses = new Map();
let version = null;
let ticked = null; // of a photograph that may have several classes: what is chosen so far
let parts = null; // of the view
let asked = new Set(); // of which photographs the model was asked, besides those of the queue
let asking = 0; // counts what was asked, so that a late answer is left aside
let problem = '';

export function enter(main) {
  const image = h('img', { id: 'photograph', alt: '', decoding: 'async' });
  const missing = h('p', { className: 'empty', hidden: true });
  image.addEventListener('error', () => {
    image.hidden = true;
    missing.hidden = false;
    missing.textContent = 'This photograph cannot be shown: its file is gone or has changed. Scan ' +
      'the folder again (Project), or skip it.';
  });
  image.addEventListener('load', () => {
    image.hidden = false;
    missing.hidden = true;
  });
  const buttons = new ClassButtons(choose);
  const select = h('select', { id: 'queue', on: { change: () => open(select.value) } },
    Object.entries(QUEUES).map(([value, text]) => h('option', { value }, text)),
    queue === 'chosen' ? h('option', { value: 'chosen' }, 'Chosen in the grid') : '');
  parts = {
    image, missing, buttons, select,
    note: h('p', { className: 'note' }),
    caption: h('p', { className: 'caption' }),
    position: h('span', { className: 'faint', id: 'position' }),
    unsure: button([h('kbd', {}, 'u'), 'Unsure'], () => say_('unsure')),
    skip: button([h('kbd', {}, 's'), 'Skip'], () => say_('skip')),
    accept: button([h('kbd', {}, '⏎'), h('span', {}, 'Save')], accept, { className: 'main' }),
    stage: h('div', { className: 'stage' }, image, missing),
  };
  const suggests = h('input', {
    type: 'checkbox', id: 'suggests', checked: state.suggests,
    on: { change: () => studio.setSuggests(suggests.checked) },
  });
  parts.panel = h('div', { className: 'panel' },
    parts.note, buttons.element, newClass(),
    h('div', { className: 'row answers' }, parts.accept, parts.unsure, parts.skip,
      button([h('kbd', {}, 'z'), 'Undo'], () => events.dispatchEvent(new Event('undo')))),
    h('div', { className: 'row' },
      button('←', () => move(-1), { 'aria-label': 'The one before' }),
      button('→', () => move(1), { 'aria-label': 'The next one' }),
      parts.position),
    h('p', { className: 'row' }, suggests,
      h('label', { htmlFor: 'suggests' }, 'Show what the model suggests')),
  );
  main.append(h('div', { className: 'label-view' },
    h('div', { className: 'row queue' }, h('label', { htmlFor: 'queue' }, 'Queue'), select),
    h('figure', {}, parts.stage, parts.caption),
    parts.panel));
  select.value = queue;
  if (list.length) draw();
  else open(queue);
}

export function leave() {
  parts = null;
}

/** Show photographs that were chosen elsewhere, from one of them on. */
export function look(ids, id) {
  queue = 'chosen';
  list = [...ids];
  at = Math.max(0, list.indexOf(id));
  notes = new Map();
  forgetGuesses();
  ticked = null;
  location.hash = '#label';
}

function forgetGuesses() {
  guesses = new Map();
  asked = new Set();
}

/** Ask the model about the next photographs of a queue that comes without suggestions. */
async function askModel() {
  const some = list.slice(at, at + 60).filter((id) => !asked.has(id) && state.place.has(id));
  for (const id of some) asked.add(id);
  const number = asking;
  try {
    const found = await get(`/api/suggestions?photograph=${some.join('&photograph=')}`);
    if (number !== asking) return;
    take(found);
  } catch {
    return; // labels do without
  }
  if (parts && state.place.has(current())) drawAnswers(current());
}

const answered = (id) => studio.together(id).kind !== null;

async function open(name) {
  queue = name;
  const number = ++asking;
  problem = '';
  notes = new Map();
  forgetGuesses();
  let found = [];
  try {
    found = await fetched(name);
  } catch (error) {
    problem = error.message;
  }
  if (number !== asking) return;
  list = found;
  at = 0;
  ticked = null;
  draw();
}

async function fetched(name) {
  const ask = (one) => get(`/api/queues/${one}?limit=${LENGTH}` +
    (one === 'second' || one === 'random' ? `&labeler=${state.me.id}` : ''));
  if (name === 'order') {
    return state.columns.ids.filter((id, i) => state.columns.parts[i] !== 2 && !answered(id))
      .slice(0, LENGTH);
  }
  if (name === 'duplicates') {
    const pairs = await get(`/api/duplicates?limit=${LENGTH}`);
    for (const { first, second } of pairs) {
      notes.set(first, `Looks like ${studio.path(second)}, which is labeled otherwise.`);
      notes.set(second, `Looks like ${studio.path(first)}, which is labeled otherwise.`);
    }
    return [...new Set(pairs.flatMap(({ first, second }) => [first, second]))];
  }
  if (name === 'mixed') {
    const [others, test] = await Promise.all([ask('random'), ask('test')]);
    take(others);
    return mixed(others.items.map((one) => one.photograph), test.items.map((one) => one.photograph));
  }
  const found = await ask(name);
  take(found);
  const why = {
    uncertain: (score) => `The two most probable classes differ by ${percent(score, 0)}.`,
    mislabeled: (score) =>
      `Models that have not met it give its label ${percent(score, 0)}. Right or wrong?`,
    disputed: () => 'Labelers differ. Your answer decides.',
    second: () => 'Labeled by somebody else; what they said is not shown.',
  }[name];
  if (why) for (const one of found.items) notes.set(one.photograph, why(one.score));
  return found.items.map((one) => one.photograph);
}

function take(found) {
  version = found.version;
  for (const [id, some] of Object.entries(found.suggestions)) guesses.set(Number(id), some);
}

/** Two orders in one, each as dense as its share says. */
function mixed(others, test) {
  const every = Math.max(1, Math.round(1 / state.project.test_share) - 1);
  const found = [];
  const left = [...test];
  others.forEach((id, i) => {
    found.push(id);
    if ((i + 1) % every === 0 && left.length) found.push(left.shift());
  });
  return [...found, ...left];
}

const current = () => list[at];

function draw() {
  if (!parts) return;
  const id = current();
  const { image, missing, buttons } = parts;
  parts.select.value = queue;
  buttons.draw();
  const isThere = id !== undefined && state.place.has(id);
  parts.panel.classList.toggle('idle', !isThere);
  for (const one of [parts.unsure, parts.skip, parts.accept, ...buttons.buttons.values()]) {
    one.disabled = !isThere;
  }
  if (!isThere) {
    parts.accept.hidden = true;
    image.hidden = true;
    missing.hidden = false;
    missing.textContent = problem || (EMPTY[queue] ?? 'Nothing left in this queue.');
    parts.caption.textContent = parts.note.textContent = parts.position.textContent = '';
    image.removeAttribute('src');
    image.alt = '';
    buttons.mark([]);
    return;
  }
  const pixels = Math.max(parts.stage.clientWidth, parts.stage.clientHeight, 256);
  const address = studio.image(id, pixels);
  if (image.getAttribute('src') !== address) {
    image.src = address;
    image.alt = `Photograph ${studio.path(id)}`;
    const i = state.place.get(id);
    image.width = state.columns.widths[i];
    image.height = state.columns.heights[i];
  }
  for (const next of list.slice(at + 1, at + 3)) {
    if (state.place.has(next)) new Image().src = studio.image(next, pixels);
  }
  drawAnswers(id);
  const isWithout = ['chosen', 'order', 'duplicates', 'disputed'].includes(queue);
  if (isWithout && state.suggests && state.model.version !== null && !asked.has(id)) askModel();
}

function drawAnswers(id) {
  const own = studio.mine(id);
  const some = suggested(id);
  const said = multi() ? (ticked ?? own?.classes ?? []) : (own?.classes ?? []);
  parts.buttons.mark(said, some);
  parts.unsure.setAttribute('aria-pressed', own?.kind === 'unsure');
  parts.skip.setAttribute('aria-pressed', own?.kind === 'skip');
  // Its place stays, or the buttons below it would move under the finger.
  parts.accept.hidden = !multi() && !(state.suggests && state.model.version !== null);
  parts.accept.classList.toggle('unseen', !multi() && !some.length);
  parts.accept.querySelector('span').textContent = multi()
    ? (said.length ? 'Save' : 'None of these')
    : some.length ? `${studio.className(some[0].class_id)}, as suggested` : '';
  parts.position.textContent = `${count(at + 1)} of ${count(list.length)}`;
  parts.caption.replaceChildren(
    studio.path(id),
    studio.isTest(id) ? h('span', { className: 'badge' }, 'test set, blind') : '',
    own ? h('span', { className: 'badge' }, `you: ${studio.words(own)}`) : '',
    ...others(id, own),
  );
  const isNone = studio.liveClasses().length === 0;
  parts.note.textContent = isNone
    ? 'Name your first classes below, “none of these” among them if you need it. Each gets a ' +
      'key; then press keys to label.'
    : (notes.get(id) ?? '');
}

/** What others say: not before I have answered, where my opinion is asked for as a second one. */
function others(id, own) {
  if (queue === 'second' && !own) return [];
  return [...(state.said.get(id)?.values() ?? [])]
    .filter((one) => one.labeler !== state.me.id)
    .map((one) => h('span', { className: 'badge' },
      `${studio.labelerName(one.labeler)}: ${studio.words(one)}`));
}

/** What the model suggests of a photograph, if that is to be shown; never of the test set. */
function suggested(id) {
  if (!state.suggests || studio.isTest(id) || queue === 'second') return [];
  return guesses.get(id) ?? [];
}

function choose(class_id) {
  const id = current();
  if (id === undefined) return;
  if (!multi()) {
    say_('label', [class_id]);
    return;
  }
  const before = ticked ?? studio.mine(id)?.classes ?? [];
  ticked = before.includes(class_id)
    ? before.filter((one) => one !== class_id)
    : [...before, class_id];
  drawAnswers(id);
}

function accept() {
  const id = current();
  if (id === undefined) return;
  if (multi()) say_('label', ticked ?? studio.mine(id)?.classes ?? []);
  else if (suggested(id).length) say_('label', [suggested(id)[0].class_id]);
}

function say_(kind, classes = []) {
  const id = current();
  if (id === undefined || !state.place.has(id)) return;
  const some = suggested(id);
  const shown = some.length ? { shown_by: version, shown: [some[0].class_id] } : {};
  const decides = queue === 'disputed' && kind !== 'skip';
  ticked = null;
  if (at < list.length - 1) at += 1;
  else at = list.length;
  while (!REVIEWS.has(queue) && at < list.length && answered(list[at])) at += 1;
  studio.answer([{ photograph: id, kind, classes, decides, ...shown }]);
  say(`${kind === 'label' ? studio.words({ kind, classes }) : studio.words({ kind })}: ` +
    studio.path(id));
  if (at >= list.length && queue !== 'chosen') events.addEventListener('saving', refill);
  draw();
}

/** Ask for more once all is saved: what was answered is then no more in the queue. */
function refill() {
  if (state.waiting.length) return;
  events.removeEventListener('saving', refill);
  if (at >= list.length && queue !== 'chosen') open(queue);
}

function move(step) {
  if (!list.length) return;
  at = Math.min(list.length - 1, Math.max(0, at + step));
  ticked = null;
  draw();
}

export function key(event) {
  const { key: name } = event;
  if (name === 'ArrowLeft') move(-1);
  else if (name === 'ArrowRight') move(1);
  else if (name === 'u') say_('unsure');
  else if (name === 's') say_('skip');
  else if (name === 'Enter') accept();
  else if (name === ' ' && multi() && current() !== undefined) {
    ticked = suggested(current()).filter((one) => one.probability >= 0.5).map((one) => one.class_id);
    drawAnswers(current());
  } else if (name === '+') parts.panel.querySelector('.new-class input').focus();
  else {
    const class_id = parts.buttons.of(name);
    if (class_id === undefined || event.repeat) return false;
    choose(class_id);
  }
  return true;
}

export function undone(ids) {
  const [id] = ids;
  const where = list.indexOf(id);
  if (where >= 0) at = where;
  else if (state.place.has(id)) list.splice(at, 0, id);
  ticked = null;
  draw();
}

export function changed() {
  if (!parts) return;
  parts.buttons.draw();
  if (current() === undefined) return;
  drawAnswers(current());
  for (const one of parts.buttons.buttons.values()) one.disabled = false;
}

/** A new model: what follows the photograph that is shown is chosen by it. */
export async function ended(work) {
  if (work.state !== 'done' || !parts) return;
  if (current() === undefined || (work.kind === 'training' && queue !== 'chosen')) await open(queue);
}
