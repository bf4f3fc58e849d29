"""When two names are the same, and which cannot be used."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing.studio import names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café", "CAFE\u0301"),
        ("straße", "STRASSE"),
        ("Å", "\u212b"),
        ("daisy", "Daisy"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ],
)
def test_spellings_of_the_same_name_are_the_same(one, other):
    assert names.folded(one) == names.folded(other)


@pytest.mark.parametrize(("one", "other"), [("rose", "roses"), ("cafe", "café"), ("1", "l")])
def test_other_names_are_others(one, other):
    assert names.folded(one) != names.folded(other)


@given(st.text())
def test_folding_is_the_same_however_accents_and_letters_are_written(text):
    once = names.folded(text)
    assert names.folded(once) == once
    for form in ("NFC", "NFD"):
        assert names.folded(unicodedata.normalize(form, text)) == once


@given(st.text(max_size=250))
def test_a_name_is_kept_clean_or_refused(text):
    try:
        kept = names.clean(text, "class")
    except names.BadName as error:
        assert "the class's name" in str(error)
        return
    assert names.clean(kept, "class") == kept
    assert 1 <= len(kept) <= names.LONGEST
    assert kept == kept.strip()
    kept.encode("utf-8")


@pytest.mark.parametrize("bad", ["", "  \t", "a\nb", "a\x00b", "\ud800", "x" * 201])
def test_what_is_no_name_is_refused(bad):
    with pytest.raises(names.BadName, match="expected"):
        names.clean(bad, "class")


@pytest.mark.parametrize(("key", "kept"), [("A", "a"), (" 7 ", "7"), ("é", "é"), ("e\u0301", "é")])
def test_a_key_is_one_small_character(key, kept):
    assert names.clean_key(key) == kept


@pytest.mark.parametrize("key", ["", "ab", "\n", "\x07", "ß" * 2, "\ud800"])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(names.BadName, match="not one character"):
        names.clean_key(key)


@pytest.mark.parametrize("key", ["u", "S", "z"])
def test_the_pages_own_keys_are_refused(key):
    with pytest.raises(names.BadName, match="choose another"):
        names.clean_key(key)


def test_free_keys_are_digits_and_then_letters_that_the_page_does_not_need():
    taken: set[str] = set()
    while (key := names.free_key(taken)) is not None:
        assert names.clean_key(key) == key
        taken.add(key)
    assert len(taken) == len(names.KEYS) == 33
    assert names.free_key(set("123")) == "4"
