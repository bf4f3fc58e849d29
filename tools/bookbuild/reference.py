"""Make a chapter's reference results: a full run, and quick runs that bands are made from.

The full profile gives the numbers. The quick profile runs under several seeds, on several kinds of
machine (instruction sets, libraries and threads, as far as one machine can play others) and in
every state of the data: as found here, without photographs, with nothing at all. What those runs
measured is kept, one entry a run; ``seeing.record.bands`` makes bands of it. Nothing in the file
is typed.
"""

import contextlib
import dataclasses
import datetime
import json
import pathlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import nbformat

from bookbuild import chapters, execute, paths
from seeing import profiles
from seeing.datasets import sources
from seeing.record import metric as metrics
from seeing.record import reference

ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

# Other machines, as far as this one can play them: what decides in which order numbers are added.
MACHINES = {
    "as found": {},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "one thread": ONE_THREAD,
    "one thread, without oneDNN": {**ONE_THREAD, "TF_ENABLE_ONEDNN_OPTS": "0"},
}

# Seed and machine change together: a band is to hold for both. A build has seed 0.
ROUNDS = (
    ("as found", 0),
    ("without oneDNN", 100),
    ("SSE4.1", 200),
    ("one thread", 300),
    ("without oneDNN", 0),
    ("SSE4.1", 0),
    ("one thread, without oneDNN", 400),
    ("AVX2", 500),
)

AS_FOUND, NO_PHOTOGRAPHS, NOTHING = "as found", "no photographs", "nothing"
STATES = (AS_FOUND, NO_PHOTOGRAPHS, NOTHING)

# What package registries serve: a reader behind a firewall has these, and stand-ins for the rest.
IN_REGISTRIES = ("mnist", "resnet50_imagenet")


class Refused(Exception):
    """Results were written, and something in them must be mended; the message says what."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One run of a chapter.

    Attributes:
        said: what the chapter reported, as ``chapter.Chapter.conclude`` writes it.
        executed: the chapter with its outputs.
        cost: seconds, memory and download.
    """

    said: dict[str, Any]
    executed: nbformat.NotebookNode
    cost: dict[str, float]

    @property
    def box(self) -> dict[str, Any] | None:
        """What the chapter's provenance box says; None where it has none."""
        return execute.provenance(self.executed)


def make(notebook: pathlib.Path, checkout: paths.Checkout) -> pathlib.Path:
    """Run a chapter in full and in quick, and write its results file.

    Args:
        notebook: the chapter.
        checkout: the book.

    Returns:
        The path of the results file, written in one step at the end.

    Raises:
        execute.ChapterFailed: when a cell raises; the old results file stays.
        ValueError: when the chapter reports nothing, or shows no provenance box.
        Refused: after writing, when a claim does not hold, a band would prove nothing, or a quick
            run says nothing of something that is recorded.
    """
    content, claims_failed = _full(notebook, checkout)
    # The full run took long: it is kept, whatever becomes of the quick ones.
    write(content, checkout)
    fresh = quick(notebook, checkout)
    content |= of_quick_runs(fresh)
    path = write(content, checkout)
    require_sound(content, claims_failed, fresh["accounted_for"])
    return path


def make_full(notebook: pathlib.Path, checkout: paths.Checkout) -> pathlib.Path:
    """Run only the full profile anew; the quick runs that are recorded stay.

    Returns:
        The path of the results file.

    Raises:
        execute.ChapterFailed: when a cell raises; the old results file stays.
        ValueError: when the chapter reports nothing, or shows no provenance box.
        Refused: after writing, when a claim does not hold or a band would prove nothing.
    """
    content, claims_failed = _full(notebook, checkout)
    path = write(content, checkout)
    require_sound(content, claims_failed)
    return path


