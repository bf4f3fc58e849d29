// The page: its views, its keys, and the line that says where the labeler is.

import { call } from './api.js';
import * as clusters from './clusters.js';
import { ask, button, count, h, percent, say } from './dom.js';
import * as grid from './grid.js';
import * as label from './label.js';
import * as model from './model.js';
import * as project from './project.js';
import * as studio from './state.js';

const { events, state } = studio;
const views = { label, grid, clusters, model, project };
const main = document.getElementById('main');
let shown = null;

function show() {
  const name = location.hash.slice(1).split('/')[0];
  const view = views[name] ?? label;
  shown?.leave?.();
  shown = view;
  for (const link of document.querySelectorAll('nav a')) {
    if (views[link.hash.slice(1)] === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.body.dataset.view = Object.keys(views).find((key) => views[key] === view);
  main.replaceChildren();
  view.enter(main);
}

function drawStanding() {
  let done = 0;
  for (const id of state.columns.ids) if (studio.together(id).kind) done += 1;
  const { model: found } = state;
  const all = state.columns.ids.length;
  document.getElementById('counts').replaceChildren(
    h('strong', {}, count(done)), ` of ${count(all)} answered · test set `,
    h('strong', {}, count(found.test_labeled)), ` of ${count(found.test_photographs)} labeled`,
    state.isAway
      ? h('span', { className: 'bad' }, ' · the studio does not answer; trying again')
      : state.waiting.length
        ? h('span', { id: 'saving' }, ` · saving ${state.waiting.length}`)
        : '',
  );
  const place = document.getElementById('accuracy');
  if (found.version === null) place.textContent = 'No model yet';
  else if (!found.accuracy) {
    place.textContent = 'Test accuracy not known: label some of the test set';
  } else {
    const { value, low, high } = found.accuracy;
    place.replaceChildren(
      'Test accuracy ', h('strong', {}, percent(value)),
      ` (95 % interval ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}\u00a0%)`,
      ` · majority baseline ${percent(found.baseline)}`,
    );
  }
}

function drawWork() {
  const place = document.getElementById('work');
  const { work } = state;
  place.hidden = work.state !== 'running';
  if (place.hidden) return;
  const known = work.total > 0;
  const text = known ? `${work.doing}: ${count(work.done)} of ${count(work.total)}` : work.doing;
  if (!place.firstChild) {
    place.append(
      h('label', { htmlFor: 'progress' }), h('progress', { id: 'progress' }),
      button('Cancel', () => call('DELETE', '/api/work').catch((error) => say(error.message, true)),
        { className: 'quiet' }),
    );
  }
  place.querySelector('label').textContent = text;
  const bar = place.querySelector('progress');
  if (known) {
    bar.max = work.total;
    bar.value = work.done;
  } else bar.removeAttribute('value');
}

function ended(work) {
  if (work.state === 'failed') say(`It did not work: ${work.doing}`, true);
  else if (work.state === 'canceled') say('Canceled. What was done until then is kept.');
  else if (work.state === 'done' && work.kind !== 'features') say(`Done: ${work.doing}`);
}

async function askName() {
  const input = h('input', {
    id: 'labeler', value: state.me?.name ?? '', maxLength: 200, autocomplete: 'name', required: true,
  });
  const content = [
    h('p', {}, 'Each answer is kept with the name of who gave it.'),
    h('label', { htmlFor: 'labeler' }, 'Your name'), input,
  ];
  const choices = [{ text: 'That is me', value: 'yes', kind: 'main' }];
  for (;;) {
    const chosen = await ask('Who labels?', content, choices);
    if (!input.value.trim() && state.me) return;
    if (chosen === null && state.me) return;
    try {
      await studio.become(input.value);
      return;
    } catch (error) {
      say(error.message, true);
    }
  }
}

const KEYS = [
  ['1, 2, a …', 'the class with that key: of the photograph, or of all that are selected'],
  ['Enter', 'take what the model suggests; with several classes: save, none included'],
  ['u', 'unsure'],
  ['s', 'skip'],
  ['z', 'take back what you did last, again and again'],
  ['← →', 'the photograph before and after'],
  ['+', 'a new class; Escape leaves its field'],
  ['Space', 'in the grid: select; with several classes: tick what the model suggests'],
  ['Shift + arrow', 'in the grid: select a range'],
  ['Ctrl + a, Escape', 'in the grid: select all, none'],
  ['Delete', 'in the grid: clear your answers'],
];

function showKeys() {
  const rows = KEYS.map(([key, text]) => h('tr', {}, h('th', { scope: 'row' }, key), h('td', {}, text)));
  ask('Keys', h('table', {}, h('tbody', {}, rows)), [{ text: 'Close', value: '', kind: 'main' }]);
}

const LISTED = 12; // answers of others that are shown one by one

/** Others have answered since I last saw it: mine is saved once I have seen what they say. */
async function conflicted({ answers, error }) {
  const { others, last_event: seen } = error.body;
  const mine = new Map(answers.map((one) => [one.photograph, one]));
  const isSame = (one) => studio.words(one) === studio.words(mine.get(one.photograph));
  if (!others.every(isSame)) {
    const list = others.slice(0, LISTED).map((one) => h('li', {},
      `${studio.labelerName(one.labeler)}: ${studio.words(one)}. ` +
      `You: ${studio.words(mine.get(one.photograph))}`,
      h('span', { className: 'faint' }, ` – ${studio.path(one.photograph)}`)));
    if (others.length > LISTED) list.push(h('li', {}, `${count(others.length - LISTED)} more`));
    const content = [
      h('p', {}, `${answers.length === 1 ? 'Your answer is' : 'Your answers are'} not saved yet: ` +
        'others have answered since you last looked.'),
      h('ul', {}, list),
      h('p', {}, 'If both are kept, the queue “Labelers differ” shows them.'),
    ];
    const chosen = await ask('Somebody else has answered meanwhile', content, [
      { text: 'Keep both answers', value: 'both', kind: 'main' },
      { text: 'Leave mine out', value: 'theirs' },
    ]);
    if (chosen !== 'both') return;
  }
  await studio.answer(answers.map((one) => ({ ...one, seen })), answers.length > 1 ? 'bulk' : 'key');
}

addEventListener('keydown', (event) => {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
    if (!(event.ctrlKey || event.metaKey) || key !== 'a' || shown !== grid) return;
  }
  if (document.querySelector('dialog[open]')) return;
  const field = target.closest?.('input, select, textarea');
  if (field && (field.type !== 'checkbox' || key === ' ')) return; // no other key is a checkbox's
  if (target.closest?.('button, a, summary') && (key === 'Enter' || key === ' ')) return;
  if (key === '?') {
    event.preventDefault();
    showKeys();
  } else if (key === 'z') {
    event.preventDefault();
    takeBack();
  } else if (shown.key?.(event)) event.preventDefault();
});

// Who chose with a pointer goes on with the page's keys, which the select would take for itself.
let pressed = null;
addEventListener('pointerdown', ({ target }) => (pressed = target.closest?.('select') ?? null), true);
addEventListener('keydown', () => (pressed = null), true);
addEventListener('change', ({ target }) => {
  if (target === pressed) target.blur();
});

async function takeBack() {
  const written = await studio.undo();
  if (!written) return;
  say(written.now.length === 1 ? `Taken back: ${studio.path(written.now[0].photograph) ?? ''}`
    : `Taken back: ${count(written.now.length)} answers`);
  shown.undone?.(written.now.map((one) => one.photograph));
}

async function start() {
  try {
    await studio.load();
  } catch (error) {
    main.replaceChildren(h('p', { className: 'empty' }, error.message));
    return;
  }
  document.title = `${state.project.name} – the studio`;
  const name = document.getElementById('name');
  name.textContent = state.project.name;
  name.title = state.project.folder;
  document.getElementById('keys').addEventListener('click', showKeys);
  const who = document.getElementById('who');
  who.addEventListener('click', askName);
  const drawWho = () => {
    who.textContent = state.me?.name ?? 'Who are you?';
    who.setAttribute('aria-label', `Labeler: ${state.me?.name ?? 'nobody yet'}. Change`);
  };
  if (!state.me) await askName();
  drawWho();
  events.addEventListener('changed', () => {
    drawWho();
    drawStanding();
    shown?.changed?.();
  });
  events.addEventListener('saving', drawStanding);
  events.addEventListener('work', () => {
    drawStanding();
    drawWork();
    shown?.worked?.();
  });
  events.addEventListener('ended', ({ detail }) => {
    ended(detail);
    if (detail.kind === 'scan' && detail.state === 'done') {
      studio.loadPhotographs().then(() => studio.sync(true)).then(show);
    } else shown?.ended?.(detail);
  });
  let asked = Promise.resolve(); // one question after the other
  events.addEventListener('conflict', ({ detail }) => {
    asked = asked.then(() => conflicted(detail));
  });
  events.addEventListener('undo', takeBack);
  addEventListener('hashchange', show);
  document.getElementById('past').addEventListener('click', (event) => {
    event.preventDefault(); // the address names the view
    main.focus();
  });
  drawStanding();
  drawWork();
  show();
  document.body.dataset.ready = '';
  studio.follow();
}

start();
