"""The demo of blocks counts as Keras does, at every setting, and knows how far a network sees."""

import ast
import pathlib
import re
from typing import Any

import demos
import keras
import nbformat
import numpy as np
import pytest
from playwright import sync_api

from bookbuild import paths
from seeing.lessons import architecture_demos

pytestmark = pytest.mark.browser

PAGE = "notebooks/07_architectures.html"
DEMO = "block-demo"
BLOCKS = ("one_3x3", "one_5x5", "two_3x3", "branches", "wide_branches", "residual")
BLOCKS += ("squeeze_excite", "bottleneck", "grouped", "separable")
DEPTHS, WIDTHS = (1, 2, 3, 4), (8, 16, 32)

# What the demo shows at a setting, for all of them.
EVERYWHERE = """() => {
  const demo = document.querySelector('block-demo');
  const { blocks, depths, widths } = demo.data;
  return blocks.flatMap(({ name }, block) => widths.flatMap((channels, width) =>
    depths.map((depth) => {
      demo.show({ block, depth, width });
      return { block: name, depth, width: channels, found: demo.found };
    })));
}"""


@pytest.fixture(scope="module")
def chapter() -> dict[str, Any]:
    """The functions that the chapter defines, as it defines them."""
    notebook = nbformat.read(paths.default().root / "notebooks/07_architectures.ipynb", 4)
    wanted = {*BLOCKS, "conv", "excite", "with_block"}
    found = [
        node
        for cell in notebook.cells
        if cell.cell_type == "code" and "google.colab" not in cell.source
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.FunctionDef) and node.name in wanted
    ]
    assert sorted(node.name for node in found) == sorted(wanted)
    names = {"keras": keras, "layers": keras.layers, "np": np}
    exec(compile(ast.Module(found, type_ignores=[]), "chapter 7", "exec"), names)
    return names