def _full(notebook: pathlib.Path, checkout: paths.Checkout) -> tuple[dict[str, Any], Sequence[str]]:
    """What a full run measured, with the quick runs of before, and the claims that do not hold."""
    at = commit(checkout.root)
    # With all seeds and the quick budgets first: a mistake that only a full run meets comes in
    # minutes, and not after an hour. What it measures is thrown away.
    run(notebook, checkout, "full", {profiles.REHEARSAL: "1"}, "rehearsal")
    full = run(notebook, checkout, "full", {}, "full profile")
    if full.box is None:
        raise ValueError(f"{notebook.name} shows no provenance box: call record.provenance(...)")
    content = {
        "chapter": full.said["chapter"],
        "title": chapters.title(notebook),
        "profile": "full",
        "recorded": datetime.date.today().isoformat(),
        "commit": at,
        "metrics": full.said["metrics"],
        "series": full.said["series"],
        "cost": full.cost,
        "data": full.said["data"],
        "environment": full.box["environment"],
        "seeds": full.box["seeds"],
    }
    before = checkout.root / "results" / f"{content['chapter']}.json"
    if before.is_file():
        content |= of_quick_runs(json.loads(before.read_text(encoding="utf-8")))
    return content, full.said["claims_failed"]


def of_quick_runs(content: dict[str, Any]) -> dict[str, Any]:
    """The part of a results file's content that quick runs leave."""
    return {key: content[key] for key in QUICK if key in content}


def make_quick(notebook: pathlib.Path, checkout: paths.Checkout) -> pathlib.Path:
    """Run only the quick profile anew: what bands are made from, and its cost.

    The full results stay; what a metric is measured on, and what guessing would get, is taken
    from the chapter as it is now.

    Raises:
        ValueError: when the chapter has no full results yet, or measures other metrics now.
        Refused: after writing, when a band would prove nothing, or a quick run says nothing of
            something that is recorded.
    """
    slug = chapters.slug(notebook)
    content = read(slug, checkout)
    fresh = quick(notebook, checkout)
    content = with_quick(content, fresh)
    path = write(content, checkout)
    require_sound(content, [], fresh["accounted_for"])
    return path


