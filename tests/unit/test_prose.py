"""Sentences run where thought does: no chapter is written in telegrams."""

import pathlib
import re

import nbformat
import pytest

from bookbuild import paths

CHAPTERS = paths.default().chapters()
SHORT = 6  # words
MOST = 1 / 6  # of the sentences before the exercises; two chapters once had a fifth and a quarter

NO_SENTENCE = ("#", "|", ":", "$$", "(", "<")  # headings, tables, directives, labels, markup


def sentences(markdown: str) -> list[str]:
    """The sentences of a cell: what is no heading, table, list of words, listing or label."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<!--.*?-->", "", markdown, flags=re.DOTALL)
    text = re.sub(r"\{\w+\}`([^`<]*?) ?(<[^`]*>)?`", r"\1", text)  # what a reference shows
    found = []
    for line in map(str.strip, text.splitlines()):
        if not line.startswith(NO_SENTENCE):
            line = re.sub(r"^(\d+\.|-) ", "", line)
            line = re.sub(r"^\*+[^*]+[.:?]\*+ ", "", line)  # a heading within the line
            found += re.split(r"(?<=[.!?])[\"”*)]*\s+(?=[A-Z\"“*(`])", line)
    return [sentence for sentence in found if re.search(r"[.!?][\"”*)]*$", sentence)]


def share_of_short(texts: list[str]) -> float:
    """The share of sentences that have few words."""
    found = [sentence for text in texts for sentence in sentences(text)]
    return sum(len(sentence.split()) <= SHORT for sentence in found) / len(found)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_sentences_run(chapter: pathlib.Path) -> None:
    cells = nbformat.read(chapter, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    end = next(i for i, text in enumerate(texts) if "## Exercises" in text)
    assert share_of_short(texts[:end]) < MOST


def test_telegrams_are_found() -> None:
    telegram = "# Augment\n\nMirror it. Turn it. Then train again.\n\n- a list of words\n"
    assert sentences(telegram) == ["Mirror it.", "Turn it.", "Then train again."]
    running = "Since a mirrored flower is still a flower, mirror some of them, and train again."
    assert share_of_short([telegram, running]) == 3 / 4
