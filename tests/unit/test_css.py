"""css: a sheet comes apart where it should, whatever strings and comments hold."""

import hypothesis
import pytest
from hypothesis import strategies as st

from bookbuild import css


def test_rules_with_strings_comments_and_groups() -> None:
    text = """
        /* a { comment } */
        @charset "utf-8";
        a::before, b { content: "}{;,"; color: red }
        @media print { a { b: c } d { e: f } }
        .x\\{y { background: url(data:image/png;base64,a{b) }
    """
    assert list(css.rules(text)) == [
        css.Rule('@charset "utf-8"', None),
        css.Rule("a::before, b", 'content: "}{;,"; color: red'),
        css.Rule("@media print", "a { b: c } d { e: f }"),
        css.Rule(".x\\{y", "background: url(data:image/png;base64,a{b)"),
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a, b", ["a", "b"]),
        (":is(a, b) c, [d=','] e,f", [":is(a, b) c", "[d=','] e", "f"]),
        ("a/* , */ b", ["a b"]),
        ("", []),
        (" , a,, ", ["a"]),
    ],
)
def test_selectors_are_split_at_their_own_commas(text: str, parts: list[str]) -> None:
    assert css.split(text, ",") == parts


def test_declarations_are_split_at_their_own_semicolons() -> None:
    declared = css.split('a: url("x;y"); b: url(data:a;b) ;c: "\\";"', ";")
    assert declared == ['a: url("x;y")', "b: url(data:a;b)", 'c: "\\";"']


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a { b: c } }", "a brace too many"),
        ("a { b: c", "ends within a rule: 'a '"),
        ("a { b: c } d", "ends within a rule: ' d'"),
    ],
)
def test_braces_that_do_not_match_are_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(css.rules(text))


SELECTORS = st.lists(
    st.sampled_from(["a", ".b", "#c", 'd[e="{,}"]', ":is(f, .g)", "h::after", ".i\\,j"]), min_size=1
)
DECLARATIONS = st.lists(
    st.sampled_from(["color: red", 'content: "};"', "b: url(data:x;y,{z})", "--v: 'a;b'"]),
    min_size=1,
)


@hypothesis.given(st.lists(st.tuples(SELECTORS, DECLARATIONS)), st.sampled_from(["", " ", "/*}*/"]))
def test_what_was_put_together_comes_apart(made: list, between: str) -> None:
    text = between.join(f"{','.join(one)}{{{';'.join(two)}}}" for one, two in made)
    found = [
        (css.split(rule.prelude, ","), css.split(rule.content, ";"))
        for rule in css.rules(text + between)
    ]
    assert found == [(list(one), list(two)) for one, two in made]
