"""Make a chapter's reference results: a full run, and quick runs that set the bands.

The full profile gives the numbers. The quick profile, run under several seeds, gives the band
that every later build must hit; run once more without any source of real data, it gives the band
for stand-in data. Nothing in the file is typed.
"""

import datetime
import json
import os
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
    full, executed, full_cost = _run(notebook, checkout, "full", {}, "full profile")
    box = execute.provenance(executed)
    if box is None:
        raise ValueError(f"{notebook.name} shows no provenance box: call provenance.box(...)")
    quick = [
        _run(notebook, checkout, "quick", {"SEEING_SEED": str(seed)}, f"quick, seed {seed}")
        for seed in QUICK_SEEDS
    ]
    reference = {
        "chapter": full["chapter"],
        "title": title(notebook),
        "profile": "full",
        "recorded": datetime.date.today().isoformat(),
        "commit": commit(checkout.root),
        "metrics": full["metrics"],
        "cost": full_cost,
        "quick_cost": quick[0][2],
        "data": full["data"],
        "environment": box["environment"],
        "seeds": box["seeds"],
        "quick_band": bands([report for report, _, _ in quick]),
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
        reference["stand_in_band"] = bands([report for report, _, _ in stand_in])
    path = checkout.root / "results" / f"{full['chapter']}.json"
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
        environment = {
            **os.environ,
            "SEEING_PROFILE": profile,
            "SEEING_PROGRESS": "0",
            results.REPORT_VARIABLE: str(report),
            **extra,
        }
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
        name: results.band_from([report["metrics"][name]["mean"] for report in reports])
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
