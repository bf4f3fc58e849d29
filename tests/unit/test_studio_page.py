"""The page *The Studio* names what there is, and its pictures show the studio as it is now."""

import argparse
import re
import sys

import pytest
from fakes import ROOT

from seeing import __main__ as command_line
from seeing.studio import exchange

sys.path.insert(0, str(ROOT / "tools"))
import studio_pictures

PAGE = ROOT / "book" / "studio.md"


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def section(title: str) -> str:
    [found] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", text(), re.S | re.M)
    return found


def options(command: str) -> dict[str, argparse.Action]:
    [commands] = [one for one in command_line.parser()._actions if one.dest == "command"]
    return {
        one.option_strings[-1]: one
        for one in commands.choices[command]._actions
        if one.option_strings and one.dest != "help"
    }


def test_it_lists_all_options_with_the_words_of_the_help():
    named = dict(re.findall(r"^\| `(--[a-z-]+)(?: ([A-Z]+))?` \|", text(), re.M))
    given = {name: one.metavar or "" for name, one in options("studio").items() if one.nargs != 0}
    given |= {name: "" for name, one in options("studio").items() if one.nargs == 0}
    assert set(named) == set(given)
    for name, value in named.items():
        assert bool(value) == (options("studio")[name].nargs != 0), name


def test_it_lists_all_queues_by_the_names_that_the_page_gives_them():
    script = (ROOT / studio_pictures.PAGE / "label.js").read_text(encoding="utf-8")
    [block] = re.findall(r"const QUEUES = \{(.*?)\};", script, re.S)
    names = [re.sub(r" \(.*\)", "", name) for name in re.findall(r": '(.*?)'", block)]
    rows = re.findall(r"^\| ([^|]*?) \|", section("What to look at next"), re.M)[2:]
    assert rows == names


def test_it_lists_the_columns_of_the_csv():
    [columns] = re.findall(r"^\| CSV: (.*?) \|", text(), re.M)
    assert tuple(columns.split(", ")) == exchange.COLUMNS


@pytest.mark.parametrize("view", ["label", "grid", "model"])
def test_each_view_has_a_picture_that_is_described(view: str):
    [found] = re.findall(rf"```{{figure}} _static/studio/{view}\.webp\n(.*?)```", text(), re.S)
    assert re.search(r"^:alt: .{60,}$", found, re.M)
    assert (ROOT / studio_pictures.PICTURES / f"{view}.webp").is_file()


def test_the_pictures_show_the_page_as_it_is():
    shown = (ROOT / studio_pictures.SHOWN).read_text(encoding="utf-8").strip()
    assert shown == studio_pictures.page_hash(ROOT), (
        "the studio's page has changed since its pictures were taken: run "
        "`python tools/studio_pictures.py`"
    )
