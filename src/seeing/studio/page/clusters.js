// Photographs that nobody has labeled yet, sorted by what they look like: a start without labels.

import { get } from './api.js';
import { button, h, photographs, say } from './dom.js';
import * as grid from './grid.js';
import { ClassButtons, multi, newClass } from './panel.js';
import * as studio from './state.js';


const SIDE = 110;
const SHOWN = 14;

let clusters = null;
let problem = '';
let place = null;
let panels = [];

/** So many that each holds some photographs. */
function usual() {
  const waiting = studio.state.columns.ids.filter((id) => studio.together(id).kind === null);
  return Math.min(20, Math.max(2, Math.round(waiting.length / 10)));
}

export function enter(main) {
  const number = h('input', {
    type: 'number', id: 'clusters-count', min: 1, max: 200, value: usual(), inputMode: 'numeric',
  });
  place = h('div', { className: 'clusters' });
  main.append(h('div', { className: 'page' },
    h('h2', {}, 'Clusters'),
    h('p', {}, 'Photographs that nobody has answered, those that look alike together. Where a ' +
      'cluster shows one thing, label it at once; where it does not, open it in the grid. ' +
      'The locked test set is left out.'),
    h('div', { className: 'row' },
      h('label', { htmlFor: 'clusters-count' }, 'How many'), number,
      button('Sort them', () => load(number.valueAsNumber || usual()), { className: 'main' }),
      newClass()),
    place));
  if (clusters) draw();
  else load(usual());
}

export function leave() {
  place = null;
  panels = [];
}

async function load(number) {
  problem = '';
  place?.replaceChildren(h('p', { className: 'empty' }, 'Sorting …'));
  try {
    clusters = await get(`/api/clusters?count=${number}`);
  } catch (error) {
    clusters = null;
    problem = error.message;
  }
  draw();
}

function draw() {
  if (!place) return;
  panels = [];
  if (!clusters?.length) {
    place.replaceChildren(h('p', { className: 'empty' },
      problem || 'Nothing waits: every photograph outside the test set is answered.'));
    return;
  }
  place.replaceChildren(...clusters.map((one, i) => section(one.members, i)));
}

function section(members, i) {
  const heading = h('h3', {}, `Cluster ${i + 1}: ${photographs(members.length)}`);
  const strip = h('div', { className: 'strip' }, members.slice(0, SHOWN).map((id) =>
    h('img', {
      src: studio.image(id, SIDE), alt: studio.path(id), loading: 'lazy', width: SIDE, height: SIDE,
    })));
  const buttons = new ClassButtons((class_id) => label(made, members, class_id));
  const made = h('section', { className: 'cluster' }, heading, strip,
    h('div', { className: 'row' }, buttons.element,
      button('Open in the grid', () => grid.look(members), { className: 'quiet' })));
  panels.push({ buttons, made, members });
  drawDone({ made, members });
  return made;
}

async function label(made, members, class_id) {
  const open = members.filter((id) => studio.together(id).kind === null);
  if (!open.length) {
    say('All of them are answered already; open them in the grid to change that');
    return;
  }
  const written = await studio.answer(open.map((photograph) => ({
    photograph,
    kind: 'label',
    classes: multi() ? [...new Set([...(studio.mine(photograph)?.classes ?? []), class_id])]
      : [class_id],
  })), 'bulk');
  if (written) {
    say(`${photographs(open.length)}: ${studio.className(class_id)}. z takes it back`);
  }
}

function drawDone({ made, members }) {
  const left = members.filter((id) => studio.together(id).kind === null).length;
  made.classList.toggle('done', left === 0);
}

export function changed() {
  if (!place) return;
  for (const one of panels) {
    one.buttons.draw();
    drawDone(one);
  }
}

export function ended(work) {
  if (work.state === 'done' && place && !clusters) load(usual());
}

export const key = () => false;