def with_quick(content: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """A results file's content with quick runs in place of its older ones.

    Raises:
        ValueError: when the quick runs measured what the full run did not.
    """
    described = fresh["described"]
    _require_recorded(described, content)
    recorded = {}
    for name, found in content["metrics"].items():
        same = {key: found[key] for key in ("mean", "std", "values", "n", "unit")}
        recorded[name] = same | {key: found[key] for key in KINDS if key in found}
        recorded[name] |= described.get(name, {})
    kept = {key: value for key, value in content.items() if key not in OUTDATED}
    return kept | {"metrics": recorded} | of_quick_runs(fresh)


# What a metric is, apart from its values.
KINDS = ("unit", "data", "part", "guess")

# What quick runs leave in a results file.
QUICK = ("quick_recorded", "quick_commit", "quick_cost", "quick_shown", "quick_runs")

# What earlier results files held in place of the runs themselves.
OUTDATED = ("quick_band", "stand_in_band", "quick_not_measured")


def quick(
    notebook: pathlib.Path,
    checkout: paths.Checkout,
    rounds: Sequence[tuple[str, int]] = ROUNDS,
    states: Sequence[str] = STATES,
) -> dict[str, Any]:
    """Runs of the quick profile on every kind of machine, in every state of the data.

    Args:
        notebook: the chapter.
        checkout: the book.
        rounds: names of ``MACHINES`` and seeds, one pair a run.
        states: of the data, the state as found first.
    """
    at = commit(checkout.root)
    outcomes: list[tuple[dict[str, Any], Outcome]] = []
    for state in states:
        if state == NO_PHOTOGRAPHS and not _uses_photographs(outcomes):
            continue
        with data(state) as variables:
            for machine, seed in rounds:
                environment = {**variables, **MACHINES[machine], "SEEING_SEED": str(seed)}
                label = f"quick, data {state}, machine {machine}, seed {seed}"
                outcome = run(notebook, checkout, "quick", environment, label)
                about = {"state": state, "machine": machine, "seed": seed}
                outcomes.append((about, outcome))
    return summary(outcomes, at)


def summary(outcomes: Sequence[tuple[dict[str, Any], Outcome]], at: str) -> dict[str, Any]:
    """What a results file keeps of quick runs.

    Args:
        outcomes: the runs, each with its state of the data, machine and seed.
        at: the commit.
    """
    as_found = [outcome for about, outcome in outcomes if about["state"] == AS_FOUND]
    described: dict[str, dict[str, Any]] = {}
    for _, outcome in outcomes:
        for name, found in outcome.said["metrics"].items():
            described.setdefault(name, {kind: found[kind] for kind in KINDS})
    return {
        "quick_recorded": datetime.date.today().isoformat(),
        "quick_commit": at,
        "quick_cost": _fastest([one.cost for one in as_found]),
        "quick_shown": {k: v for one in as_found for k, v in one.said["shown"].items()},
        "quick_runs": [entry(about, outcome.said) for about, outcome in outcomes],
        "described": described,
        "accounted_for": _accounted_for(outcomes),
    }


def _accounted_for(outcomes: Sequence[tuple[dict[str, Any], Outcome]]) -> dict[str, set[str]]:
    """By state of the data: what all its runs measured, or said why they did not."""
    found: dict[str, set[str]] = {}
    for about, outcome in outcomes:
        names = {*outcome.said["metrics"], *outcome.said["not_measured"]}
        found[about["state"]] = found.get(about["state"], names) & names
    return found


def _fastest(costs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The cost of the fastest run: the others may have shared the machine with something."""
    return min(costs, key=lambda cost: cost["wall_s"])


def entry(about: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """One quick run as a results file keeps it."""
    held = {name: found for name, found in said["metrics"].items() if _may_have_a_band(found)}
    return {
        **about,
        "data": reference.editions(said["data"]),
        "metrics": {name: found["mean"] for name, found in held.items()},
        "n": {name: found["n"] for name, found in held.items() if found["n"]},
    }


def with_run(
    content: dict[str, Any],
    about: dict[str, Any],
    said: dict[str, Any],
    cost: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A results file's content with one quick run more, in place of the same one of before.

    Args:
        content: what the file holds.
        about: the run's state of the data, machine, seed and processor.
        said: what the chapter reported.
        cost: of the run. As found, the fastest counts: others shared the machine with something.

    Raises:
        ValueError: when the run measured what the full run did not.
    """
    added = entry(about, said)
    _require_recorded(added["metrics"], content)
    others = [
        one
        for one in content.get("quick_runs", [])
        # Earlier runs did not say on which processor they were made: those are others.
        if any(one.get(key) != value for key, value in about.items())
    ]
    runs = sorted([*others, added], key=lambda one: STATES.index(one["state"]))
    changed = {"quick_runs": runs, "quick_shown": content.get("quick_shown", {}) | said["shown"]}
    if cost and about["state"] == AS_FOUND and about["machine"] == AS_FOUND:
        known = [content["quick_cost"]] if "quick_cost" in content else []
        changed["quick_cost"] = _fastest([*known, cost])
    return content | changed


def _require_recorded(names: Iterable[str], content: dict[str, Any]) -> None:
    strangers = set(names) - set(content["metrics"])
    if strangers:
        raise ValueError(
            f"the chapter now measures {sorted(strangers)}, which the full run did not: "
            f"run make reference CHAPTER={content['chapter']}"
        )


def _may_have_a_band(found: dict[str, Any]) -> bool:
    return found["guess"] is not None and found["unit"] not in metrics.TIMES


def _uses_photographs(outcomes: Sequence[tuple[dict[str, Any], Outcome]]) -> bool:
    used = {name for _, one in outcomes for name in reference.editions(one.said["data"])}
    return bool(used - set(IN_REGISTRIES))


@contextlib.contextmanager
def data(state: str) -> Iterator[dict[str, str]]:
    """The variables of a state of the data; its cache folder goes afterwards."""
    if state == AS_FOUND:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="seeing-data-") as folder:
        if state == NO_PHOTOGRAPHS:
            for name in IN_REGISTRIES:
                found = sources.cache_folder() / name
                if found.is_dir():
                    shutil.copytree(found, pathlib.Path(folder) / name)
        yield {"SEEING_OFFLINE": "1", "SEEING_CACHE": folder, "SEEING_MIRROR": ""}


# What decides in which order a processor adds numbers, the largest first.
INSTRUCTIONS = ("amx_tile", "avx512f", "avx2", "avx", "sse4_1", "asimd")


def processor() -> str:
    """The largest vector instructions that this machine has, as Linux names them.

    Elsewhere, the processor's family.
    """
    path = pathlib.Path("/proc/cpuinfo")
    words = set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()
    return next((name for name in INSTRUCTIONS if name in words), platform.machine())


def require_sound(
    content: dict[str, Any],
    claims_failed: Sequence[str],
    accounted_for: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Refuse results that the page does not agree with, or that would check nothing.

    Args:
        content: of the results file.
        claims_failed: sentences that the full run found wrong.
        accounted_for: by state of the data, what fresh quick runs measured, or said why not.

    Raises:
        Refused: naming each claim that does not hold, each metric whose bands all hold what
            guessing gives, and each that a state's quick runs lose without a word.
    """
    problems = [f"not so: {sentence}" for sentence in claims_failed]
    problems += [
        f"{name} is recorded, and quick runs with data {state} do not say why they lack it: "
        "declare it by record.expect(..., otherwise=...)"
        for state, names in (accounted_for or {}).items()
        for name in content["metrics"]
        if name not in names
    ]
    problems += [
        f"{name}: its band holds guessing ({why}); give it no guess, or declare it by "
        "record.only_shown"
        for name, why in worthless(content).items()
    ]
    if problems:
        raise Refused(
            f"results/{content['chapter']}.json was written, but:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )


def worthless(content: dict[str, Any]) -> dict[str, str]:
    """Metrics whose quick band holds what guessing gives, in every state of the data.

    Where one state's band is of no use, it is left out there, and the metric is still checked in
    the others.
    """
    if profiles.name() != "quick":
        return {}
    recorded, declared = reference.Recorded(content), content.get("quick_shown", {})
    useless: dict[str, list[str]] = {}
    useful: set[str] = set()
    for state in STATES:
        runs = [run for run in content.get("quick_runs", []) if run["state"] == state]
        if not runs:
            continue
        measured = {
            name: dataclasses.replace(recorded.measured[name], values=(value,))
            for name, value in runs[0]["metrics"].items()
            if name in recorded.measured  # quick runs may be older than the full one
        }
        verdict = reference.compare(recorded, measured, runs[0]["data"], shown=declared)
        useful |= verdict.bands.keys()
        for name, why in verdict.unchecked.items():
            if name not in declared and "guessing" in why:
                useless.setdefault(name, []).append(why)
    return {name: whys[0] for name, whys in useless.items() if name not in useful}


def read(slug: str, checkout: paths.Checkout) -> dict[str, Any]:
    """What a chapter's results file holds.

    Raises:
        ValueError: when there is none yet.
    """
    path = checkout.root / "results" / f"{slug}.json"
    if not path.is_file():
        raise ValueError(f"{path.name} does not exist yet: run make reference CHAPTER={slug}")
    return json.loads(path.read_text(encoding="utf-8"))


def write(content: dict[str, Any], checkout: paths.Checkout) -> pathlib.Path:
    """Write a results file in one step; returns its path."""
    path = checkout.root / "results" / f"{content['chapter']}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def run(
    notebook: pathlib.Path,
    checkout: paths.Checkout,
    profile: str,
    extra: dict[str, str],
    label: str,
) -> Outcome:
    """One run of a chapter.

    Args:
        notebook: the chapter.
        checkout: the book.
        profile: ``"quick"`` or ``"full"``.
        extra: variables that this run has besides.
        label: what its progress is called.

    Raises:
        execute.ChapterFailed: when a cell raises.
        ValueError: when the chapter does not end with ``record.conclude()``.
    """
    with tempfile.TemporaryDirectory(prefix="seeing-reference-") as work:
        report = pathlib.Path(work) / "report.json"
        reporting = {reference.REPORT_VARIABLE: str(report)}
        environment = execute.kernel_environment(profile, **reporting, **extra)
        executed, wall_s, peak = execute.execute(
            notebook,
            pathlib.Path(work),
            environment,
            f"{notebook.stem}, {label}",
            checkout,
            # An hour's measurements are not thrown away for a claim that asks for a wrong name.
            claims_may_raise=profile == "full",
        )
        if not report.is_file():
            raise ValueError(f"{notebook.name} reported nothing: end it with record.conclude()")
        said = json.loads(report.read_text(encoding="utf-8"))
    said["claims_failed"] += execute.raised(executed)
    megabytes = sum(record["download_bytes"] for record in said["data"]) / 1e6
    cost = {
        "wall_s": round(wall_s, 1),
        "peak_rss_mb": round(peak),
        "download_mb": round(megabytes, 1),
    }
    return Outcome(said, executed, cost)


def commit(root: pathlib.Path) -> str:
    """The checkout's commit, marked where tracked files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "notebooks")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")
