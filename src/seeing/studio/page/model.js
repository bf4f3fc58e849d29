// Training, how well it does, its versions, and how far labelers agree.

import { get, post } from './api.js';
import { button, count, h, percent, say, shareText } from './dom.js';
import * as label from './label.js';
import * as studio from './state.js';

const { state } = studio;
let parts = null;
let pair = null; // of labelers, once somebody has chosen
let versionPair = [null, null];

export function enter(main) {
  parts = {
    train: button('Train', train, { className: 'main', id: 'train' }),
    why: h('p', { className: 'faint' }),
    report: h('div'),
    versions: h('div'),
    comparison: h('div'),
    agreement: h('div'),
  };
  main.append(h('div', { className: 'page' },
    h('h2', {}, 'Model'),
    h('div', { className: 'row' }, parts.train), parts.why,
    parts.report,
    h('h2', {}, 'Versions'), parts.versions, parts.comparison,
    h('h2', {}, 'Labelers'), parts.agreement));
  worked();
  draw();
}

export function leave() {
  parts = null;
}

async function train() {
  try {
    await post('/api/work', { kind: 'training' });
    studio.soon();
  } catch (error) {
    say(error.message, true);
  }
}

export function worked() {
  if (!parts) return;
  const isTraining = state.work.state === 'running' && state.work.kind !== 'features';
  parts.train.disabled = isTraining;
  parts.why.textContent = isTraining
    ? 'Training goes on while you label.'
    : 'Learns from all agreed labels outside the test set, then says what to label next.';
}

export function ended() {
  draw();
}

export function changed() {
  if (parts) drawAgreement();
}

export const key = () => false;

async function draw() {
  if (!parts) return;
  try {
    const [report, versions] = await Promise.all([get('/api/report'), get('/api/versions')]);
    if (!parts) return;
    drawReport(report);
    drawVersions(versions);
    drawAgreement();
  } catch (error) {
    say(error.message, true);
  }
}

function drawReport(report) {
  const { report: place } = parts;
  if (report.version === null) {
    place.replaceChildren(h('p', { className: 'empty' },
      'There is no model yet. Label some photographs of each class, then train.'));
    return;
  }
  if (!report.accuracy) {
    place.replaceChildren(
      h('p', {}, `Version ${report.version} is current. How well it does is not known: no ` +
        'photograph of the locked test set is labeled.'),
      h('p', {}, h('a', { href: '#label' }, 'Label some of it'),
        ' (queue “Locked test set”), without suggestions.'),
      mistakes(report));
    return;
  }
  const name = report.baseline_classes.map(studio.className).join(', ') || 'none of the classes';
  place.replaceChildren(
    h('p', { className: 'large' }, 'Accuracy on the locked test set: ',
      h('strong', {}, shareText(report.accuracy))),
    h('p', {}, `Majority baseline: ${percent(report.baseline)}, by always saying “${name}”. `,
      report.balanced_accuracy === null ? ''
        : `Balanced accuracy, the mean of the recalls: ${percent(report.balanced_accuracy)}.`),
    report.advice ? h('p', { className: 'note' }, report.advice) : '',
    recalls(report), confusion(report), mistakes(report));
}

function recalls(report) {
  const rows = report.recalls.map(({ class_id, recall }) => h('tr', {},
    h('th', { scope: 'row' }, studio.className(class_id)),
    h('td', {}, recall.count ? percent(recall.value) : '–'),
    h('td', {}, recall.count ? `${(100 * recall.low).toFixed(0)} to ${(100 * recall.high).toFixed(0)}\u00a0%`
      : '–'),
    h('td', {}, `${recall.hits} of ${recall.count}`)));
  return scrolling(h('table', {},
    h('caption', {}, 'Recall: how many of each class got its name'),
    h('thead', {}, h('tr', {}, ['Class', 'Recall', '95 % interval', 'Photographs'].map((text) =>
      h('th', { scope: 'col' }, text)))),
    h('tbody', {}, rows)));
}

