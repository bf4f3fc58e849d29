// A chapter's parts are folded by the page itself. This script adds what a page cannot do: a button
// that opens all of them, a memory, so that whoever comes back finds open what was open, links to
// what a demo showed, and help for older browsers. A classic script, since a browser loads no module
// from the disk.
"use strict";

{
  const parts = [...document.querySelectorAll("details.seeing-part")];
  const HERE = `seeing-parts ${location.pathname}`; // this chapter's, in this tab
  const ALL = "seeing-all-parts"; // every chapter's, until the reader folds them again

  // Where a reader forbids it, or on some disks, nothing is remembered, and nothing else is lost.
  function remembered(storage, name) {
    try {
      return globalThis[storage].getItem(name);
    } catch {
      return null;
    }
  }

  function remember(storage, name, value) {
    try {
      globalThis[storage].setItem(name, value);
    } catch {}
  }

  const everything = "1".repeat(parts.length);
  const states = () => parts.map((part) => (part.open ? "1" : "0")).join("");

  function show(wanted) {
    for (const [number, part] of parts.entries()) part.open = wanted[number] === "1";
  }

  // Browsers open the part that a link leads into; older ones do not, and none knows a demo's state:
  // numbers joined by _, or a drawing behind the #.
  function reveal() {
    const values = [...new URLSearchParams(location.search).values()];
    const isState =
      location.hash.startsWith("#ink=") || values.some((one) => /^[-\d.]+(_[-\d.]+)+$/.test(one));
    const target =
      document.getElementById(location.hash.slice(1)) ??
      (isState ? document.querySelector("article [src^='data/']") : null);
    const part = target?.closest("details.seeing-part");
    if (!part || part.open) return;
    part.open = true;
    target.scrollIntoView();
  }

  const button = document.createElement("button");
  button.type = "button";
  button.className = "seeing-all-parts";

  function label() {
    button.textContent = states() === everything ? "Fold the parts" : "Open all parts";
  }

  button.addEventListener("click", () => {
    const opens = states() !== everything;
    remember("localStorage", ALL, opens ? "1" : "0");
    show(opens ? everything : "1".padEnd(parts.length, "0"));
  });

  for (const part of parts) {
    part.addEventListener("toggle", () => {
      remember("sessionStorage", HERE, states());
      label();
      dispatchEvent(new Event("resize")); // the theme looks for code that is wider than its box
    });
  }

  // The style sheet opens all parts on paper; where a browser is too old for that, this does.
  let before = states();
  addEventListener("beforeprint", () => {
    before = states();
    show(everything);
  });
  addEventListener("afterprint", () => show(before));

  const kept = remembered("sessionStorage", HERE);
  if (remembered("localStorage", ALL) === "1") show(everything);
  else if (kept?.length === parts.length) show(kept);
  reveal();
  addEventListener("hashchange", reveal);
  label();
  document.querySelector(".seeing-outline")?.append(button);
}
