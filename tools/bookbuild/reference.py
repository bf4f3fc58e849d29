"""Make a chapter's reference results: a full run, and quick runs that set the bands.

The full profile gives the numbers. The quick profile, run under several seeds, gives the band
that every later build must hit; run once more without any source of real data, it gives the band
for stand-in data. Nothing in the file is typed.
"""

import datetime
import json
import pathlib
import subprocess
import tempfile

from bookbuild import execute, paths
from seeing import results

QUICK_SEEDS = (0, 100, 200)


def make(notebook: pathlib.Path, checkout: paths.Checkout) -> pathlib.Path:
    """Run a chapter in full and in quick, and write its results file.

    Args:
        notebook: the chapter.
        checkout: the book.

    Returns:
        The path of the results file, written in one step at the end.

    Raises:
        execute.ChapterFailed: when a cell raises; the old results file stays.
        ValueError: when the chapter does not end with ``results.conclude``.
    """
    at = commit(checkout.root)
    full, executed, full_cost = _run(notebook, checkout, "full", {}, "full profile")
    box = execute.provenance(executed)
    if box is None:
        raise ValueError(f"{notebook.name} shows no provenance box: call provenance.box(...)")
    reference = {
        "chapter": full["chapter"],
        "title": title(notebook),
        "profile": "full",
        "recorded": datetime.date.today().isoformat(),
        "commit": at,
        "metrics": full["metrics"],
        "cost": full_cost,
        "data": full["data"],
        "environment": box["environment"],
        "seeds": box["seeds"],
        **_quick(notebook, checkout),
    }
    return _write(reference, checkout)


def make_quick(notebook: pathlib.Path, checkout: paths.Checkout) -> pathlib.Path:
    """Measure only the quick profile anew: its bands and its cost. The full results stay.

    For a change that touches the quick budgets and nothing that the full profile runs.

    Raises:
        ValueError: when the chapter has no full results yet, or measures other metrics now.
    """
    slug = notebook.stem.partition("_")[2]
    path = checkout.root / "results" / f"{slug}.json"
    if not path.is_file():
        raise ValueError(f"{path.name} does not exist yet: run make reference CHAPTER={slug}")
    reference = json.loads(path.read_text(encoding="utf-8"))
    fresh = _quick(notebook, checkout)
    fractions = {
        name for name, metric in reference["metrics"].items() if metric["unit"] == results.FRACTION
    }
    left_out = set(fresh["quick_not_measured"])
    known = set(reference["metrics"])
    if set(fresh["quick_band"]) | (left_out & fractions) != fractions or left_out - known:
        raise ValueError(
            f"{notebook.name} now measures {sorted(fresh['quick_band'])}, {path.name} holds "
            f"{sorted(fractions)}: run make reference CHAPTER={slug}"
        )
    return _write({**reference, **fresh}, checkout)


def _quick(notebook: pathlib.Path, checkout: paths.Checkout) -> dict:
    """What runs of the quick profile give: cost, band, and the band for stand-in data."""
    at = commit(checkout.root)
    runs = [
        _run(notebook, checkout, "quick", {"SEEING_SEED": str(seed)}, f"quick, seed {seed}")
        for seed in QUICK_SEEDS
    ]
    measured = {
        "quick_recorded": datetime.date.today().isoformat(),
        "quick_commit": at,
        # The fastest of the three: the others may have shared the machine with something.
        "quick_cost": min((cost for _, _, cost in runs), key=lambda cost: cost["wall_s"]),
        "quick_band": bands([report for report, _, _ in runs]),
        "quick_not_measured": sorted({name for r, _, _ in runs for name in r["not_measured"]}),
    }
    with tempfile.TemporaryDirectory() as empty:
        nothing = {"SEEING_OFFLINE": "1", "SEEING_CACHE": empty, "SEEING_MIRROR": ""}
        stand_in = [
            _run(
                notebook,
                checkout,
                "quick",
                {**nothing, "SEEING_SEED": str(seed)},
                f"quick, stand-in data, seed {seed}",
            )
            for seed in QUICK_SEEDS
        ]
    if all(report["band"] == "stand_in_band" for report, _, _ in stand_in):
        measured["stand_in_band"] = bands([report for report, _, _ in stand_in])
    return measured


def _write(reference: dict, checkout: paths.Checkout) -> pathlib.Path:
    path = checkout.root / "results" / f"{reference['chapter']}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(reference, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def _run(
    notebook: pathlib.Path,
    checkout: paths.Checkout,
    profile: str,
    extra: dict[str, str],
    label: str,
) -> tuple[dict, object, dict]:
    """One run: what the chapter reported, the executed notebook, what it cost."""
    with tempfile.TemporaryDirectory(prefix="seeing-reference-") as work:
        report = pathlib.Path(work) / "report.json"
        reporting = {results.REPORT_VARIABLE: str(report)}
        environment = execute.kernel_environment(profile, **reporting, **extra)
        executed, wall_s, peak = execute.execute(
            notebook, pathlib.Path(work), environment, f"{notebook.stem}, {label}", checkout
        )
        if not report.is_file():
            raise ValueError(f"{notebook.name} reported nothing: end it with results.conclude(...)")
        said = json.loads(report.read_text(encoding="utf-8"))
    megabytes = sum(record["download_bytes"] for record in said["data"]) / 1e6
    cost = {
        "wall_s": round(wall_s, 1),
        "peak_rss_mb": round(peak),
        "download_mb": round(megabytes, 1),
    }
    return said, executed, cost


def bands(reports: list[dict]) -> dict[str, tuple[float, float]]:
    """The quick profile's band of each fraction, from runs with different seeds."""
    return {
        name: results.band_from(
            [report["metrics"][name]["mean"] for report in reports], n=metric["n"]
        )
        for name, metric in reports[0]["metrics"].items()
        if metric["unit"] == results.FRACTION
    }


def title(notebook: pathlib.Path) -> str:
    """The chapter's title: its first level-one heading."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = "".join(line for cell in cells[:1] for line in cell["source"]).splitlines()
    return next((line[2:].strip() for line in lines if line.startswith("# ")), notebook.stem)


def commit(root: pathlib.Path) -> str:
    """The checkout's commit, marked where tracked files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "notebooks")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")
