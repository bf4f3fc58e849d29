"""The results files in git: whole, and with bands that hold each of their own runs."""

import dataclasses

import pytest

from bookbuild import chapters, paths
from bookbuild import reference as recording
from seeing.record import bands, reference

CHAPTERS = [chapters.slug(path) for path in paths.default().chapters()]


@pytest.fixture(params=CHAPTERS)
def recorded(request: pytest.FixtureRequest) -> reference.Recorded:
    return reference.load(request.param)


def test_every_chapter_has_results() -> None:
    assert set(CHAPTERS) <= set(reference.chapters())


def test_every_asserted_metric_says_what_it_was_measured_on(recorded: reference.Recorded) -> None:
    """What only a full run measures says so since results files keep it: at its next recording."""
    run = next(run for run in recorded.content["quick_runs"] if run["state"] == "as found")
    for name in run["metrics"]:
        found = recorded.measured[name]
        # XOR's four points are written down in the chapter, and no data set.
        assert found.data or name.startswith("xor_"), name
        assert set(found.data) <= set(run["data"]), name
        if name.endswith("_accuracy"):
            assert found.part in ("training", "validation", "test"), name


def test_there_are_quick_runs_of_several_machines_seeds_and_states(
    recorded: reference.Recorded,
) -> None:
    runs = recorded.content["quick_runs"]
    assert len({run["machine"] for run in runs}) >= 3
    assert len({run["seed"] for run in runs}) >= 3
    assert {"as found", "nothing"} <= {run["state"] for run in runs}


def test_a_run_as_found_lies_in_its_bands_and_enough_of_them_would_catch_guessing(
    recorded: reference.Recorded,
) -> None:
    run = next(run for run in recorded.content["quick_runs"] if run["state"] == "as found")
    measured = {
        name: dataclasses.replace(recorded.measured[name], values=(value,))
        for name, value in run["metrics"].items()
    }
    shown = recorded.content["quick_shown"]
    verdict = reference.compare(recorded, measured, run["data"], shown=shown)
    assert verdict.outside == []
    # A chapter of formulas is checked by its exact cells, and measures little.
    assert len(verdict.bands) >= (5 if len(measured) > 10 else 3)
    for name, band in verdict.bands.items():
        assert not band.holds(recorded.measured[name].guess), name


def test_a_metric_whose_bands_all_hold_guessing_is_declared(recorded: reference.Recorded) -> None:
    assert recording.worthless(dict(recorded.content)) == {}


def test_each_quick_run_lies_in_the_bands_that_the_others_make(
    recorded: reference.Recorded,
) -> None:
    """No run of a build's seed is special: leave one out, and the others' bands hold it."""
    alarms = []
    runs = recorded.content["quick_runs"]
    for left_out in (run for run in runs if run["seed"] == 0):
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
