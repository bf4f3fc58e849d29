"""The results files in git: whole, and with bands that hold each of their own runs."""

import dataclasses

import pytest

from bookbuild import paths
from seeing.record import bands, metric, reference

CHAPTERS = [path.stem.partition("_")[2] for path in paths.default().chapters()]


@pytest.fixture(params=CHAPTERS)
def recorded(request: pytest.FixtureRequest) -> reference.Recorded:
    return reference.load(request.param)


def test_every_chapter_has_results() -> None:
    assert set(CHAPTERS) <= set(reference.chapters())


def test_every_metric_says_what_it_was_measured_on(recorded: reference.Recorded) -> None:
    known = set(recorded.editions())
    for name, found in recorded.measured.items():
        assert found.data or found.unit in metric.TIMES, name
        assert set(found.data) <= known, name
        if found.unit == metric.FRACTION and name.endswith("_accuracy"):
            assert found.part in ("training", "validation", "test"), name


def test_there_are_quick_runs_of_several_machines_seeds_and_states(
    recorded: reference.Recorded,
) -> None:
    runs = recorded.content["quick_runs"]
    assert len({run["machine"] for run in runs}) >= 3
    assert len({run["seed"] for run in runs}) >= 3
    assert {"as found", "nothing"} <= {run["state"] for run in runs}


def test_no_band_holds_what_guessing_gives(recorded: reference.Recorded) -> None:
    """On the data as found: such a metric is declared, or has no guess."""
    run = next(run for run in recorded.content["quick_runs"] if run["state"] == "as found")
    measured = {
        name: dataclasses.replace(recorded.measured[name], values=(value,))
        for name, value in run["metrics"].items()
    }
    shown = recorded.content["quick_shown"]
    verdict = reference.compare(recorded, measured, run["data"], shown=shown)
    assert [name for name, why in verdict.unchecked.items() if "guessing" in why] == []
    assert verdict.outside == []
    assert len(verdict.bands) >= 5


def test_each_quick_run_lies_in_the_bands_that_the_others_make(
    recorded: reference.Recorded,
) -> None:
    """No run is special: leave one out, and the others' bands hold it."""
    alarms = []
    runs = recorded.content["quick_runs"]
    for left_out in runs:
        others = [run for run in runs if run is not left_out and run["data"] == left_out["data"]]
        earlier = {
            name: bands.Earlier(
                tuple(run["metrics"][name] for run in others if name in run["metrics"]),
                left_out["n"].get(name, 0),
                recorded.measured[name].unit,
            )
            for name in left_out["metrics"]
            if name not in recorded.content["quick_shown"]
        }
        earlier = {name: one for name, one in earlier.items() if one.freedom >= 1}
        limits = bands.bands(earlier, chapters=len(reference.chapters()))
        alarms += [
            f"{name}: {left_out['metrics'][name]} is not in {limits[name]}"
            for name in earlier
            if not limits[name].holds(left_out["metrics"][name])
        ]
    assert alarms == []
