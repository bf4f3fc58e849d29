/* <exercise-answer>: type an answer, and learn at once whether it is right, without a kernel.
   The page holds a seal of the answer, as the exercise's own cell does, and not the answer.
   Without JavaScript the element is empty: the cell above it checks the answer in a notebook. */

import { button, element } from "./demo.js";

const MAX_CELLS = 2 ** 43;

class ExerciseAnswer extends HTMLElement {
  connectedCallback() {
    if (!globalThis.crypto?.subtle) return; // a page from an insecure address
    const name = this.getAttribute("name");
    const choices = this.getAttribute("choices")?.split("|");
    const id = `${name}-answer`;
    const label = element("label", { htmlFor: id, textContent: "Your answer" });
    this.field = choices
      ? element("select", { id })
      : element("input", { id, type: "text", autocomplete: "off", spellcheck: false });
    (choices ? ["", ...choices] : []).forEach((text) =>
      this.field.append(element("option", { textContent: text || "choose", value: text }))
    );
    this.said = element("output", { htmlFor: id });
    this.said.setAttribute("role", "status");
    const form = element("form", {});
    form.append(
      label,
      this.field,
      button("Check", () => this.check()),
      button("Hint", () => this.say(`Hint: ${this.getAttribute("hint")}`)),
      this.said
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.check();
    });
    this.replaceChildren(form);
    this.dataset.ready = "true";
  }

  async check() {
    const given = this.field.value.trim();
    if (!given) return this.say("Not answered yet.");
    const isText = this.getAttribute("seal").startsWith("text:");
    const number = asNumber(given);
    if (!isText && number === null) return this.say(`"${given}" is no number.`);
    const seal = this.getAttribute("seal");
    const tolerance = Number(this.getAttribute("tolerance") ?? 1e-6);
    const right = isText
      ? await hasText(given, seal, this.getAttribute("name"))
      : await hasNumber(number, seal, tolerance, this.getAttribute("name"));
    this.dataset.right = right;
    return this.say(right ? "Right." : `Not yet. Hint: ${this.getAttribute("hint")}`);
  }

  say(text) {
    this.said.textContent = text;
  }
}

/* 1,234.5 and −3 are numbers, too, as a page prints them; an arithmetic expression is none. */
export function asNumber(text) {
  const plain = text.replace(/[,\s_]/g, "").replace("−", "-").replace(/%$/, "");
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

async function hasText(given, seal, name) {
  return (await digest(`${name}/0|${given.toLowerCase()}`)) === seal.split(":")[1];
}

/* The number of the cell that a number falls into; the seal says where cells begin. */
async function hasNumber(given, seal, tolerance, name) {
  const [, begins, wanted] = seal.split(":");
  const cell = Math.round(given / (2 * tolerance) - parseInt(begins, 16) / 256);
  if (!(Math.abs(cell) < MAX_CELLS)) return false;
  return (await digest(`${name}/0|${Object.is(cell, -0) ? 0 : cell}`)) === wanted;
}

async function digest(text) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)]
    .slice(0, 6)
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

customElements.define("exercise-answer", ExerciseAnswer);
