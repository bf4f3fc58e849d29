// A long page's sections: folded at first, but the first; opened by their headings, by links that
// lead into them, and by the browser's search. What was opened stays so while the tab is open. It
// stands in the page's head (bookbuild/sections.py), to be there before anything is shown.
"use strict";

{
  const root = document.documentElement;
  const BODY = ".seeing-section-body";
  const KEPT = `seeing-sections ${location.pathname}`;

  // Where a reader forbids it, or on some disks, nothing is remembered, and nothing else is lost.
  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
    } catch {
      return [];
    }
  }

  function keep(names) {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(names));
    } catch {}
  }

  // Until the page is there, nothing can be opened: a style does as if it were.
  function openBefore() {
    const style = document.createElement("style");
    const names = [...kept(), location.hash.slice(1)].filter(Boolean);
    const leads = names.map((name) => `#${CSS.escape(name)}`).join();
    style.textContent = `.seeing-section:is(${leads}, :has(${leads})) > ${BODY} {
      content-visibility: visible;
      margin-bottom: var(--seeing-section-gap);
    }`;
    document.head.append(style);
    return style;
  }

  function setUp() {
    const sections = [...document.querySelectorAll(".seeing-section")];
    const body = (section) => section.querySelector(`:scope > ${BODY}`);
    const isOpen = (section) => !body(section).hidden;
    const all = document.querySelector(".seeing-sections-all");

    function show(wanted, some = sections) {
      for (const section of some) {
        const button = section.querySelector(".seeing-section-title");
        button.setAttribute("aria-expanded", wanted);
        if (wanted) body(section).hidden = false;
        else body(section).hidden = "until-found";
      }
      all.textContent = sections.every(isOpen) ? "Close all sections" : "Open all sections";
      keep(sections.filter(isOpen).map((section) => section.id));
    }

    // True where that opened one.
    function reveal(target) {
      const section = target?.closest(".seeing-section");
      if (!section || isOpen(section)) return false;
      show(true, [section]);
      return true;
    }

    const target = () => document.getElementById(location.hash.slice(1));

    const before = kept();
    for (const section of sections) {
      const title = section.querySelector(".seeing-section-title");
      const button = document.createElement("button");
      button.type = "button";
      button.className = title.className;
      button.append(...title.childNodes);
      title.replaceWith(button);
      button.addEventListener("click", () => show(!isOpen(section), [section]));
      body(section).addEventListener("beforematch", () => show(true, [section]));
    }
    show(false);
    show(true, sections.filter((section) => before.includes(section.id)));
    reveal(target());
    // An address that says what a demo shows leads to the demo.
    if (location.search || location.hash.startsWith("#ink=")) {
      document.querySelectorAll("article [src^='data/']").forEach(reveal);
    }
    all.addEventListener("click", () => show(!sections.every(isOpen)));
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      if (link) reveal(document.getElementById(link.hash.slice(1)));
    });
    addEventListener("hashchange", () => {
      if (reveal(target())) target().scrollIntoView();
    });
  }

  // Where a browser finds no words in what is hidden, and follows no links there, all stays open.
  if ("onbeforematch" in root) {
    root.dataset.folds = "";
    const style = openBefore();
    document.addEventListener(
      "readystatechange",
      () => {
        setUp();
        style.remove();
      },
      { once: true }
    );
  }
}
