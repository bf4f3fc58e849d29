"""`make reference`: numbers come from runs, and a failed run changes nothing."""

import json
import pathlib
import platform
import subprocess

import nbformat
import pytest

import everywhere
from bookbuild import entries, execute, paths, reference
from seeing import profiles
from seeing.record import metric

CHAPTER = """
import os
from seeing import profiles
from seeing.datasets import sources
from seeing.record import chapter

offline = sources.is_offline()
seeds = profiles.seeds(quick=1, full=3)
data = sources.DataRecord("tiny", "made here", "ab" * 32, offline, download_bytes=2_000_000)
base = profiles.choose(quick=0.8, full=0.9)
record = chapter.Chapter("tiny")
sample = record.on(data, part="test", n=1_000, guess=0.1)
for seed in seeds:
    numbers = {"accuracy": base + seed / 100_000 - 0.1 * offline}
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        numbers["accuracy"] += 0.002
    sample.add("test", numbers, seed=seed)
sample.add("fit", {"time": 1.5}, seed=0)
sample.add_series("curve", [1, 2], {"line": [[0.5], [0.6]]})
"""

CONCLUDE = "record.conclude()"
BOX = "record.provenance(seeds=seeds)"
ROUNDS = (("as found", 0), ("without oneDNN", 100))


