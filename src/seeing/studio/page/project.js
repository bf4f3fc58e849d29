// Classes, the test set, files in and out, and the log.

import { call, get, post } from './api.js';
import { ask, button, count, h, percent, say } from './dom.js';
import { newClass } from './panel.js';
import * as studio from './state.js';

const { state } = studio;
let parts = null;

export function enter(main) {
  parts = {
    classes: h('div'), test: h('div'), skipped: h('div'), log: h('div'), copied: h('p'),
    imported: h('div'),
  };
  const each = h('input', { type: 'checkbox', id: 'each' });
  const byPart = h('input', { type: 'checkbox', id: 'by-part' });
  const download = (form, text) => button(text, () => {
    const link = h('a', { href: `/api/export/${form}?each=${each.checked}`, download: '' });
    link.click();
  });
  main.append(h('div', { className: 'page' },
    h('h2', {}, 'Classes'), parts.classes, newClass(),
    h('h2', {}, 'Locked test set'), parts.test,
    h('h2', {}, 'Export'),
    h('p', { className: 'row' }, each, h('label', { htmlFor: 'each' },
      'What each labeler says, instead of what all agree on')),
    h('div', { className: 'row' }, download('csv', 'CSV'), download('coco', 'COCO JSON'),
      download('label-studio', 'Label Studio JSON')),
    h('p', { className: 'row' }, byPart, h('label', { htmlFor: 'by-part' },
      'With folders train and test above the classes')),
    h('div', { className: 'row' }, button('Copy photographs into class folders',
      () => copy(byPart.checked))), parts.copied,
    h('h2', {}, 'Import'), importing(), parts.imported,
    h('h2', {}, 'Photographs'),
    h('p', {}, `${state.project.folder}: read where they are, never changed, moved or sent.`),
    h('div', { className: 'row' }, button('Scan the folder again', () => begin('scan'))),
    parts.skipped,
    h('h2', {}, 'Log'), rollingBack(), parts.log));
  changed();
  drawSkipped();
}

export function leave() {
  parts = null;
}

export const key = () => false;

async function tried(work, done) {
  try {
    const found = await work();
    if (done) done(found);
    return found;
  } catch (error) {
    say(error.message, true);
    return null;
  }
}

const begin = (kind) => tried(() => post('/api/work', { kind }), studio.soon);

export function changed() {
  if (!parts) return;
  drawClasses();
  const { model } = state;
  parts.test.replaceChildren(
    h('p', {}, `${count(model.test_photographs)} photographs ` +
      `(${percent(state.project.test_share, 0)} of the folder, near-duplicates together) were ` +
      'drawn at random before anything was labeled. They are labeled without suggestions and ' +
      'never trained on. ', `${count(model.test_labeled)} are labeled`,
    model.test_disputed ? `, on ${count(model.test_disputed)} labelers differ.` : '.'),
    h('ul', {}, Object.entries(model.test_counts).map(([id, n]) =>
      h('li', {}, `${studio.className(Number(id))}: ${count(n)}`))));
  drawLog();
}

function drawClasses() {
  const classes = studio.liveClasses();
  const key_ = JSON.stringify(classes);
  if (parts.classes.dataset.key === key_) return;
  parts.classes.dataset.key = key_;
  if (!classes.length) {
    parts.classes.replaceChildren(h('p', { className: 'empty' }, 'None yet.'));
    return;
  }
  parts.classes.replaceChildren(h('div', {
    className: 'scrolling', tabIndex: 0, role: 'region', 'aria-label': 'Classes',
  }, h('table', {},
    h('thead', {}, h('tr', {}, ['Class', 'Key', ''].map((text) =>
      text ? h('th', { scope: 'col' }, text) : h('td')))),
    h('tbody', {}, classes.map((one) => h('tr', {},
      h('th', { scope: 'row' }, one.name), h('td', {}, one.key ? h('kbd', {}, one.key) : '–'),
      h('td', {}, h('div', { className: 'row' },
        button('Rename', () => rename(one), { 'aria-label': `Rename ${one.name}` }),
        button('Key', () => rekey(one), { 'aria-label': `Change the key of ${one.name}` }),
        classes.length > 1 ? button('Merge', () => merge(one),
          { 'aria-label': `Merge ${one.name} into another class` }) : ''))))))));
}

function field(id, text, value, options = {}) {
  const input = h('input', { id, value, autocomplete: 'off', ...options });
  return [input, [h('label', { htmlFor: id }, text), input]];
}

async function rename(one) {
  const [input, content] = field('new-name', 'New name', one.name, { maxLength: 200 });
  const chosen = await ask(`Rename ${one.name}`, content,
    [{ text: 'Rename', value: 'yes', kind: 'main' }, { text: 'Leave it', value: '' }]);
  if (chosen) tried(() => studio.change('PATCH', `/api/classes/${one.id}`, { name: input.value }));
}

async function rekey(one) {
  const [input, content] = field('new-key', 'One letter, digit or sign; empty for none',
    one.key ?? '', { maxLength: 1 });
  const chosen = await ask(`Key of ${one.name}`, content,
    [{ text: 'Set the key', value: 'yes', kind: 'main' }, { text: 'Leave it', value: '' }]);
  if (chosen) tried(() => studio.change('PATCH', `/api/classes/${one.id}`, { key: input.value }));
}

