"""The locked test set: random, foreseeable only with the seed, and no near-duplicate across."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seeing.studio import draw


def hashes(count: int, start: int = 0) -> list[str]:
    return [f"{i:064x}" for i in range(start, start + count)]


def deal(count: int, groups=(), *, seed: int = 0, share: float = 0.2) -> list[draw.Place]:
    return draw.deal(hashes(count), groups, [None] * count, seed=seed, share=share)


def test_the_numbers_are_spread_evenly():
    numbers = [draw.random_number(1, sha256) for sha256 in hashes(20_000)]
    assert all(0 <= number < 1 for number in numbers)
    assert stats.kstest(numbers, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.03


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_test_set_has_its_share_up_to_chance(share):
    count = sum(place.part == "test" for place in deal(10_000, share=share))
    assert stats.binomtest(count, 10_000, share).pvalue > 0.01


def test_another_seed_draws_another_test_set_independently():
    first, second = (
        np.array([place.part == "test" for place in deal(10_000, seed=seed)]) for seed in (1, 2)
    )
    assert stats.binomtest(int(np.sum(first & second)), 10_000, 0.04).pvalue > 0.01


def test_the_draw_is_pinned():
    """A project that is opened by a later version must draw later photographs by the same rule."""
    assert draw.random_number(7, "0" * 64) == 0.6470409677646516
    assert draw.random_number(8, "0" * 64) == 0.4526297281136067


def test_the_part_depends_on_content_and_seed_and_on_nothing_else():
    places = {sha256: place.part for sha256, place in zip(hashes(200), deal(200), strict=True)}
    order = np.random.default_rng(0).permutation(200)
    again = draw.deal([hashes(200)[i] for i in order], [], [None] * 200, seed=0)
    assert {hashes(200)[i]: place.part for i, place in zip(order, again, strict=True)} == places
    # Drawn in two goes, as photographs that come later are.
    early = draw.deal(hashes(50), [], [None] * 50, seed=0)
    late = draw.deal(hashes(200), [], [*early, *[None] * 150], seed=0)
    assert late[:50] == early
    assert [place.part for place in late] == [places[sha256] for sha256 in hashes(200)]


def test_sorted_by_number_the_first_of_the_test_set_are_a_random_sample_too():
    places = [place for place in deal(20_000) if place.part == "test"]
    assert stats.kstest([place.number / 0.2 for place in places], "uniform").pvalue > 0.01


def test_a_group_gets_one_draw_and_single_photographs_one_each():
    places = deal(9, [[0, 1, 2], [5, 7]])
    assert places[0] == places[1] == places[2]
    assert places[5] == places[7]
    assert len({place.group for place in places}) == 6


def test_equal_contents_are_near_duplicates_without_being_named():
    [first, second] = draw.deal(["a", "a"], [], [None, None], seed=0)
    assert first == second


def test_a_later_near_duplicate_follows_whatever_its_own_number_says():
    early = deal(100)
    late = draw.deal(
        hashes(200), [[i, 100 + i] for i in range(100)], [*early, *[None] * 100], seed=0
    )
    assert late == early * 2


def test_what_joins_both_parts_belongs_to_neither():
    known = [draw.Place(0, "training", 0.9), draw.Place(1, "test", 0.1)]
    [_, _, new, other] = draw.deal(hashes(4), [[0, 1, 2, 3]], [*known, None, None], seed=0)
    assert new == other
    assert (new.part, new.group) == ("neither", 2)
    # And so does what is like that one.
    [_, last] = draw.deal(hashes(2), [[0, 1]], [new, None], seed=0)
    assert last.part == "neither"
    assert last.group != new.group


def test_what_joins_two_groups_of_one_part_joins_the_first():
    known = [draw.Place(4, "training", 0.9), draw.Place(3, "training", 0.8)]
    assert draw.deal(hashes(3), [[0, 2], [2, 1]], [*known, None], seed=0)[2] == known[1]


def test_new_groups_have_numbers_that_none_ever_had():
    known = [draw.Place(3, "training", 0.9), None]
    assert draw.deal(hashes(2), [], known, seed=0)[1].group == 4
    assert draw.deal(hashes(2), [], known, seed=0, first_group=9)[1].group == 9


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(ValueError, match="more than 0 and less than 1"):
        deal(3, share=share)


def test_places_and_photographs_must_be_as_many():
    with pytest.raises(ValueError, match="2 content hashes, 1 places"):
        draw.deal(hashes(2), [], [None], seed=0)


def test_no_photographs_need_no_places():
    assert deal(0) == []


@given(st.data())
def test_in_any_history_no_near_duplicates_are_split_and_nobody_changes_sides(data):
    """Scans of growing folders, with near-duplicates found anew each time."""
    count = data.draw(st.integers(1, 12))
    seed = data.draw(st.integers(0, 100))
    known: list[draw.Place] = []
    while len(known) < count:
        grown = data.draw(st.integers(len(known) + 1, count))
        pairs = data.draw(
            st.lists(st.lists(st.integers(0, grown - 1), min_size=2, max_size=3), max_size=4)
        )
        before = list(known)
        known = draw.deal(
            hashes(grown), pairs, [*before, *[None] * (grown - len(before))], seed=seed, share=0.5
        )
        assert known[: len(before)] == before
        new = range(len(before), grown)
        for group in pairs:
            for i in group:
                for j in group:
                    parts = {known[i].part, known[j].part}
                    # What was there already may be on both sides; what is new never makes it so.
                    if i in new or j in new:
                        assert parts != {"training", "test"}
    of_group: dict[int, set[str]] = {}
    for place in known:
        of_group.setdefault(place.group, set()).add(place.part)
    assert all(len(parts) == 1 for parts in of_group.values())