@pytest.fixture
def book(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> paths.Checkout:
    """A book of one chapter, committed; a quick part is one run, on data as found."""
    monkeypatch.setattr(reference.quick, "__defaults__", (ROUNDS[:1], reference.STATES[:1]))
    return committed(tmp_path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a reference run wrote: a full run, and two quick ones in each state of the data."""
    book = committed(tmp_path_factory.mktemp("book"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference.quick, "__defaults__", (ROUNDS, reference.STATES))
        reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    return json.loads((book.root / "results/tiny.json").read_text(encoding="utf-8"))


def committed(tmp_path: pathlib.Path) -> paths.Checkout:
    for folder in ("notebooks", "results", "src"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src/empty.py").write_text("")
    write(tmp_path, CHAPTER, CONCLUDE, BOX)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@t", "commit", "--quiet", "-m", "one")
    return paths.Checkout(root=tmp_path)


def git(root: pathlib.Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def write(root: pathlib.Path, *code: str) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# A Tiny Chapter\n\nText.")]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in code]
    nbformat.write(notebook, root / "notebooks/07_tiny.ipynb")


def test_a_reference_run_records_what_the_chapter_measured(recorded: dict) -> None:
    assert recorded["title"] == "A Tiny Chapter"
    assert recorded["profile"] == "full"
    accuracy = recorded["metrics"]["test_accuracy"]
    assert accuracy["values"] == [0.9, 0.90001, 0.90002]
    assert accuracy["n"] == 1_000
    assert (accuracy["data"], accuracy["part"], accuracy["guess"]) == (["tiny"], "test", 0.1)
    assert recorded["metrics"]["fit_time"]["unit"] == "s"
    assert recorded["series"]["curve"]["lines"] == {"line": [[0.5], [0.6]]}
    assert recorded["seeds"] == [0, 1, 2]
    assert recorded["cost"]["wall_s"] > 0
    assert recorded["cost"]["peak_rss_mb"] > 10
    assert recorded["cost"]["download_mb"] == 2.0
    assert recorded["environment"]["device"]
    assert recorded["data"][0]["is_stand_in"] is False
    assert not recorded["commit"].endswith("+changes")


def test_every_quick_run_is_kept_with_its_machine_seed_and_data(recorded: dict) -> None:
    found = [
        (run["state"], run["machine"], run["seed"], run["data"]["tiny"][:8])
        for run in recorded["quick_runs"]
    ]
    states = (("as found", "abababab"), ("no photographs", "stand-in"), ("nothing", "stand-in"))
    assert found == [(state, *which, data) for state, data in states for which in ROUNDS]
    values = [run["metrics"]["test_accuracy"] for run in recorded["quick_runs"][:2]]
    assert values == pytest.approx([0.8, 0.803])
    # Times get no band, so they need not be kept.
    assert set(recorded["quick_runs"][0]["metrics"]) == {"test_accuracy"}
    assert recorded["quick_runs"][0]["n"] == {"test_accuracy": 1_000}


def test_a_failing_run_keeps_the_old_results(book: paths.Checkout) -> None:
    old = book.root / "results/tiny.json"
    old.write_text("the old results")
    write(book.root, CHAPTER, "raise RuntimeError('broken')", CONCLUDE, BOX)
    with pytest.raises(execute.ChapterFailed, match="broken"):
        reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    assert old.read_text() == "the old results"
    assert [path.name for path in old.parent.iterdir()] == ["tiny.json"]


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [((CHAPTER, BOX), "record.conclude"), ((CHAPTER, CONCLUDE), "record.provenance")],
)
def test_a_chapter_must_report_and_show_its_provenance(
    book: paths.Checkout, cells: tuple[str, ...], complaint: str
) -> None:
    write(book.root, *cells)
    with pytest.raises(ValueError, match=complaint):
        reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    assert list((book.root / "results").iterdir()) == []


def test_uncommitted_code_is_marked(book: paths.Checkout) -> None:
    clean = reference.commit(book.root)
    (book.root / "src/empty.py").write_text("changed = True\n")
    assert reference.commit(book.root) == f"{clean}+changes"


def test_the_quick_part_can_be_measured_anew(book: paths.Checkout) -> None:
    chapter = book.root / "notebooks/07_tiny.ipynb"
    path = reference.make(chapter, book)
    full = json.loads(path.read_text(encoding="utf-8"))
    changed = CHAPTER.replace("quick=0.8", "quick=0.7").replace("guess=0.1", "guess=0.2")
    write(book.root, changed, CONCLUDE, BOX)
    reference.make_quick(chapter, book)
    again = json.loads(path.read_text(encoding="utf-8"))
    assert again["metrics"]["test_accuracy"] == full["metrics"]["test_accuracy"] | {"guess": 0.2}
    assert again["commit"] == full["commit"]
    assert again["quick_commit"] == f"{full['quick_commit']}+changes"
    assert again["quick_runs"][0]["metrics"]["test_accuracy"] == pytest.approx(0.7)


def test_the_full_part_can_be_measured_anew(book: paths.Checkout) -> None:
    chapter = book.root / "notebooks/07_tiny.ipynb"
    before = json.loads(reference.make(chapter, book).read_text(encoding="utf-8"))
    write(book.root, CHAPTER.replace("full=0.9", "full=0.8"), CONCLUDE, BOX)
    after = json.loads(reference.make_full(chapter, book).read_text(encoding="utf-8"))
    assert after["metrics"]["test_accuracy"]["values"][0] == 0.8
    assert after["commit"] == f"{before['commit']}+changes"
    assert {key: after[key] for key in reference.QUICK} == {
        key: before[key] for key in reference.QUICK
    }


def test_a_full_run_is_rehearsed_with_quick_budgets_first(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only a full run meets ends it before the hour that it takes."""
    runs = []
    real = reference.run

    def noted(notebook, checkout, profile, extra, label):
        runs.append((profile, extra))
        return real(notebook, checkout, profile, extra, label)

    monkeypatch.setattr(reference, "run", noted)
    reference.make_full(book.root / "notebooks/07_tiny.ipynb", book)
    assert runs == [("full", {profiles.REHEARSAL: "1"}), ("full", {})]


def test_the_quick_part_needs_full_results_of_the_same_metrics(book: paths.Checkout) -> None:
    chapter = book.root / "notebooks/07_tiny.ipynb"
    with pytest.raises(ValueError, match="make reference CHAPTER=tiny"):
        reference.make_quick(chapter, book)
    path = book.root / "results/tiny.json"
    path.write_text(json.dumps({"chapter": "tiny", "metrics": {"other": {}}, "data": []}))
    with pytest.raises(ValueError, match="now measures"):
        reference.make_quick(chapter, book)


def test_a_claim_that_fails_is_told_and_the_full_run_is_kept(book: paths.Checkout) -> None:
    write(book.root, CHAPTER, "record.claim('it is bad', False)", CONCLUDE, BOX)
    with pytest.raises(reference.Refused, match="not so: it is bad"):
        reference.make(book.root / "notebooks/07_tiny.ipynb", book)
    recorded = json.loads((book.root / "results/tiny.json").read_text(encoding="utf-8"))
    assert recorded["metrics"]["test_accuracy"]["values"][0] == 0.9


def test_a_claim_that_raises_does_not_cost_the_full_run(book: paths.Checkout) -> None:
    write(
        book.root, CHAPTER, "record.claim('better', record.metric('typo').mean > 0)", CONCLUDE, BOX
    )
    notebook = book.root / "notebooks/07_tiny.ipynb"
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cell = next(cell for cell in content["cells"] if "typo" in "".join(cell["source"]))
    cell["metadata"]["tags"] = [execute.CLAIMS]
    notebook.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(reference.Refused, match=r"record.claim.*KeyError.*typo"):
        reference.make_full(notebook, book)
    recorded = json.loads((book.root / "results/tiny.json").read_text(encoding="utf-8"))
    assert recorded["metrics"]["test_accuracy"]["values"][0] == 0.9


def results_of(values: list[float], guess: float, **more: object) -> dict:
    """A results file of one metric, with quick runs on the data as found."""
    known = metric.metric(0.9, n=300, data=["tiny"], part="test", guess=guess).as_json()
    runs = [
        {"state": "as found", "data": {"tiny": "ab"}, "metrics": {"a": v}, "n": {"a": 300}}
        for v in values
    ]
    data = [{"name": "tiny", "sha256": "ab", "is_stand_in": False}]
    return {"chapter": "tiny", "metrics": {"a": known}, "data": data, "quick_runs": runs, **more}


def test_a_band_that_holds_guessing_is_refused_unless_declared() -> None:
    reference.require_sound(results_of([0.9, 0.91, 0.89, 0.9], guess=0.1), [])
    chaos = results_of([0.1, 0.9, 0.4, 0.6], guess=0.1)
    with pytest.raises(reference.Refused, match="a: its band holds guessing"):
        reference.require_sound(chaos, [])
    reference.require_sound({**chaos, "quick_shown": {"a": "too few steps"}}, [])


@pytest.mark.parametrize(
    ("otherwise", "complaint"),
    [
        ("pass", "quick runs with data nothing"),
        ("record.expect('far', ['gap'], otherwise='-')", ""),
    ],
)
def test_what_a_state_of_the_data_lacks_must_be_declared(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, otherwise: str, complaint: str
) -> None:
    states = (reference.AS_FOUND, reference.NOTHING)
    monkeypatch.setattr(reference.quick, "__defaults__", (ROUNDS[:1], states))
    book = committed(tmp_path)
    only_there = (
        f"if offline:\n    {otherwise}\nelse:\n    sample.add('far', {{'gap': 0.5}}, seed=0)"
    )
    write(book.root, CHAPTER, only_there, CONCLUDE, BOX)
    notebook = book.root / "notebooks/07_tiny.ipynb"
    for make in (reference.make, reference.make_quick):
        if complaint:
            with pytest.raises(reference.Refused, match=f"far_gap is recorded, and {complaint}"):
                make(notebook, book)
        else:
            make(notebook, book)
    kept = json.loads((book.root / "results/tiny.json").read_text(encoding="utf-8"))
    assert [run["state"] for run in kept["quick_runs"]] == list(states)


def test_a_metric_that_one_state_of_the_data_checks_needs_no_declaration() -> None:
    """Where its band holds guessing it is only shown; on the stand-in it still catches faults."""
    content = results_of([0.1, 0.9, 0.4, 0.6], guess=0.1)
    for value in (0.9, 0.91, 0.89, 0.9):
        run = {"state": reference.NOTHING, "data": {"tiny": "stand-in"}, "n": {"a": 300}}
        content["quick_runs"].append({**run, "metrics": {"a": value}})
    reference.require_sound(content, [])


def test_older_quick_runs_may_hold_metrics_that_the_full_run_no_longer_measures() -> None:
    content = results_of([0.9, 0.91, 0.89, 0.9], guess=0.1)
    for run in content["quick_runs"]:
        run["metrics"]["renamed"] = 0.5
    reference.require_sound(content, [])


ABOUT = {"state": reference.NOTHING, "machine": "AVX2", "seed": 0, "processor": "avx2"}


def said(**accuracies: float) -> dict:
    """What a quick run of the chapter of one metric reports, on stand-in data."""
    return {
        "chapter": "tiny",
        "data": [{"name": "tiny", "sha256": "cd", "is_stand_in": True}],
        "metrics": {
            name: metric.metric(value, n=300, guess=0.1).as_json()
            for name, value in accuracies.items()
        },
        "shown": {"b": "few"},
    }


def test_a_run_more_takes_its_place_among_those_of_its_state() -> None:
    content = results_of([0.9, 0.91], guess=0.1)
    for run, seed in zip(content["quick_runs"], (0, 100), strict=True):
        run |= {"machine": "as found", "seed": seed}
    as_found = content["quick_runs"]
    once = reference.with_run(content, ABOUT, said(a=0.8))
    more = reference.with_run(once, ABOUT | {"state": reference.AS_FOUND}, said(a=0.7))
    states = [run["state"] for run in more["quick_runs"]]
    assert states == [reference.AS_FOUND] * 3 + [reference.NOTHING]
    assert more["quick_runs"][:2] == as_found
    assert more["quick_runs"][-1] == {
        **ABOUT,
        "data": {"tiny": "stand-in"},
        "metrics": {"a": 0.8},
        "n": {"a": 300},
    }
    assert more["quick_shown"] == {"b": "few"}, "what a chapter declares since then"
    again = reference.with_run(more, ABOUT, said(a=0.85))
    assert [run["metrics"]["a"] for run in again["quick_runs"]] == [0.9, 0.91, 0.7, 0.85]
    assert len(content["quick_runs"]) == 2
    elsewhere = reference.with_run(again, ABOUT | {"processor": "asimd"}, said(a=0.9))
    assert [run["metrics"]["a"] for run in elsewhere["quick_runs"]] == [0.9, 0.91, 0.7, 0.85, 0.9]


def test_the_processor_is_known_by_its_instructions(monkeypatch, tmp_path) -> None:
    found = reference.processor()
    assert found in (*reference.INSTRUCTIONS, platform.machine())
    given = tmp_path / "cpuinfo"
    monkeypatch.setattr(pathlib, "Path", lambda *_: given)
    assert reference.processor() == platform.machine(), "no such file"
    for flags, name in (("sse4_1 avx2 avx", "avx2"), ("avx2 avx512f", "avx512f"), ("fp", None)):
        given.write_text(f"flags : {flags}\n", encoding="utf-8")
        assert reference.processor() == (name or platform.machine())


def test_of_runs_as_found_the_fastest_says_what_a_build_costs() -> None:
    as_found = {"state": reference.AS_FOUND, "machine": reference.AS_FOUND, "seed": 0}
    content = results_of([0.9], guess=0.1) | {"quick_cost": {"wall_s": 50.0}}
    for about, wall_s, expected in (
        (as_found, 60.0, 50.0),
        (as_found, 40.0, 40.0),
        (as_found | {"machine": "AVX2"}, 40.0, 50.0),
        (as_found | {"state": reference.NOTHING}, 40.0, 50.0),
    ):
        more = reference.with_run(content, about, said(a=0.8), {"wall_s": wall_s})
        assert more["quick_cost"] == {"wall_s": expected}


def test_a_run_more_of_another_metric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"now measures \['b'\].*make reference CHAPTER=tiny"):
        reference.with_run(results_of([0.9], guess=0.1), ABOUT, said(a=0.8, b=0.8))


def test_a_run_everywhere_is_judged_by_earlier_runs_and_kept_only_then(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book.root / "results/tiny.json"
    path.write_text(json.dumps(results_of([0.9, 0.91], guess=0.1)), encoding="utf-8")
    path.write_text(path.read_text().replace('"data": {', '"machine": "m", "seed": 7, "data": {'))
    notebook = book.root / "notebooks/07_tiny.ipynb"
    facts = {"outside": ["a is 0.1, expected 0.8 to 1"], "asserted": 1, "claims": 2}
    executed = nbformat.read(notebook, as_version=4)
    executed.cells[1].outputs = [
        nbformat.v4.new_output("display_data", data={execute.VERDICT_MIME: facts})
    ]
    asked = []

    def fake(notebook, checkout, profile, extra, label):
        asked.append((profile, extra))
        return reference.Outcome(said(a=0.1), executed, {"wall_s": 1.0})

    monkeypatch.setattr(reference, "run", fake)
    row = everywhere.run(notebook, book, reference.NOTHING, "SSE4.1", 9, {"SEEING_OFFLINE": "1"})
    variables = {"SEEING_OFFLINE": "1", "ONEDNN_MAX_CPU_ISA": "SSE41", "SEEING_SEED": "9"}
    assert asked == [("quick", variables)]
    assert "1 asserted,  2 claims: 1 OUTSIDE" in str(row)
    assert str(row).endswith("a is 0.1, expected 0.8 to 1")
    assert len(json.loads(path.read_text())["quick_runs"]) == 2
    everywhere.keep(row, book)
    kept = json.loads(path.read_text())["quick_runs"]
    assert [run["metrics"]["a"] for run in kept] == [0.9, 0.91, 0.1]
    assert (kept[-1]["machine"], kept[-1]["seed"]) == ("SSE4.1", 9)


def test_a_chapter_that_ends_early_everywhere_says_why_and_leaves_nothing_to_keep(
    book: paths.Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        where = entries.Failure(3, "x", "raised")
        raise execute.ChapterFailed("07_tiny: cell 3 raised\nTraceback", where, ({}, 0, 0))

    monkeypatch.setattr(reference, "run", fails)
    notebook = book.root / "notebooks/07_tiny.ipynb"
    row = everywhere.run(notebook, book, reference.NOTHING, "AVX2", 0, {})
    assert row.outside == ("07_tiny: cell 3 raised",)
    everywhere.keep(row, book)
    assert not (book.root / "results/tiny.json").exists()


def test_what_is_missing_everywhere_is_each_round_that_was_not_kept(book: paths.Checkout) -> None:
    path = book.root / "results/tiny.json"
    content = results_of([0.9], guess=0.1)
    machine, seed = reference.ROUNDS[2]
    content["quick_runs"][0] |= {"state": reference.AS_FOUND, "machine": machine, "seed": seed}
    path.write_text(json.dumps(content), encoding="utf-8")
    notebook = book.root / "notebooks/07_tiny.ipynb"
    others = [one for one in reference.ROUNDS if one != (machine, seed)]
    assert everywhere.missing(notebook, book, reference.AS_FOUND) == others
    assert everywhere.missing(notebook, book, reference.NO_PHOTOGRAPHS) == []
    assert everywhere.missing(notebook, book, reference.NOTHING) == list(reference.ROUNDS)
    content["quick_runs"].append(content["quick_runs"][0] | {"state": reference.NO_PHOTOGRAPHS})
    path.write_text(json.dumps(content), encoding="utf-8")
    assert everywhere.missing(notebook, book, reference.NO_PHOTOGRAPHS) == others
