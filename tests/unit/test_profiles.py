"""The two profiles: which one is in force, and what it chooses."""

import sys
import types

import hypothesis
import pytest
from hypothesis import strategies as st

from seeing import profiles


@pytest.fixture(autouse=True)
def neither_colab_nor_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of one's own, with nothing set."""
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    for name in ("SEEING_PROFILE", "SEEING_SEED", profiles.REHEARSAL):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Colab's kernel has imported at its start."""
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))


def test_quick_is_the_default_on_a_machine_of_ones_own():
    assert profiles.name() == "quick"
    assert not profiles.on_colab()


def test_full_is_the_default_on_colab(colab):
    assert profiles.name() == "full"
    assert profiles.on_colab()


@pytest.mark.parametrize("chosen", profiles.NAMES)
def test_the_variable_decides_everywhere(chosen, monkeypatch, colab):
    monkeypatch.setenv("SEEING_PROFILE", chosen)
    assert profiles.name() == chosen
    monkeypatch.delitem(sys.modules, "google.colab")
    assert profiles.name() == chosen


def test_an_empty_variable_counts_as_none(monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "")
    assert profiles.name() == "quick"


@pytest.mark.parametrize("wrong", ["Quick", "fast", " full"])
def test_any_other_profile_is_an_error_that_names_the_two(wrong, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", wrong)
    with pytest.raises(ValueError, match="expected 'quick' or 'full'") as caught:
        profiles.choose(quick=1, full=2)
    assert repr(wrong) in str(caught.value)


def test_choose_gives_the_budget_of_the_profile(monkeypatch):
    assert profiles.choose(quick=1, full=5) == 1
    monkeypatch.setenv("SEEING_PROFILE", "full")
    assert profiles.choose(quick=1, full=5) == 5


def test_choose_gives_a_quick_value_that_is_false():
    assert profiles.choose(quick=None, full=5) is None
    assert profiles.choose(quick=0, full=5) == 0


def test_both_budgets_must_be_named():
    with pytest.raises(TypeError):
        profiles.choose(1, 5)
    with pytest.raises(TypeError):
        profiles.choose(quick=1)


def test_seeds_follow_the_profile(monkeypatch):
    assert profiles.seeds(quick=1, full=3) == [0]
    monkeypatch.setenv("SEEING_PROFILE", "full")
    assert profiles.seeds(quick=1, full=3) == [0, 1, 2]


@hypothesis.given(first=st.integers(0, 10**9), count=st.integers(0, 20))
def test_seeds_start_at_the_variable_and_are_consecutive(first, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEING_SEED", str(first))
        assert profiles.seeds(quick=count, full=0) == [first + step for step in range(count)]


@pytest.mark.parametrize("wrong", ["-1", "1.5", "one", "1e3", " 1", "²"])
def test_a_seed_that_is_no_whole_number_is_an_error(wrong, monkeypatch):
    monkeypatch.setenv("SEEING_SEED", wrong)
    with pytest.raises(ValueError, match="expected a whole number") as caught:
        profiles.seeds(quick=1, full=3)
    assert repr(wrong) in str(caught.value)


def test_a_rehearsal_has_all_seeds_and_the_quick_budgets(monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    assert not profiles.is_rehearsal()
    monkeypatch.setenv(profiles.REHEARSAL, "1")
    assert profiles.is_rehearsal()
    assert profiles.choose(quick="little", full="all") == "little"
    assert profiles.seeds(quick=1, full=3) == [0, 1, 2]
