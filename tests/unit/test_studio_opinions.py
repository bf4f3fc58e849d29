"""What labelers agree on, as a function of what each says."""

import itertools

import pytest

from seeing.studio import opinions


def said(labeler_id: int, *class_ids: int, kind="label", event=0, **more) -> opinions.Opinion:
    event = event or labeler_id
    since = more.pop("since", event)
    decides = more.pop("decides", False)
    return opinions.Opinion(1, labeler_id, event, kind, class_ids, None, decides, since)


@pytest.mark.parametrize(
    ("together", "class_ids", "disputed"),
    [
        ([said(1, 5)], (5,), False),
        ([said(1, 5), said(2, 5), said(3, 5)], (5,), False),
        ([said(1, 5), said(2, 6)], None, True),
        ([said(1, 5), said(2, 5), said(3, 6)], None, True),
        ([said(1, 5), said(2, kind="unsure")], None, True),
        ([said(1, kind="unsure"), said(2, kind="unsure")], None, False),
        ([said(1, 5), said(2, kind="skip"), said(3, kind="clear")], (5,), False),
        ([said(1), said(2)], (), False),  # none of these
        ([said(1), said(2, 5)], None, True),
        ([said(1, 5), said(2, 6, decides=True)], (6,), False),
        ([said(1, 5), said(2, 6, decides=True), said(3, 6)], (6,), False),
        ([said(1, 5), said(2, 6, decides=True), said(3, 7)], None, True),
        ([said(1, 5), said(2, kind="unsure", decides=True)], None, False),
        ([said(1, 5, decides=True), said(2, 6, decides=True)], (6,), False),
        # An old decision that an undo has restored counts from when it was made.
        ([said(1, 5, event=9), said(2, 6, event=10, since=3, decides=True)], None, True),
    ],
)
def test_agreement_is_a_function_of_what_all_say(together, class_ids, disputed):
    for order in itertools.permutations(together):
        found = opinions.agreed(order)[1]
        assert (found.class_ids, found.disputed) == (class_ids, disputed)


def test_what_nobody_has_an_opinion_of_is_not_named():
    assert opinions.agreed([said(1, kind="skip"), said(2, kind="clear")]) == {}
