"""What produced a page, and what it costs: versions, device, seeds, data, time and memory.

Explained on the page *How this book is checked*.
"""

import dataclasses
import html
import importlib.metadata
import os
import pathlib
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
from IPython import display

from seeing import profiles
from seeing.datasets import sources

MIME_TYPE = "application/vnd.seeing.provenance+json"

PACKAGES = ("keras", "tensorflow", "jax", "numpy", "scikit-learn", "scikit-image", "matplotlib")


def environment() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result, and the device."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        if package == "jax" and "jax" not in sys.modules:
            continue
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    found["device"] = device()
    return found


def device() -> str:
    """What the chapter computes on, for example ``"2 CPU cores"`` or a GPU's name.

    Asks only a framework that has already been imported: naming the device never loads one.
    """
    return _gpu_name() or _cpu_name()


def _gpu_name() -> str | None:
    if "tensorflow" in sys.modules:
        tensorflow = sys.modules["tensorflow"]
        gpus = tensorflow.config.list_physical_devices("GPU")
        if gpus:
            details = tensorflow.config.experimental.get_device_details(gpus[0])
            return f"{len(gpus)} x {details.get('device_name', 'GPU')}"
    if "jax" in sys.modules:
        gpus = [found for found in sys.modules["jax"].devices() if found.platform != "cpu"]
        if gpus:
            return f"{len(gpus)} x {gpus[0].device_kind}"
    return None


def _cpu_name() -> str:
    return f"{cores()} CPU core" + ("s" if cores() != 1 else "")


def cores() -> int:
    """How many CPU cores this process may use."""
    mine = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else ()
    return len(mine) or os.cpu_count() or 1


def wall_seconds() -> float:
    """Seconds since this process started: for a chapter, since its kernel did."""
    return time.time() - psutil.Process().create_time()


def peak_memory_mb() -> float:
    """The most resident memory this process has held so far, in MB (10^6 bytes)."""
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows keeps the peak itself
        return memory.peak_wset / 1e6
    status = pathlib.Path("/proc/self/status")
    if status.is_file():  # Linux: getrusage would count the process that started this one, too
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def duration(seconds: float) -> str:
    """A duration as a reader says it: ``"41 s"``, ``"6.5 min"``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def show_box(
    records: Sequence[sources.DataRecord],
    *,
    seeds: Sequence[int] = (),
    missing: Mapping[str, str] | None = None,
) -> None:
    """Show the provenance box at the foot of a chapter.

    Args:
        records: the record of every data set that the chapter used.
        seeds: the seeds of the chapter's quoted results.
        missing: data sets that could not be had, each with the reason.
    """
    facts = {
        "profile": profiles.name(),
        "wall_s": round(wall_seconds(), 1),
        "peak_rss_mb": round(peak_memory_mb()),
        "seeds": [int(seed) for seed in seeds],
        "environment": environment(),
        "data": [dataclasses.asdict(record) for record in records],
        "missing": [{"name": name, "reason": why} for name, why in (missing or {}).items()],
    }
    display.display(
        {"text/html": _box_html(facts), "text/plain": _box_text(facts), MIME_TYPE: facts}, raw=True
    )


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    versions = dict(facts["environment"])
    device_name = versions.pop("device")
    rows = [
        ("Profile", facts["profile"]),
        ("Time for this copy", f"{duration(facts['wall_s'])}, whatever else the machine did"),
        ("Peak memory", f"{facts['peak_rss_mb'] / 1000:.1f} GB"),
        ("Device", device_name),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    if facts["seeds"]:
        rows.append(("Seeds", ", ".join(str(seed) for seed in facts["seeds"])))
    for record in facts["data"]:
        label = "STAND-IN data" if record["is_stand_in"] else "Data"
        rows.append(
            (label, f"{record['name']}, {record['origin']}, SHA-256 {record['sha256'][:12]}…")
        )
    for gap in facts["missing"]:
        rows.append(("Not to be had", f"{gap['name']}: {gap['reason']}"))
    return rows


def _box_html(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in _rows(facts)
    )
    return (
        '<table class="seeing-provenance"><caption>What produced this copy of the page</caption>'
        f"<tbody>{rows}</tbody></table>"
    )


def _box_text(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in _rows(facts))


def show_time_box(recorded: Mapping[str, Any] | None) -> None:
    """Show, at the head of a chapter, what it cost when it was recorded.

    Args:
        recorded: a results file's content; None while the first one is being made.
    """
    lines = ["being measured for the first time"] if recorded is None else time_lines(recorded)
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    display.display(
        {
            "text/html": '<aside class="seeing-time" aria-label="Cost of this chapter">'
            f"<ul>{items}</ul></aside>",
            "text/plain": "\n".join(lines),
        },
        raw=True,
    )


def time_lines(recorded: Mapping[str, Any]) -> list[str]:
    """The lines of the time box, from a results file's content.

    Time and memory are those of the whole chapter, from its kernel's start to its end.
    """
    lines = []
    for key, name in (("quick_cost", "quick"), ("cost", "full")):
        if key in recorded:
            cost = recorded[key]
            megabytes = cost.get("download_mb", 0)
            lines.append(
                f"{name} profile: {duration(cost['wall_s'])}, "
                f"{cost['peak_rss_mb'] / 1000:.1f} GB of memory, "
                + (f"{megabytes:.0f} MB to download once" if megabytes else "no download")
            )
    lines.append(f"measured on {recorded['environment']['device']}, {recorded['recorded']}")
    return lines
