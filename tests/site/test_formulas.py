"""Formulas are MathML with TeX's spaces, and need neither a script nor a font of the machine."""

import logging
from collections.abc import Iterator

import pytest
from docutils import nodes
from playwright import sync_api

from bookbuild import bundle, formulas

MATH = f"{{{formulas.NAMESPACE}}}"


def kinds(tex: str) -> list[str]:
    """What stands beside what in a formula of one row."""
    row = formulas.to_element(tex, "inline")[0]
    return [child.tag.removeprefix(MATH) for child in row]


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\ln 2", ["mi", "mspace", "mn"]),
        (r"y \ln p", ["mi", "mspace", "mi", "mspace", "mi"]),
        (r"2 \cdot \ln 2", ["mn", "mo", "mi", "mspace", "mn"]),
        (r"\tanh(z)", ["mi", "mo", "mi", "mo"]),
        (r"\tanh^2 z", ["msup", "mspace", "mi"]),
        ("TP", ["mi", "mi"]),
    ],
)
def test_named_functions_have_thin_spaces_where_tex_has_them(tex, expected):
    assert kinds(tex) == expected


def test_a_subscript_is_no_function_of_what_follows():
    assert "mspace" not in formulas.mathml(r"\lambda_{\max} u", display="inline")


@pytest.mark.parametrize("tex", ["1/a", r"a + \dots + b"])
def test_a_slash_and_dots_have_no_space_of_their_own(tex):
    signs = formulas.to_element(tex, "inline").iter(f"{MATH}mo")
    spaces = {one.text: one.get("lspace") for one in signs}
    assert [spaces[sign] for sign in spaces if sign in formulas.TIGHT] == ["0"]
    assert spaces.get("+") is None


def test_what_is_written_has_no_prefixes_and_says_how_it_stands():
    written = formulas.mathml("p < 1", display="block")
    assert written.startswith('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">')
    assert "&lt;" in written


@pytest.mark.parametrize("tex", [r"\left( x", r"\begin{matrix}"])
def test_a_formula_that_cannot_be_read_is_named(tex):
    with pytest.raises(ValueError, match="no formula: "):
        formulas.mathml(tex, display="inline")


def test_a_command_that_is_not_known_is_a_warning(caplog):
    node = nodes.math("", r"\unheardof x")
    with caplog.at_level(logging.WARNING, logger="sphinx"):
        formulas._checked(node, display="inline")
    assert r"no MathML for \unheardof" in caplog.text


# On the pages.


@pytest.fixture
def blank(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    """A page that shows nothing yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_every_formula_is_drawn_with_the_book_s_own_font(blank: sync_api.Page, address, pages):
    """A sign that the font lacks would come from another one, or as an empty square."""
    client = blank.context.new_cdp_session(blank)
    client.send("DOM.enable")
    client.send("CSS.enable")
    used, count = set(), 0
    for name in pages:
        blank.goto(f"{address}/{name}")
        blank.evaluate("document.fonts.ready")
        root = client.send("DOM.getDocument")["root"]["nodeId"]
        found = client.send(
            "DOM.querySelectorAll", {"nodeId": root, "selector": "math :is(mi, mn, mo, mtext)"}
        )
        for node in found["nodeIds"]:
            fonts = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
            used |= {(font["familyName"], font["isCustomFont"]) for font in fonts}
            count += 1
    assert count > 500
    assert used == {("STIX Two Math", True)}


def test_pages_with_formulas_and_only_these_load_their_sheet(html, pages):
    texts = {name: (html / name).read_text(encoding="utf-8") for name in pages}
    loads = {name: formulas.SHEET in text for name, text in texts.items()}
    assert loads == {name: "<math" in text for name, text in texts.items()}
    assert set(loads.values()) == {True, False}


# A font that is slow to be unpacked, or is refused in the end, and what is seen at three times.
SLOW_FONT = """globalThis.seen = [];
const see = () => seen.push(getComputedStyle(document.body).visibility);
const load = FontFaceSet.prototype.load;
FontFaceSet.prototype.load = async function (font) {
  const [face] = await load.call(this, font);
  addEventListener('DOMContentLoaded', see);
  await new Promise((done) => setTimeout(done, 1000));
  see();
  setTimeout(see);
  if (REFUSED) throw Error('refused');
  seen.push(face.family);
}"""


@pytest.mark.parametrize("refused", ["false", "true"])
def test_a_page_is_shown_when_its_font_is_there(blank: sync_api.Page, address, refused: str):
    blank.add_init_script(SLOW_FONT.replace("REFUSED", refused))
    blank.goto(f"{address}/notebooks/02_neurons_losses_gradients.html")
    blank.wait_for_timeout(1500)
    seen = blank.evaluate("seen")
    family = ["STIX Two Math"] if refused == "false" else []
    assert [one.strip('"') for one in seen] == ["hidden", "hidden", *family, "visible"]


def test_without_javascript_a_page_shows_formulas_and_no_tex(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/notebooks/02_neurons_losses_gradients.html")
    assert page.locator(".seeing-formula").count() > 5
    assert all(box["height"] > 10 for box in map(_box, page.locator(".seeing-formula").all()))
    assert r"\frac" not in page.locator("main").inner_text()
    context.close()


def _box(locator: sync_api.Locator) -> dict:
    return locator.bounding_box()


# A page's head.


def test_only_pages_with_an_element_load_its_script(blank: sync_api.Page, address):
    answer = "exercise-answer"
    wanted = {
        "book/front.html": ["digit-demo"],
        "notebooks/02_neurons_losses_gradients.html": [
            answer,
            "learning-rate-demo",
            "softmax-demo",
        ],
        "notebooks/03_convolution.html": ["convolution-demo", answer],
        "notebooks/04_first_cnn.html": ["digit-demo", answer],
        "notebooks/05_metrics.html": [answer, "threshold-demo"],
        "notebooks/09_hog_svm.html": [answer, "hog-demo"],
        "book/notation.html": [],
    }
    for name, scripts in wanted.items():
        blank.goto(f"{address}/{name}")
        sources = blank.eval_on_selector_all(
            f"script[src*='{bundle.ENDING}']",
            "all => all.map(one => one.src.split('/').pop().split('.')[0])",
        )
        assert sources == scripts, name


def test_every_page_says_what_it_is_about(blank: sync_api.Page, address, pages):
    seen = []
    for name in pages:
        blank.goto(f"{address}/{name}")
        described = blank.locator("meta[name=description]").get_attribute("content")
        assert 20 <= len(described) <= 160, name
        seen.append(described)
    assert len(set(seen)) == len(seen)
    assert "Follow the formulas that a network learns by" in "".join(seen)


# Dark pages.


def test_on_dark_pages_drawings_are_light_on_dark_and_pictures_stay(browser, address):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}/notebooks/02_neurons_losses_gradients.html")
    filters = page.eval_on_selector_all(
        "article img", "all => all.map(one => [one.className, getComputedStyle(one).filter])"
    )
    drawings = [found for names, found in filters if "seeing-drawing" in names]
    others = [found for names, found in filters if "seeing-drawing" not in names]
    assert len(drawings) > 3 and others
    assert all("invert" in found for found in drawings)
    assert not any("invert" in found for found in others)
    context.close()
