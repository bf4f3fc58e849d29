"""The one style sheet of the pages shows what all the sheets that it is made of would show.

Each state of a page is looked at twice, with the one sheet and with all of them in its place: how
every element looks, and the picture of the window. Meanwhile whatever name an element gets is
noted, from the page's own tags or from a script; no rule that needs only such names may be missing.
"""

import dataclasses
import io
import json
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright import sync_api

from bookbuild import first_paint, sections, styles

pytestmark = pytest.mark.browser

CHAPTER = "notebooks/04_first_cnn.html"

# Notes each tag, class and id that an element ever has.
NOTE = """(() => {
  const seen = (globalThis.seenNames = new Set());
  const note = (element) => {
    if (element.nodeType !== 1) return;
    seen.add(element.localName);
    element.classList.forEach((name) => seen.add(`.${name}`));
    if (element.id) seen.add(`#${element.id}`);
  };
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      note(target);
      for (const added of addedNodes) {
        note(added);
        added.querySelectorAll?.('*').forEach(note);
      }
    }
  }).observe(document, { attributeFilter: ['class', 'id'], childList: true, subtree: true });
})()"""

# Transitions would be seen half-way, and a caret blinks.
STILL = """() => {
  const style = document.createElement('style');
  style.textContent = `*, ::before, ::after { animation: none !important;
    caret-color: transparent !important; transition: none !important; }`;
  document.head.append(style);
}"""

# How elements look, with what their style puts before and behind them. Elements that have the same
# classes, and whose parents have, look the same: the first two of them stand for all.
LOOKS = """() => {
  const seen = new Map(), looks = new Map();
  const name = (one) => one ? `${one.localName}.${one.getAttribute('class') ?? ''}` : '';
  // Variables that nothing refers to are left out on purpose.
  const properties = [...getComputedStyle(document.body)].filter((one) => !one.startsWith('--'));
  const more = { dialog: '::backdrop', input: '::placeholder', li: '::marker' };
  for (const element of document.querySelectorAll('html, body, body *')) {
    const key = [element.parentElement?.parentElement, element.parentElement, element]
      .map(name).join(' > ') + (element.id ? `#${element.id}` : '');
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    if (before > 1) continue;
    for (const part of ['', '::before', '::after', more[element.localName]]) {
      if (part === undefined) continue;
      const style = getComputedStyle(element, part || null);
      if (part.match(/before|after/) && style.content === 'none') continue;
      const look = properties.map((one) => `${one}: ${style.getPropertyValue(one)}`);
      looks.set(`${key} (${before})${part}`, look.join('; '));
    }
  }
  return looks;
}"""

REMEMBER = f"() => {{ globalThis.looks = ({LOOKS})(); return globalThis.looks.size; }}"

COMPARE = f"""() => {{
  const before = globalThis.looks, after = ({LOOKS})();
  const different = [...before.keys()].filter((where) => !after.has(where));
  for (const [where, look] of after) {{
    if (look === before.get(where)) continue;
    const ours = (before.get(where) ?? '').split('; ');
    for (const one of look.split('; ')) {{
      if (ours.includes(one)) continue;
      const other = ours.find((some) => some.startsWith(one.split(':')[0] + ':'));
      different.push(`${{where}}: ${{other}} instead of ${{one}}`);
    }}
  }}
  return different;
}}"""

SHEETS = "link[rel=stylesheet]"

PUT_SHEETS = """(addresses) => {
  const ours = document.querySelector('link[rel=stylesheet]');
  for (const address of addresses) {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = address;
    ours.before(link);
  }
}"""
# A script may read the rules of a sheet once it is there, with all that it imports.
ARE_THERE = f"() => [...document.querySelectorAll('{SHEETS}')].every((one) => one.sheet)"
TAKE_LAST = (
    f"(n) => [...document.querySelectorAll('{SHEETS}')].slice(-n).map((one) => one.remove())"
)
FONTS = "() => document.fonts.status"

