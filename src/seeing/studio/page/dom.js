// Elements from code; text stays text, whatever a class or a file is called.

/**
 * Make an element: `on` holds listeners, `data` its data attributes, the rest are properties where
 * the element has them, else attributes. What is null or false is left out.
 */
export function h(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === 'data') {
      Object.assign(made.dataset, value);
    } else if (name in made && typeof made[name] !== 'object') {
      made[name] = value;
    } else {
      made.setAttribute(name, value === true ? '' : value);
    }
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false));
  return made;
}

export const button = (text, click, options = {}) =>
  h('button', { type: 'button', on: { click }, ...options }, text);

/** Say something to everybody, screen readers included. An error stays until the next word. */
export function say(text, isError = false) {
  const place = document.getElementById('saying');
  place.textContent = text;
  place.classList.toggle('error', isError);
  clearTimeout(say.timer);
  if (!isError) say.timer = setTimeout(() => (place.textContent = ''), 4000);
}

/**
 * Ask with a dialog; gives the value of the button that was pressed, or null.
 * A form's fields are read by the caller from `content`.
 */
export function ask(title, content, choices) {
  return new Promise((resolve) => {
    const heading = h('h2', { id: 'asked' }, title);
    const buttons = choices.map(({ text, value, kind }) =>
      h('button', { type: 'submit', value, className: kind ?? '' }, text));
    const form = h('form', { method: 'dialog' }, heading, content,
      h('div', { className: 'row' }, buttons));
    const dialog = h('dialog', { 'aria-labelledby': 'asked' }, form);
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

const numbers = new Intl.NumberFormat('en-US');
export const count = (number) => numbers.format(number);
export const photographs = (number) =>
  `${count(number)} photograph${number === 1 ? '' : 's'}`;
export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}\u00a0%`;

/** "91.7 % (95 % interval 74.2 to 97.7 %; 22 of 24)" */
export function shareText(share) {
  if (!share || share.value === null) return 'not known yet';
  const [low, high] = [share.low, share.high].map((one) => (100 * one).toFixed(1));
  return `${percent(share.value)} (95 % interval ${low} to ${high}\u00a0%; ${count(share.hits)} of ` +
    `${count(share.count)})`;
}
