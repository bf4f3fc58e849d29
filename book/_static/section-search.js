// Finds the sections of the book that hold all words of a question, best first. A classic script,
// since a browser loads no module from the disk. Reads `SECTIONS` (sections.js), and `Stemmer` and
// `stopwords`, which Sphinx writes (language_data.js).
"use strict";

const sectionSearch = (() => {
  const FIRST = 20; // results that are shown at once
  const BEFORE = 60, AROUND = 220; // characters of a snippet
  const IN_TITLE = 6, IN_PAGE_TITLE = 3, IN_CODE = 0.2, AS_PREFIX = 0.4;
  const stemmer = new Stemmer();

  const whole = (text) => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || [];
  const parts = (word) => (word.includes("_") ? word.split("_").filter(Boolean) : []);

  // Lower-case words; a name such as train_test_split counts whole and by its parts.
  const words = (text) => whole(text).flatMap((word) => [word, ...parts(word)]);

  // The words of a question that say something, each once; all of them if none does.
  function telling(all) {
    all = [...new Set(all)];
    const some = all.filter((word) => !stopwords.includes(word));
    return some.length ? some : all;
  }

  // How often each stem occurs.
  function count(text, each = 1, counts = new Map()) {
    for (const word of words(text)) {
      const stem = stemmer.stemWord(word);
      counts.set(stem, (counts.get(stem) || 0) + each);
    }
    return counts;
  }

  // How often a word occurs; at its beginning only, it counts for less.
  function occurrences(counts, word) {
    const whole = counts.get(stemmer.stemWord(word)) || 0;
    if (whole || word.length < 3) return whole;
    let begun = 0;
    for (const [stem, times] of counts) if (stem.startsWith(word)) begun += times;
    return AS_PREFIX * begun;
  }

  function index(sections) {
    const made = sections.map(([address, page, title, weight, text, code]) => ({
      address, page, title, weight, text, code,
      inText: count(code, IN_CODE, count(text)), inTitle: count(title), inPage: count(page),
      length: words(text).length + IN_CODE * words(code).length,
    }));
    made.meanLength = made.reduce((sum, one) => sum + one.length, 0) / made.length;
    return made;
  }

  // Okapi BM25 with its usual constants, and more for words in a title.
  function score(one, word, rarity, meanLength) {
    const times = occurrences(one.inText, word);
    const inText = (times * 2.2) / (times + 1.2 * (0.25 + (0.75 * one.length) / meanLength));
    const inTitle = occurrences(one.inTitle, word) ? IN_TITLE : 0;
    // The words of a page's title belong to its beginning.
    const inPage = !one.title && occurrences(one.inPage, word) ? IN_PAGE_TITLE : 0;
    return rarity * (inText + inTitle + inPage);
  }

  // Sections that hold every word, or, where there is none, those that hold some.
  function find(indexed, question) {
    const found = findWords(indexed, telling(whole(question)));
    // A name that is nowhere may have parts that are.
    return found.results.length ? found : findWords(indexed, telling(words(question)));
  }

  function findWords(indexed, wanted) {
    const holds = wanted.map((word) =>
      indexed.map((one) => occurrences(one.inText, word) + occurrences(one.inTitle, word) +
        (one.title ? 0 : occurrences(one.inPage, word)) > 0));
    const rarities = holds.map((row) => {
      const n = row.filter(Boolean).length;
      return Math.log(1 + (indexed.length - n + 0.5) / (n + 0.5));
    });
    const scored = indexed.map((one, number) => {
      const held = wanted.filter((_, w) => holds[w][number]);
      const points = wanted.map((word, w) =>
        holds[w][number] ? score(one, word, rarities[w], indexed.meanLength) : 0);
      return { one, held: held.length, score: one.weight * points.reduce((a, b) => a + b, 0) };
    });
    const most = Math.max(0, ...scored.map((found) => found.held));
    const results = most === 0 ? [] : scored.filter((found) => found.held === most);
    results.sort((a, b) => b.score - a.score);
    return { words: wanted, isWhole: most === wanted.length, results: results.map((r) => r.one) };
  }

  // Where the words of a question stand in a text: beginning, end, and which word it is.
  function places(text, wanted) {
    const stems = wanted.map((word) => stemmer.stemWord(word));
    const found = [];
    for (const match of text.matchAll(/[\p{L}\p{N}_]+/gu)) {
      const inside = words(match[0]);
      const which = wanted.findIndex((start, number) => inside.some((part) =>
        stemmer.stemWord(part) === stems[number] || (start.length > 2 && part.startsWith(start))));
      if (which >= 0) found.push([match.index, match.index + match[0].length, which]);
    }
    return found;
  }

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // Where a snippet begins: before the hit that has most of the wanted words near it.
  function beginning(text, hits) {
    const variety = hits.map(([begin]) => new Set(hits
      .filter(([at, end]) => at >= begin && end <= begin + AROUND - BEFORE)
      .map(([, , which]) => which)).size);
    const best = hits[variety.indexOf(Math.max(...variety))];
    return best ? text.lastIndexOf(" ", Math.max(0, best[0] - BEFORE)) + 1 : 0;
  }

  // Text around hits, which are marked; from the code where the text has none.
  function snippet(one, wanted) {
    const text = places(one.text, wanted).length || !places(one.code, wanted).length
      ? one.text : one.code;
    const hits = places(text, wanted);
    const from = beginning(text, hits);
    const to = Math.min(text.length, from + AROUND);
    const made = element("p", { className: "search-snippet" }, from > 0 ? "… " : "");
    let at = from;
    for (const [begin, end] of hits.filter(([begin, end]) => begin >= from && end <= to)) {
      made.append(text.slice(at, begin), element("mark", {}, text.slice(begin, end)));
      at = end;
    }
    made.append(text.slice(at, to), to < text.length ? " …" : "");
    return made;
  }

  function item(one, wanted, root) {
    const link = element("a", { href: root + one.address }, one.title || one.page);
    const heading = element("p", { className: "search-title" }, link);
    if (one.title) heading.append(" ", element("span", { className: "search-page" }, one.page));
    return element("li", {}, heading, snippet(one, wanted));
  }

  function show(target, found, root) {
    const total = found.results.length;
    const counted = total === 1 ? "One section" : `${total} sections`;
    const status = element("p", { className: "search-summary" });
    status.setAttribute("role", "status");
    status.textContent = total === 0 ? "No section holds any of these words."
      : found.isWhole ? `${counted} found.`
      : `No section holds all of these words. ${counted} with some of them:`;
    const list = element("ol", { className: "search-sections" });
    const add = (some) => list.append(...some.map((one) => item(one, found.words, root)));
    add(found.results.slice(0, FIRST));
    target.replaceChildren(status, list);
    if (total > FIRST) {
      const more = element("button", { type: "button" }, `Show ${total - FIRST} more`);
      more.addEventListener("click", () => {
        const next = list.children.length;
        add(found.results.slice(FIRST));
        more.remove();
        list.children[next].querySelector("a").focus();
      });
      target.append(more);
    }
  }

  return { index, find, show };
})();

document.addEventListener("DOMContentLoaded", () => {
  const question = new URLSearchParams(location.search).get("q") || "";
  for (const field of document.querySelectorAll("input[name='q']")) field.value = question;
  const target = document.getElementById("search-results");
  if (!question.trim() || !target) return;
  const root = document.documentElement.dataset.content_root || "./";
  sectionSearch.show(target, sectionSearch.find(sectionSearch.index(SECTIONS), question), root);
});