function confusion(report) {
  const names = report.class_ids.map(studio.className);
  if (state.project.multi_label) {
    return scrolling(h('table', {},
      h('caption', {}, 'Confusion, class by class'),
      h('thead', {}, h('tr', {},
        ['Class', 'has it, said', 'has it, not said', 'lacks it, said', 'lacks it, not said'].map(
          (text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, report.confusion.map(([[tn, fp], [fn, tp]], k) => h('tr', {},
        h('th', { scope: 'row' }, names[k]), [tp, fn, fp, tn].map((n) => h('td', {}, String(n))))))));
  }
  return scrolling(h('table', { className: 'confusion' },
    h('caption', {}, 'Confusion: labels in rows, the model’s answers in columns'),
    h('thead', {}, h('tr', {}, h('td'), names.map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, report.confusion.map((row, i) => h('tr', {},
      h('th', { scope: 'row' }, names[i]),
      row.map((n, j) => h('td', { className: i === j ? 'right' : n ? 'wrong' : 'none' },
        String(n))))))));
}

const scrolling = (table) =>
  h('div', { className: 'scrolling', tabIndex: 0, role: 'region',
    'aria-label': table.caption.textContent }, table);

function mistakes(report) {
  if (!report.mistakes?.length) {
    return h('p', { className: 'faint' }, report.mistakes === null
      ? 'The surest mistakes are listed after a training.'
      : 'Outside the test set, models contradict no label that they have not met.');
  }
  const ids = report.mistakes.map((one) => one.photograph);
  return h('section', {},
    h('h3', {}, 'Surest mistakes'),
    h('p', { className: 'faint' }, 'Labels outside the test set that models contradict which have ' +
      'not met them, and how probable they find their answer. Some are the label’s mistake.'),
    h('div', { className: 'strip wrapping' }, report.mistakes.map((one) => button([
      h('img', { src: studio.image(one.photograph, 110), alt: studio.path(one.photograph),
        loading: 'lazy', width: 110, height: 110 }),
      h('span', {}, `${named(one.labeled)} – or ${named(one.said)}? ${percent(one.confidence, 0)}`),
    ], () => label.look(ids, one.photograph), { className: 'mistake' }))));
}

const named = (ids) => ids.map(studio.className).join(', ') || 'none';

function drawVersions(versions) {
  if (!versions.length) {
    parts.versions.replaceChildren(h('p', { className: 'empty' }, 'None yet.'));
    parts.comparison.replaceChildren();
    return;
  }
  const rows = versions.map((one) => h('tr', { className: one.current ? 'current' : '' },
    h('th', { scope: 'row' }, String(one.number), one.current
      ? h('span', { className: 'badge' }, 'current') : ''),
    h('td', {}, one.damaged ? 'damaged' : count(one.photographs)),
    h('td', {}, one.damaged ? '' : shareText(one.tested)),
    h('td', {}, one.damaged ? '' : `up to event ${count(one.last_event)}, ` +
      `${one.labels_sha256.slice(0, 8)}`),
    h('td', {}, one.time ? new Date(one.time).toLocaleString() : ''),
    h('td', {}, one.current || one.damaged ? ''
      : button('Make current', () => rollBack(one.number),
        { 'aria-label': `Make version ${one.number} the current one` }))));
  parts.versions.replaceChildren(scrolling(h('table', {},
    h('caption', {}, 'All versions; none is ever deleted. Labels: the last event of the log ' +
      'that a version knew, and the first digits of the labels’ hash'),
    h('thead', {}, h('tr', {},
      ['Version', 'Trained on', 'Test accuracy then', 'Labels', 'Made', ''].map((text) =>
        text ? h('th', { scope: 'col' }, text) : h('td')))),
    h('tbody', {}, rows))));
  drawComparison(versions.filter((one) => !one.damaged));
}

async function rollBack(number) {
  try {
    await post(`/api/versions/${number}/current`);
    await studio.sync();
    say(`Version ${number} is the current one`);
    draw();
  } catch (error) {
    say(error.message, true);
  }
}

function drawComparison(versions) {
  if (versions.length < 2) {
    parts.comparison.replaceChildren();
    return;
  }
  const numbers = versions.map((one) => one.number);
  versionPair = versionPair.map((one, i) => (numbers.includes(one) ? one : numbers[1 - i]));
  const result = h('p', { id: 'compared' });
  const selects = versionPair.map((number, i) => {
    const select = h('select', {
      'aria-label': i ? 'Second version' : 'First version',
      on: { change: () => { versionPair[i] = Number(select.value); } },
    }, numbers.map((one) => h('option', { value: one }, `version ${one}`)));
    select.value = number;
    return select;
  });
  const compare = async () => {
    try {
      const found = await get(`/api/comparison?first=${versionPair[0]}&second=${versionPair[1]}`);
      result.textContent = `Version ${found.first}: ${shareText(found.accuracy_first)}. ` +
        `Version ${found.second}: ${shareText(found.accuracy_second)}. Only the first is right on ` +
        `${found.only_first}, only the second on ${found.only_second} of ` +
        `${found.photographs} photographs (McNemar’s p = ${found.p.toFixed(3)}: how often two ` +
        'that are equally good would differ at least so much).';
    } catch (error) {
      say(error.message, true);
    }
  };
  parts.comparison.replaceChildren(
    h('div', { className: 'row' }, 'Compare', selects, button('Compare', compare)), result);
}

function drawAgreement() {
  const all = [...state.labelers];
  if (all.length < 2) {
    parts.agreement.replaceChildren(h('p', { className: 'faint' },
      'One labeler so far. When a second one answers (queue “Second opinion”), their agreement ' +
      'is shown here.'));
    return;
  }
  const numbers = all.map(([id]) => id);
  if (!pair?.every((one) => numbers.includes(one))) pair = null;
  const shown = [...(pair ?? mostInCommon() ?? numbers.slice(0, 2))];
  const key = JSON.stringify([all, shown, state.event]);
  if (parts.agreement.dataset.key === key) return;
  parts.agreement.dataset.key = key;
  const result = h('div');
  const selects = shown.map((number, i) => {
    const select = h('select', {
      'aria-label': i ? 'Second labeler' : 'First labeler',
      on: { change: () => { shown[i] = Number(select.value); pair = shown; compare(); } },
    }, all.map(([id, name]) => h('option', { value: id }, name)));
    select.value = number;
    return select;
  });
  const compare = async () => {
    try {
      const found = await get(`/api/agreement?first=${shown[0]}&second=${shown[1]}`);
      result.replaceChildren(h('p', {}, found.photographs
        ? `Both have labeled ${count(found.photographs)} photographs and say the same of ` +
          `${shareText(found.share)}. Cohen’s kappa: ${kappa(found)}`
        : 'They have labeled no photograph both.'),
      found.different.length
        ? button(`Look at the ${count(found.different.length)} on which they differ`,
          () => label.look(found.different, found.different[0])) : '');
    } catch (error) {
      result.replaceChildren(h('p', {}, error.message));
    }
  };
  parts.agreement.replaceChildren(h('div', { className: 'row' }, selects), result);
  compare();
}

/** The two who have labeled the most photographs both; undefined if nobody has any. */
function mostInCommon() {
  const counts = new Map();
  for (const said of state.said.values()) {
    const who = [...said.values()].filter((one) => one.kind === 'label')
      .map((one) => one.labeler).sort((a, b) => a - b);
    who.forEach((first, i) => {
      for (const second of who.slice(i + 1)) {
        const key = `${first} ${second}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    });
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most?.[0].split(' ').map(Number);
}

function kappa({ kappa: value, low, high }) {
  if (value === null) return 'not defined, as chance alone would agree.';
  const interval = low === null ? '' : ` (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})`;
  return `${value.toFixed(2)}${interval}; 0 is chance, 1 is complete.`;
}

