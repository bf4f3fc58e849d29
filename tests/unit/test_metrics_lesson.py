"""Chapter 5's own: what the demo of the threshold reads."""

import json

import numpy as np
import pytest

from seeing.lessons import metrics as lessons

JOBS = {"screening": {"miss": 50, "false": 1}}


def test_the_demo_s_file_holds_answers_labels_and_what_they_come_to(tmp_path):
    logits, positive = np.array([-5.0, -1.0, 1.0, 3.0]), np.array([False, True, False, True])
    path = tmp_path / "exports" / "scores.json"
    written = lessons.write_demo(path, logits, positive, JOBS, what="an eight")
    assert json.loads(path.read_text(encoding="utf-8")) == written
    assert written["logits"] == [-5.0, -1.0, 1.0, 3.0]
    assert written["positives"] == "0101"
    assert written["jobs"] == {"screening": {"miss": 50, "alarm": 1}}
    by_threshold = {one.pop("threshold"): one for one in written["checks"]}
    assert by_threshold[0.0] == {"tn": 1, "fp": 1, "fn": 1, "tp": 1}
    assert by_threshold[-4.0] == {"tn": 1, "fp": 1, "fn": 0, "tp": 2}
    assert by_threshold[5.0] == {"tn": 2, "fp": 0, "fn": 2, "tp": 0}


@pytest.mark.parametrize(
    ("logits", "positive", "message"),
    [
        (np.zeros(3), np.zeros(2, bool), "expected one a row"),
        (np.zeros((2, 1)), np.zeros((2, 1), bool), "expected one a row"),
        (np.zeros(2), np.ones(2, bool), "of one kind"),
        (np.zeros(2), np.zeros(2, bool), "of one kind"),
    ],
)
def test_answers_that_no_demo_can_show_are_refused(tmp_path, logits, positive, message):
    with pytest.raises(ValueError, match=message):
        lessons.write_demo(tmp_path / "a.json", logits, positive, JOBS, what="an eight")
    assert not list(tmp_path.iterdir())