# The selectors of all sheets, one by one, without what depends on the moment: what is hovered over,
# open or chosen. Each with the tags, classes and ids that it needs.
SELECTORS = r"""() => {
  const found = {};
  const split = (text) => {
    const parts = [''];
    let depth = 0;
    for (const letter of text) {
      depth += '([' .includes(letter) - ')]'.includes(letter);
      if (letter === ',' && !depth) parts.push('');
      else parts[parts.length - 1] += letter;
    }
    return parts.map((one) => one.trim());
  };
  const needed = (selector) => {
    let text = selector.replace(/\\./g, '_').replace(/\[(?:[^\]"]|"[^"]*")*\]/g, '');
    for (let before = ''; before !== text; ) {
      before = text;
      text = text.replace(/::?[\w-]+(\([^()]*\))?/g, '');
    }
    return text.match(/[.#]?-*[a-zA-Z_][\w-]*/g) ?? [];
  };
  const walk = (rules, where) => {
    for (const rule of rules) {
      if (rule.styleSheet) walk(rule.styleSheet.cssRules, where);
      else if (rule.selectorText && rule.style.length) {
        for (const one of split(rule.selectorText)) found[`${where}${one}`] = needed(one);
      } else if (rule.cssRules && !(rule instanceof CSSKeyframesRule)) {
        walk(rule.cssRules, `${where}@${rule.conditionText} `);
      }
    }
  };
  for (const sheet of document.styleSheets) if (sheet.href) walk(sheet.cssRules, '');
  return found;
}"""


@dataclasses.dataclass(frozen=True)
class State:
    """One state of one page.

    Attributes:
        page: its address below the site's.
        acts: what is done to it, one after the other.
        theme: ``light`` or ``dark``: what the reader prefers.
        width: of the window, in pixels.
        medium: ``screen`` or ``print``.
        scripts: whether they run.
    """

    page: str
    acts: tuple[Callable[[sync_api.Page], None], ...] = ()
    theme: str = "light"
    width: int = 1280
    medium: str = "screen"
    scripts: bool = True

    @property
    def name(self) -> str:
        acts = [act.__name__ for act in self.acts]
        scripts = [] if self.scripts else ["no_scripts"]
        return " ".join([self.page, self.theme, str(self.width), self.medium, *acts, *scripts])


def open_search(page: sync_api.Page) -> None:
    page.keyboard.press("Control+k")
    page.locator("dialog[open] input").wait_for()
    page.keyboard.type("kernel")


def open_contents(page: sync_api.Page) -> None:
    page.locator(".primary-toggle").click()
    page.locator("#pst-primary-sidebar-modal[open]").wait_for()


def open_outline(page: sync_api.Page) -> None:
    page.locator(".secondary-toggle:visible").first.click()
    page.locator("#pst-secondary-sidebar-modal[open]").wait_for()


def hide_contents(page: sync_api.Page) -> None:
    page.locator(".primary-toggle").click()
    page.locator(".pst-sidebar-hidden").first.wait_for(state="attached")


def open_menus(page: sync_api.Page) -> None:
    for menu in page.locator("[data-bs-toggle=dropdown]").all():
        menu.evaluate("one => bootstrap.Dropdown.getOrCreateInstance(one).show()")
    page.locator(".dropdown-menu.show").first.wait_for()


def show_tooltip(page: sync_api.Page) -> None:
    page.locator("[data-bs-toggle=tooltip]:visible").first.hover()
    page.locator(".tooltip.show").wait_for()


def press(page: sync_api.Page, button: str) -> None:
    """Press a button whose tooltip comes meanwhile, and wait until that has gone."""
    page.locator(f"{button}:visible").first.click()
    page.mouse.move(640, 600)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(400)
    page.locator(".tooltip").wait_for(state="detached")


def next_theme(page: sync_api.Page) -> None:
    press(page, ".theme-switch-button")


def whole_screen(page: sync_api.Page) -> None:
    press(page, ".btn-fullscreen-button")
    page.wait_for_function("document.fullscreenElement !== null")