@pytest.fixture(scope="module")
def by_keras(
    chapter: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What Keras counts at every setting that there is."""
    content = architecture_demos.write_blocks(
        tmp_path_factory.mktemp("exports") / "blocks.json",
        chapter["with_block"],
        [chapter[name] for name in BLOCKS],
        depths=DEPTHS,
        widths=WIDTHS,
        counted=DEPTHS,
    )
    return content["by_keras"]


@pytest.fixture
def exported(html: pathlib.Path) -> dict[str, Any]:
    return demos.exported(html, "blocks.json")


def of_demo(page: sync_api.Page, name: str) -> Any:
    return demos.of_demo(page, DEMO, name)


def verdict(page: sync_api.Page) -> str:
    return page.locator(f"{DEMO} .demo-verdict").inner_text()


def choose(page: sync_api.Page, block: str, channels: str = "16, then 32") -> None:
    page.get_by_label("Block", exact=True).select_option(block)
    page.get_by_label("Channels of the two stages").select_option(channels)


# What it counts.


def test_its_counts_are_keras_s_at_every_setting(page, by_keras):
    wanted = {(one["block"], one["depth"], one["width"]): one for one in by_keras}
    every = page.evaluate(EVERYWHERE)
    assert len(every) == len(BLOCKS) * len(DEPTHS) * len(WIDTHS)
    missing = set()
    for one in every:
        setting = one["block"], one["depth"], one["width"]
        if one["found"] is None:
            missing.add(setting[::2])
            continue
        keras_s = wanted.pop(setting)
        assert one["found"] == {
            "parameters": keras_s["parameters"],
            "multiplyAdds": keras_s["multiply_adds"],
            "field": keras_s["field"],
            "seesAll": keras_s["sees_all"],
        }, setting
    assert wanted == {}
    assert missing == {("grouped", 8)}


def test_the_chapter_s_own_networks_are_among_them(chapter, exported):
    counted = {one["block"]: one for one in exported["by_keras"] if one["width"] == 16}
    assert len(counted) == len(BLOCKS)
    for name in BLOCKS:
        with keras.StatelessScope(initialize_variables=False):
            network = chapter["with_block"](chapter[name])
        assert network.count_params() == counted[name.replace("_", " ")]["parameters"]


@pytest.mark.parametrize(
    ("block", "depth"), [("one_3x3", 1), ("branches", 1), ("separable", 2), ("bottleneck", 1)]
)
def test_a_network_sees_as_far_as_bright_columns_show(page, chapter, block, depth):
    """Columns of a large picture that change the middle of the last map."""
    side, n = 96, 8
    x = inputs = keras.Input((side, side, 1))
    for channels in (n, 2 * n):
        x = chapter["conv"](x, channels, strides=2)
        for _ in range(depth):
            x = chapter[block](x, channels)
    network = keras.Model(inputs, x)
    for weight in network.weights:
        if "kernel" in weight.path:
            added_up = weight.shape[:2] if "depthwise" in weight.path else weight.shape[:3]
            weight.assign(np.full(weight.shape, 1 / np.prod(added_up)))
    X = np.ones((side + 1, side, side, 1), dtype="float32")
    for column in range(side):
        X[column, :, column] = 3
    middle = network.predict(X, verbose=0)[:, side // 8, side // 8]
    matter = int((np.abs(middle - middle[-1]).max(axis=-1) > 1e-6).sum())
    choose(page, block.replace("_", " "), "8, then 16")
    demos.set_slider(page, "Blocks in each stage", depth)
    assert of_demo(page, "found.field") == matter
    assert f"sees {matter} × {matter} pixels" in verdict(page)


def test_averages_of_channels_let_each_place_see_all(page):
    choose(page, "squeeze excite")
    assert of_demo(page, "found.seesAll")
    assert "sees the whole picture" in verdict(page)
    assert "all" in page.locator(f"{DEMO} table").inner_text()


def test_a_block_that_cannot_be_built_is_said_so(page):
    choose(page, "grouped", "8, then 16")
    assert of_demo(page, "found") is None
    assert verdict(page).startswith("There is no network of grouped with 8 channels")
    assert not page.locator(f"{DEMO} svg").is_visible()
    page.get_by_role("button", name="The chapter's sizes").click()
    assert of_demo(page, "found.parameters") > 0
    assert page.locator(f"{DEMO} svg").is_visible()


def test_what_the_page_promises_can_be_found(page):
    choose(page, "one 3x3")
    plain = of_demo(page, "found")
    choose(page, "separable")
    demos.set_slider(page, "Blocks in each stage", 4)
    four = of_demo(page, "found")
    assert four["parameters"] < plain["parameters"]
    assert four["multiplyAdds"] < plain["multiplyAdds"]


def test_the_table_says_the_numbers(page, exported):
    choose(page, "one 5x5")
    [wanted] = [
        one for one in exported["by_keras"] if (one["block"], one["width"]) == ("one 5x5", 16)
    ]
    table = page.locator(f"{DEMO} table").inner_text()
    for name in ("parameters", "multiply_adds"):
        assert f"{wanted[name]:,}" in table
        assert f"{wanted[name]:,}" in verdict(page)


# What it draws.


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_is_drawn_part_by_part(page, exported, block):
    name = block.replace("_", " ")
    choose(page, name)
    [stages] = [one["stages"][1] for one in exported["blocks"] if one["name"] == name]
    svg = page.locator(f"{DEMO} svg")
    parts = stages[0]
    assert svg.locator("rect").count() == len(parts)
    assert svg.locator("path").count() == sum(len(part["inputs"]) for part in parts)
    drawn = " ".join(svg.locator("text").all_text_contents())
    for part in parts:
        if part["weights"]:
            assert f"{part['weights']:,} weights" in drawn
    assert svg.get_attribute("aria-label").startswith(f"The block {name}: 1. in: 16")
    assert overlaps(page) == []


def overlaps(page: sync_api.Page) -> list[str]:
    """Boxes that lie on each other, and texts that leave their boxes."""
    return page.evaluate(
        """() => {
      const groups = [...document.querySelectorAll('block-demo svg g')];
      const boxes = groups.map((one) => one.querySelector('rect').getBBox());
      const found = [];
      groups.forEach((group, i) => {
        for (const text of group.querySelectorAll('text')) {
          const { x, width } = text.getBBox();
          const isInside = x >= boxes[i].x && x + width <= boxes[i].x + boxes[i].width;
          if (!isInside) found.push(text.textContent);
        }
        boxes.slice(0, i).forEach((box) => {
          const apart = box.x + box.width <= boxes[i].x || boxes[i].x + boxes[i].width <= box.x ||
            box.y + box.height <= boxes[i].y || boxes[i].y + boxes[i].height <= box.y;
          if (!apart) found.push(`boxes ${group.textContent}`);
        });
      });
      return found;
    }"""
    )


# Keys and the address.


def test_by_keyboard_and_by_link(page, browser):
    page.get_by_label("Block", exact=True).focus()
    page.keyboard.press("End")
    page.get_by_label("Blocks in each stage").focus()
    page.keyboard.press("ArrowRight")
    assert of_demo(page, "state") == {"block": len(BLOCKS) - 1, "depth": 2, "width": 1}
    found, words = of_demo(page, "found"), verdict(page)
    other = browser.new_context().new_page()
    other.goto(demos.link(page))
    other.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(other, "found") == found
    assert verdict(other) == words
    other.context.close()


@pytest.mark.parametrize("text", ["10_1_16", "0_1_12", "0_1", "x_1_16", "0.5_1_16", ""])
def test_a_link_that_means_nothing_is_ignored(page, address, text):
    first = of_demo(page, "state")
    page.goto("about:blank")
    page.goto(f"{address}/{PAGE}?block={text}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == first


def test_a_link_beyond_the_slider_s_end_stops_there(page, address):
    page.goto(f"{address}/{PAGE}?block=2_9_32")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    assert of_demo(page, "state") == {"block": 2, "depth": 4, "width": 2}


# The page.


def test_axe_finds_nothing_in_any_state(page):
    choose(page, "branches")
    assert demos.complaints(page, DEMO) == []
    choose(page, "grouped", "8, then 16")
    assert demos.complaints(page, DEMO) == []


def test_a_phone_is_wide_enough(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/{PAGE}")
    page.wait_for_selector(f"{DEMO}[data-ready]")
    for block in BLOCKS:
        choose(page, block.replace("_", " "))
        box = page.locator(f"{DEMO} svg").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_its_file_is_small(html: pathlib.Path) -> None:
    assert (html / "_static/data/blocks.json").stat().st_size <= 100_000


def test_without_javascript_a_table_has_the_numbers(browser, address, exported):
    assert "needs JavaScript" in demos.text_without_javascript(browser, f"{address}/{PAGE}", DEMO)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{PAGE}")
    table = page.locator("table", has_text="One block in each stage").inner_text()
    for one in exported["by_keras"]:
        if one["width"] == 16:
            assert re.search(rf"{one['block']}\s+{one['parameters']:,}\s", table)
    context.close()


def test_a_broken_file_leaves_the_static_text(browser: sync_api.Browser, address: str) -> None:
    at = f"{address}/{PAGE}"
    text = demos.text_with_a_broken_file(browser, at, DEMO, "blocks.json", "seeing-blocks-1")
    assert "needs JavaScript" in text