async function merge(one) {
  const select = h('select', { id: 'into' }, studio.liveClasses()
    .filter((other) => other.id !== one.id)
    .map((other) => h('option', { value: other.id }, other.name)));
  const content = [
    h('p', {}, `What is labeled ${one.name} counts as the other class from then on. The log keeps ` +
      'what was said; merging itself is not taken back by undo.'),
    h('label', { htmlFor: 'into' }, 'Merge into'), select,
  ];
  const chosen = await ask(`Merge ${one.name}`, content,
    [{ text: 'Merge', value: 'yes', kind: 'main' }, { text: 'Leave it', value: '' }]);
  if (!chosen) return;
  await tried(() => studio.change('POST', `/api/classes/${one.id}/merge`,
    { into: Number(select.value) }), () => say(`${one.name} was merged`));
}

async function copy(byPart) {
  parts.copied.textContent = 'Copying …';
  const found = await tried(() => post(`/api/export/folders?by_part=${byPart}`));
  if (!parts) return;
  parts.copied.textContent = found
    ? `${count(found.count)} photographs copied to ${found.folder}` +
      (found.left_out.length ? `; ${count(found.left_out.length)} left out, such as ` +
        found.left_out[0] : '')
    : '';
}

function importing() {
  const file = h('input', { type: 'file', id: 'file', accept: '.csv,.json' });
  const form = h('select', { id: 'form' },
    [['csv', 'CSV'], ['coco', 'COCO JSON'], ['label-studio', 'Label Studio JSON']].map(
      ([value, text]) => h('option', { value }, text)));
  const take = async () => {
    const [content] = file.files;
    if (!content) {
      say('Choose a file first', true);
      return;
    }
    const where = `/api/import/${form.value}?labeler=${state.me.id}&seen=${state.event}`;
    parts.imported.replaceChildren(h('p', {}, 'Taking it in …'));
    const found = await tried(() => call('POST', where, content, true));
    if (!parts) return;
    parts.imported.replaceChildren();
    if (!found) return;
    await studio.sync(true);
    const number = Object.values(found.labeled).reduce((sum, n) => sum + n, 0);
    parts.imported.replaceChildren(
      h('p', {}, `${count(number)} answers taken in` + (found.new_classes.length
        ? `; new classes: ${found.new_classes.join(', ')}` : '')),
      h('ul', {}, found.left_out.map((text) => h('li', {}, text))));
  };
  return h('div', { className: 'row' }, h('label', { htmlFor: 'file' }, 'File'), file,
    h('label', { htmlFor: 'form' }, 'Form'), form, button('Take it in', take));
}

function rollingBack() {
  const input = h('input', { type: 'number', id: 'event', min: 0, inputMode: 'numeric' });
  return h('div', { className: 'row' },
    h('label', { htmlFor: 'event' }, 'Put my labels back to what they were after event'), input,
    button('Put back', async () => {
      if (input.value === '') return;
      const chosen = await ask('Put your labels back?',
        h('p', {}, `All that you have said since event ${input.value} is taken back, by writing ` +
          'anew: the log keeps everything, and undo takes this back.'),
        [{ text: 'Put back', value: 'yes', kind: 'main' }, { text: 'Leave it', value: '' }]);
      if (!chosen) return;
      await tried(() => studio.change('POST', '/api/rollback', { to: input.valueAsNumber }),
        (found) => say(`${count(found.now.length)} photographs put back`));
    }));
}

async function drawSkipped() {
  const found = await tried(() => get('/api/skipped'));
  if (!found || !parts) return;
  parts.skipped.replaceChildren(found.length
    ? h('details', {}, h('summary', {}, `${count(found.length)} files and folders left out`),
      h('ul', {}, found.map((one) => h('li', {}, `${one.path}: ${one.reason}`))))
    : h('p', { className: 'faint' }, 'No file was left out.'));
}

async function drawLog() {
  if (parts.log.dataset.key === String(state.event)) return;
  parts.log.dataset.key = String(state.event);
  const after = Math.max(0, state.event - 100);
  const lines = await tried(() => get(`/api/log?after=${after}&limit=100`));
  if (!lines || !parts) return;
  const text = (one) => {
    if (one.change) {
      const name = studio.className(one.class_id);
      return {
        create: `made class ${one.name}`, rename: `renamed a class to ${one.name}`,
        key: `key ${one.key ?? 'none'} for ${name}`, merge: `merged a class into ${name}`,
      }[one.change];
    }
    const shown = one.shown_by === null ? ''
      : ` (version ${one.shown_by} had suggested ${one.shown.map(studio.className).join(', ')})`;
    const where = state.place.has(one.photograph) ? studio.path(one.photograph) : 'gone photograph';
    return `${studio.words(one)}: ${where}${shown}`;
  };
  parts.log.replaceChildren(h('div', {
    className: 'scrolling log', tabIndex: 0, role: 'region', 'aria-label': 'The last 100 events',
  }, h('table', {},
    h('thead', {}, h('tr', {}, ['Event', 'When', 'Who', 'How', 'What'].map((one) =>
      h('th', { scope: 'col' }, one)))),
    h('tbody', {}, lines.toReversed().map((one) => h('tr', {},
      h('td', {}, count(one.number)), h('td', {}, new Date(one.time).toLocaleString()),
      h('td', {}, studio.labelerName(one.labeler)), h('td', {}, one.how),
      h('td', {}, text(one))))))));
}