def open_folds(page: sync_api.Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    page.wait_for_timeout(300)  # demos draw what is in them


def close_sections(page: sync_api.Page) -> None:
    page.locator(f".{sections.ALL}").click()
    page.locator(f".{sections.BODY}[hidden]").first.wait_for(state="attached")


def copy_code(page: sync_api.Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cell = page.locator("article div.highlight:visible").first
    cell.hover()
    cell.locator(".copybtn").click()
    page.locator(".copybtn.success").wait_for()
    # The theme takes its sign of success back soon, and its words after that: keep the sign for the
    # second look.
    page.wait_for_function(
        "!document.querySelector('.copybtn.success, .copybtn[data-tooltip=\"Copied!\"]')"
    )
    page.evaluate("document.querySelector('.copybtn').classList.add('success')")


def answer(page: sync_api.Page) -> None:
    """Answer an exercise wrongly, and ask another for its hint."""
    first = page.locator("exercise-answer[data-ready]").first
    first.locator("input, select").evaluate(
        "one => (one.value = one.options ? one.options[1].value : '123456')"
    )
    first.get_by_role("button", name="Check").click()
    page.locator("exercise-answer[data-right]").first.wait_for()
    page.locator("exercise-answer").last.get_by_role("button", name="Hint").click()


def scroll_down(page: sync_api.Page) -> None:
    page.mouse.move(640, 450)
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(400)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(400)


# The first two of a kind stand for all.
MARK_USABLE = """() => {
  const seen = new Map();
  const usable = 'a, button, summary, input, select, canvas, pre, li, tr, [tabindex], .sd-card';
  for (const one of document.querySelectorAll(usable)) {
    const key = `${one.parentElement.className}>${one.localName}.${one.className}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    if (seen.get(key) < 3) one.dataset.touched = '';
  }
}"""


def touch_everything(page: sync_api.Page) -> None:
    """As if all that can be used were hovered over, pressed, and in focus by the keyboard."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    page.evaluate(MARK_USABLE)
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    query = {"nodeId": root, "selector": "[data-touched]"}
    forced = ["hover", "active", "focus", "focus-visible", "focus-within", "visited"]
    for node in session.send("DOM.querySelectorAll", query)["nodeIds"]:
        session.send("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": forced})


def wait_for_results(page: sync_api.Page) -> None:
    page.locator(".search-sections li").first.wait_for()


def wait_for_demos(page: sync_api.Page) -> None:
    page.wait_for_function(
        """() => [...document.querySelectorAll('article *')].filter((one) =>
          one.localName.endsWith('-demo')).every((one) => 'ready' in one.dataset)"""
    )


def use_demos(page: sync_api.Page) -> None:
    """Press every button of every demo, and change every control."""
    wait_for_demos(page)
    page.evaluate(
        """() => [...document.querySelectorAll('article *')].filter((one) =>
          one.localName.endsWith('-demo')).forEach((demo) => {
            demo.querySelectorAll('button').forEach((one) => one.click());
            for (const one of demo.querySelectorAll('input, select')) {
              if (one.type === 'file') continue;
              if (one.type === 'checkbox') one.click();
              else if (one.options) one.selectedIndex = one.options.length - 1;
              else if (one.type === 'range') one.value = one.max;
              one.dispatchEvent(new Event('input', { bubbles: true }));
              one.dispatchEvent(new Event('change', { bubbles: true }));
            }
            demo.querySelectorAll('button').forEach((one) => one.click());
          })"""
    )
    open_folds(page)
    page.locator("article [data-ready]").first.evaluate("one => one.scrollIntoView()")


DEMOS = (
    "02_neurons_losses_gradients",
    "03_convolution",
    "05_metrics",
    "06_generalization",
    "09_hog_svm",
)

STATES = (
    State(CHAPTER, (open_folds, touch_everything)),
    State(CHAPTER, (open_folds, touch_everything), theme="dark", width=390),
    State(CHAPTER, (close_sections, touch_everything)),
    State(CHAPTER, (close_sections, touch_everything), theme="dark", width=390),
    State(CHAPTER, (open_menus, touch_everything), theme="dark"),
    State(CHAPTER, (show_tooltip,)),
    State(CHAPTER, (open_search, touch_everything), theme="dark"),
    State(CHAPTER, (open_contents, touch_everything), width=390),
    State(CHAPTER, (open_outline, touch_everything), theme="dark", width=390),
    State(CHAPTER, (hide_contents,)),
    State(CHAPTER, (copy_code, answer)),
    State(CHAPTER, (scroll_down,), theme="dark"),
    State(CHAPTER, (next_theme,)),
    State(CHAPTER, (whole_screen,)),
    State(CHAPTER, theme="dark", medium="print", width=794),
    State(CHAPTER, (open_folds,), scripts=False),
    State(CHAPTER, theme="dark", width=390, scripts=False),
    State("book/front.html", (use_demos, touch_everything)),
    State("book/front.html", (use_demos,), theme="dark", width=390),
    State("book/front.html", scripts=False),
    *(State(f"notebooks/{name}.html", (use_demos, touch_everything)) for name in DEMOS[::2]),
    *(State(f"notebooks/{name}.html", (use_demos,), "dark", width=390) for name in DEMOS[1::2]),
    State("book/scoreboard.html", (touch_everything,), theme="dark", width=390),
    State("book/glossary.html", (touch_everything,)),
    State("book/error_ledger.html", (touch_everything,), theme="dark"),
    State("search.html?q=kernel", (wait_for_results, touch_everything)),
    State("search.html?q=kernel", (wait_for_results,), theme="dark", width=390),
    State("genindex.html"),
)


# Of 255 levels; a round corner that is painted anew may differ by 23.
SHADE = 48


@dataclasses.dataclass(frozen=True)
class Look:
    """What two looks at one state found.

    Attributes:
        elements: how many looks of elements were compared.
        different: where they differ.
        pixels: how many pixels of the window differ, by more than a shade.
        seen: tags, classes and ids that any element ever had.
    """

    elements: int
    different: list[str]
    pixels: int
    seen: set[str]


def look_twice(
    browser: sync_api.Browser,
    address: str,
    state: State,
    names: list[str],
    sheet: str | None = None,
) -> Look:
    """A state with the one sheet, and with all sheets.

    Args:
        browser: shows it.
        address: the site's.
        state: the state.
        names: the sheets that the one is made of.
        sheet: a text in place of the one sheet's.
    """
    context = browser.new_context(
        color_scheme=state.theme,
        viewport={"width": state.width, "height": 900},
        reduced_motion="reduce",
        java_script_enabled=state.scripts,
    )
    if sheet is not None:
        context.route(f"**/{styles.NAME}*", lambda route: route.fulfill(body=sheet))
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.add_init_script(NOTE)
    page.goto(f"{address}/{state.page}", wait_until="networkidle")
    page.evaluate(STILL)
    for act in state.acts:
        act(page)
    page.emulate_media(media=state.medium)
    # Also the one sheet comes anew: margins that are "auto" depend on how the page came to be.
    exchange(page, address, [styles.NAME])
    elements = page.evaluate(REMEMBER)
    before = picture(page)
    exchange(page, address, names)
    different = page.evaluate(COMPARE)
    pixels = int((np.abs(picture(page) - before).max(axis=-1) > SHADE).sum())
    seen = set(page.evaluate("[...(globalThis.seenNames ?? [])]"))
    context.close()
    return Look(elements, different, pixels, seen)


def exchange(page: sync_api.Page, address: str, names: list[str]) -> None:
    """Let a page load other sheets, and take its own away once these are there."""
    before = page.locator(SHEETS).count()
    page.evaluate(PUT_SHEETS, [f"{address}/{styles.STATIC}/{name}" for name in names])
    wait(page, ARE_THERE, True)
    page.evaluate(TAKE_LAST, before)
    page.wait_for_timeout(200)  # until it asks for what fonts it needs
    wait(page, FONTS, "loaded")


def picture(page: sync_api.Page) -> np.ndarray:
    with Image.open(io.BytesIO(page.screenshot(animations="disabled"))) as shown:
        return np.asarray(shown.convert("RGB"), dtype=int)


def wait(page: sync_api.Page, question: str, wanted: Any) -> None:
    """Until a question has an answer; also where scripts do not run."""
    for _ in range(150):
        if page.evaluate(question) == wanted:
            return
        time.sleep(0.1)
    pytest.fail(f"{question} is {page.evaluate(question)} after 15 s")


@pytest.fixture(scope="module")
def names(html: pathlib.Path) -> list[str]:
    """The sheets that the one is made of."""
    first, _, _ = one_sheet(html).partition("\n")
    found = first.removeprefix("/* ").removesuffix(" */").split()
    assert len(found) > 5
    return found


def one_sheet(html: pathlib.Path) -> str:
    return (html / styles.STATIC / styles.NAME).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def looks(browser: sync_api.Browser, address: str, names: list[str]) -> dict[str, Look]:
    """What was found in each state."""
    return {state.name: look_twice(browser, address, state, names) for state in STATES}


def test_no_element_looks_different(looks: dict[str, Look]) -> None:
    assert len(looks) == len(STATES)
    assert min(look.elements for look in looks.values()) > 50
    different = {name: look.different[:20] for name, look in looks.items() if look.different}
    assert different == {}, json.dumps(different, indent=1)


def test_no_pixel_is_different(looks: dict[str, Look]) -> None:
    assert {name: look.pixels for name, look in looks.items() if look.pixels} == {}


def test_no_rule_is_left_out_whose_names_occur(
    browser: sync_api.Browser, address: str, names: list[str], looks: dict[str, Look]
) -> None:
    seen = set().union(*(look.seen for look in looks.values()))
    assert {".copybtn", ".success", ".tooltip-inner", "digit-demo", ".show", "figcaption"} <= seen
    every, kept = (selectors(browser, address, some) for some in (names, [styles.NAME]))
    assert len(every) > 2 * len(kept) > 1000
    missing = [one for one in every.keys() - kept.keys() if every[one] and seen >= set(every[one])]
    assert missing == []


def selectors(browser: sync_api.Browser, address: str, names: list[str]) -> dict[str, list[str]]:
    """The selectors in some sheets, with the tags, classes and ids that each needs."""
    page = browser.new_page()
    page.goto(f"{address}/search.html")
    page.evaluate(
        "document.querySelectorAll('link[rel=stylesheet]').forEach((one) => one.remove())"
    )
    for name in names:
        page.add_style_tag(url=f"{address}/{styles.STATIC}/{name}")
    found = page.evaluate(SELECTORS)
    page.close()
    return found


# A word of code with an element of its own, and the same without.
WORDS = """(classes) => [...classes].flatMap((name) => {
  const code = document.querySelector('article .highlight pre:has(.k)');
  const word = document.createElement('span');
  word.className = name;
  word.textContent = 'word';
  code.append(word);
  const [own, around] = [word, code].map((one) => getComputedStyle(one));
  const differ = ['color', 'font-family', 'font-size', 'font-style', 'font-weight']
    .filter((one) => own[one] !== around[one]);
  const backgrounds = ['rgba(0, 0, 0, 0)', around.backgroundColor];
  return differ.concat(backgrounds.includes(own.backgroundColor) ? [] : ['background']);
})"""


@pytest.mark.parametrize("medium", ["screen", "print"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_of_code_that_lost_their_elements_look_as_with_them(
    browser: sync_api.Browser, address: str, names: list[str], theme: str, medium: str
) -> None:
    page = browser.new_page(color_scheme=theme)
    page.goto(f"{address}/{CHAPTER}", wait_until="networkidle")
    page.emulate_media(media=medium)
    page.evaluate(PUT_SHEETS, [f"{address}/{styles.STATIC}/{name}" for name in names])
    wait(page, ARE_THERE, True)
    assert page.evaluate(WORDS, first_paint.PLAIN) == []
    assert page.evaluate(WORDS, "k") != [] or medium == "print"
    page.close()


@pytest.mark.parametrize(
    ("state", "there", "gone"),
    [
        (State(CHAPTER, (show_tooltip,)), ".tooltip-inner", ".absent"),
        (State(CHAPTER, (touch_everything,)), ":focus-visible", ":is(.absent)"),
        (State(CHAPTER, medium="print"), "@media print", "@media absent"),
        (State(CHAPTER), "--pst-color-border:", "--absent:"),
        (State("book/front.html", (use_demos,)), ".digit-demo-maps", ".absent"),
        (State("book/front.html"), "data:font/woff;base64,", "data:font/woff;base64,absent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_missing_rule_would_be_seen(
    browser: sync_api.Browser,
    address: str,
    html: pathlib.Path,
    names: list[str],
    state: State,
    there: str,
    gone: str,
) -> None:
    sheet = one_sheet(html)
    assert there in sheet
    look = look_twice(browser, address, state, names, sheet.replace(there, gone))
    assert look.different or look.pixels
