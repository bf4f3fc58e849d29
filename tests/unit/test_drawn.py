"""drawn: figures show the recorded run first, and never mix it with this one."""

import json

import numpy as np
import pytest
from matplotlib import pyplot as plt

from seeing.record import chapter, drawn, reference
from seeing.record import metric as metrics


class TestFigures:
    @pytest.fixture
    def record(self, tmp_path, monkeypatch):
        """A chapter whose results hold one series, recorded with two seeds."""
        line = {"x": [1, 2, 3], "lines": {"a": [[0.1, 0.3], [0.2, 0.4], [0.3, 0.5]]}}
        history = {"x": [1, 2], "lines": {"loss": [[2.0], [1.0]]}}
        series = {"known": line, "known_run_history": history}
        content = {"chapter": "some", "metrics": {}, "data": [], "series": series}
        (tmp_path / "some.json").write_text(json.dumps(content))
        monkeypatch.setattr(reference, "folder", lambda: tmp_path)
        monkeypatch.delenv(reference.REPORT_VARIABLE, raising=False)
        return chapter.Chapter("some")

    def test_a_recorded_series_is_drawn_before_this_run(self, record):
        here = {"a": [[0.9], [0.8]]}
        x, lines, whose = drawn.recorded_or_here(record, record.on(), "known", [1, 2], here)
        assert x == [1, 2, 3] and whose == drawn.RECORDED
        assert [one.mean for one in lines["a"]] == pytest.approx([0.2, 0.3, 0.4])

    def test_this_run_is_drawn_where_nothing_was_recorded(self, record):
        x, lines, whose = drawn.recorded_or_here(
            record, record.on(), "new", range(2), {"a": [[0.9], [0.8]]}
        )
        assert x == [0, 1] and whose == drawn.HERE
        assert [one.values for one in lines["a"]] == [(0.9,), (0.8,)]

    def test_histories_are_all_recorded_or_all_of_this_run(self, record):
        here = {"Known run": {"loss": [9.0]}, "new run": {"loss": [8.0, 7.0]}}
        known = {"Known run": here["Known run"]}
        found, whose = drawn.recorded_or_these_runs(record, record.on(), known)
        assert found == {"Known run": {"loss": [2.0, 1.0]}}
        assert whose == drawn.RECORDED
        found, whose = drawn.recorded_or_these_runs(record, record.on(), here)
        assert found == here and whose == drawn.HERE

    def test_recorded_numbers_are_stars_with_bars(self):
        axis = plt.figure().subplots()
        recorded = [metrics.metric([0.2, 0.4]), metrics.metric([0.5, 0.5])]
        drawn.add_recorded(axis, (3, 5), recorded, color="red")
        (star,) = [line for line in axis.lines if line.get_marker() == "*"]
        np.testing.assert_allclose(star.get_xydata(), [[3, 0.3], [5, 0.5]])
        plt.close("all")

    def test_this_run_is_gray_and_leaves_out_what_it_did_not_measure(self):
        axis = plt.figure().subplots()
        lines = {"plain": [None, metrics.metric(0.4)], "other": [metrics.metric(0.5), None]}
        drawn.add_this_run(axis, lines)
        assert [line.get_label() for line in axis.lines] == ["plain, this run", "other, this run"]
        np.testing.assert_array_equal(axis.lines[0].get_ydata(), [np.nan, 0.4])
        with pytest.raises(ValueError, match="2 lines, but only the markers 'x'"):
            drawn.add_this_run(axis, lines, "x")
        plt.close("all")
