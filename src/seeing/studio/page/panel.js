// The classes as buttons, each with its key; and the place where new ones are made.

import { button, h, say } from './dom.js';
import { change, liveClasses, state } from './state.js';

/** A form that makes a class; `made` is called with it. */
export function newClass(made = () => {}) {
  const input = h('input', {
    placeholder: 'New class', maxLength: 200, autocomplete: 'off', enterKeyHint: 'done',
    'aria-label': 'Name of a new class',
  });
  const form = h('form', {
    className: 'new-class',
    on: {
      submit: async (event) => {
        event.preventDefault();
        if (!input.value.trim()) return;
        try {
          const found = await change('POST', '/api/classes', { name: input.value });
          input.value = '';
          made(found);
        } catch (error) {
          say(error.message, true);
        }
      },
    },
  }, input, h('button', { type: 'submit' }, 'Add'));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') input.blur();
  });
  return form;
}

/** Buttons of all classes; `chosen` is called with a class. They are redrawn if those change. */
export class ClassButtons {
  constructor(chosen) {
    this.chosen = chosen;
    this.element = h('div', { className: 'classes', role: 'group', 'aria-label': 'Classes' });
    this.drawn = null;
    this.draw();
  }

  /** Draw them anew if classes have changed; gives whether it did. */
  draw() {
    const classes = liveClasses();
    const key = JSON.stringify(classes);
    if (key === this.drawn) return false;
    this.drawn = key;
    this.buttons = new Map(classes.map((one) => [one.id, button(
      [
        one.key ? h('kbd', {}, one.key) : '', h('span', { className: 'name' }, one.name),
        h('span', { className: 'probability' }),
      ],
      () => this.chosen(one.id),
      { className: 'class' },
    )]));
    this.element.replaceChildren(...this.buttons.values());
    return true;
  }

  /** Mark which classes are said, and what a model suggests: `{class_id, probability}`. */
  mark(said, guesses = []) {
    for (const [id, one] of this.buttons) {
      one.setAttribute('aria-pressed', said.includes(id));
      const guess = guesses.find((found) => found.class_id === id);
      one.querySelector('.probability').textContent =
        guess ? `${Math.round(100 * guess.probability)} %` : '';
      one.classList.toggle('suggested', guesses[0]?.class_id === id);
    }
  }

  /** The class of a key; undefined if none has it. */
  of(key) {
    return liveClasses().find((one) => one.key === key.toLowerCase())?.id;
  }
}

export const multi = () => state.project.multi_label;
