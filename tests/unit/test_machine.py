"""The provenance box and the time box: true, complete, and safe to show."""

import html.parser
import importlib.metadata
import json
import os
import platform
import sys
import time
import types
from typing import Any

import numpy as np
import psutil
import pytest

from seeing.datasets import sources
from seeing.record import machine

RECORD = sources.DataRecord(
    name="letters", origin="npm package <letters> & more", sha256="0123456789ab" + "cd" * 26
)
STAND_IN = sources.DataRecord(name="flowers", origin="drawn", sha256="ef" * 32, is_stand_in=True)


@pytest.fixture
def no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has imported neither TensorFlow nor JAX."""
    for name in ("tensorflow", "jax"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the chapter shows: one dictionary of MIME types a call."""
    found: list[dict[str, Any]] = []

    def display(bundle: dict[str, Any], *, raw: bool) -> None:
        assert raw
        found.append(bundle)

    monkeypatch.setattr(machine.display, "display", display)
    return found


class Table(html.parser.HTMLParser):
    """The rows of an HTML table, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1][-1] += data


# The device and the versions.


def test_the_environment_names_python_the_packages_and_the_device(no_framework):
    found = machine.environment()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["tensorflow"] == importlib.metadata.version("tensorflow")
    assert "jax" not in found, "installed or not, it played no part"
    assert list(found)[-1] == "device"


def test_a_package_that_is_not_installed_is_left_out(monkeypatch, no_framework):
    monkeypatch.setattr(machine, "PACKAGES", ("numpy", "no-such-package-anywhere"))
    assert set(machine.environment()) == {"python", "numpy", "device"}


@pytest.mark.parametrize(
    ("cores", "text"), [([0], "1 CPU core"), ([2, 5], "2 CPU cores"), ([], None)]
)
def test_the_device_is_the_cores_that_this_process_may_use(cores, text, monkeypatch, no_framework):
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: cores, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert machine.device() == (text or "64 CPU cores")


def test_a_system_without_affinity_counts_its_cores(monkeypatch, no_framework):
    monkeypatch.delattr(psutil.Process, "cpu_affinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.device() == "1 CPU core"


def fake_tensorflow(gpus: list[str]) -> types.SimpleNamespace:
    """As much of TensorFlow as the box asks."""
    return types.SimpleNamespace(
        config=types.SimpleNamespace(
            list_physical_devices=lambda kind: gpus if kind == "GPU" else ["CPU:0"],
            experimental=types.SimpleNamespace(
                get_device_details=lambda gpu: {"device_name": "Tesla T4"} if gpu == "a" else {}
            ),
        )
    )


@pytest.mark.parametrize(
    ("gpus", "text"), [(["a"], "1 x Tesla T4"), (["a", "b"], "2 x Tesla T4"), (["b"], "1 x GPU")]
)
def test_tensorflows_gpu_is_named(gpus, text, monkeypatch, no_framework):
    monkeypatch.setitem(sys.modules, "tensorflow", fake_tensorflow(gpus))
    assert machine.device() == text


def test_jaxs_gpu_is_named(monkeypatch, no_framework):
    monkeypatch.setitem(sys.modules, "tensorflow", fake_tensorflow([]))
    gpu = types.SimpleNamespace(platform="gpu", device_kind="NVIDIA H100")
    cpu = types.SimpleNamespace(platform="cpu", device_kind="cpu")
    monkeypatch.setitem(sys.modules, "jax", types.SimpleNamespace(devices=lambda: [cpu, gpu]))
    assert machine.device() == "1 x NVIDIA H100"
    assert machine.environment()["device"] == "1 x NVIDIA H100"


def test_a_framework_without_a_gpu_computes_on_cores(monkeypatch, no_framework):
    monkeypatch.setitem(sys.modules, "tensorflow", fake_tensorflow([]))
    assert "CPU core" in machine.device()


def test_naming_the_device_loads_no_framework(start_python):
    program = (
        "import sys\n"
        "from seeing.record import machine\n"
        "machine.environment()\n"
        "print({'tensorflow', 'jax', 'keras', 'matplotlib'} & set(sys.modules))"
    )
    assert start_python(program).communicate(timeout=60)[0] == "set()\n"


# Time and memory.


def test_wall_time_counts_from_the_start_of_the_process():
    before = time.time() - psutil.Process().create_time()
    first = machine.wall_seconds()
    assert before <= first < before + 5
    time.sleep(0.02)
    assert 0.01 < machine.wall_seconds() - first < 5


def test_peak_memory_remembers_what_has_been_freed(start_python):
    program = (
        "import psutil\n"
        "from seeing.record import machine\n"
        "before = machine.peak_memory_mb()\n"
        "block = bytearray(200_000_000)\n"
        "block[::4096] = b'x' * len(block[::4096])\n"
        "del block\n"
        "now = psutil.Process().memory_info().rss / 1e6\n"
        "print(before, now, machine.peak_memory_mb())"
    )
    said = start_python(program).communicate(timeout=60)[0]
    before, now, peak = map(float, said.split())
    assert 190 < peak - before < 215
    assert peak - now > 150


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (41.4, "41 s"), (99.4, "99 s"), (100, "1.7 min"), (390, "6.5 min")],
)
def test_a_duration_in_words(seconds, text):
    assert machine.duration(seconds) == text


# The box.


def test_the_box_says_what_produced_the_page(shown, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "quick")
    machine.show_box([RECORD, STAND_IN], seeds=range(3))
    [bundle] = shown
    assert set(bundle) == {"text/html", "text/plain", machine.MIME_TYPE}
    table = Table(bundle["text/html"])
    rows = [row for row in table.rows if len(row) == 2]
    names = [name for name, _ in rows]
    assert names == [
        "Profile",
        "Time for this copy",
        "Peak memory",
        "Device",
        "Versions",
        "Seeds",
        "Data",
        "STAND-IN data",
    ]
    values = dict(rows)
    assert values["Profile"] == "quick"
    assert values["Seeds"] == "0, 1, 2"
    assert values["Data"] == "letters, npm package <letters> & more, SHA-256 0123456789ab…"
    assert values["STAND-IN data"].startswith("flowers, drawn, SHA-256 ef")
    assert f"numpy {np.__version__}" in values["Versions"]
    assert bundle["text/plain"].splitlines() == [f"{name}: {value}" for name, value in rows]


def test_the_box_is_a_labelled_table_and_takes_no_html_from_names(shown):
    machine.show_box([RECORD])
    table = Table(shown[0]["text/html"])
    assert table.tags == {"table", "caption", "tbody", "tr", "th", "td"}
    assert '<th scope="row">' in shown[0]["text/html"]


def test_the_box_leaves_out_seeds_where_there_are_none(shown):
    machine.show_box([])
    assert "Seeds" not in shown[0]["text/plain"]
    assert "Data" not in shown[0]["text/plain"]


def test_the_facts_for_the_build_survive_json(shown, monkeypatch):
    monkeypatch.setenv("SEEING_PROFILE", "full")
    machine.show_box([RECORD, STAND_IN], seeds=[7])
    facts = shown[0][machine.MIME_TYPE]
    assert json.loads(json.dumps(facts)) == facts
    assert facts["profile"] == "full"
    assert facts["seeds"] == [7]
    assert facts["environment"] == machine.environment()
    assert [record["is_stand_in"] for record in facts["data"]] == [False, True]
    assert facts["data"][0]["sha256"] == RECORD.sha256
    assert 0 < facts["wall_s"] < 1e6
    assert 10 < facts["peak_rss_mb"] < 1e6


def test_what_could_not_be_had_is_in_the_box_with_its_reason(shown):
    machine.show_box([RECORD], missing={"flowers": "no <network>"})
    assert shown[0]["text/plain"].splitlines()[-1] == "Not to be had: flowers: no <network>"
    assert "<network>" not in shown[0]["text/html"]
    assert shown[0][machine.MIME_TYPE]["missing"] == [{"name": "flowers", "reason": "no <network>"}]


def test_seeds_that_numpy_made_survive_json(shown):
    machine.show_box([], seeds=np.arange(2))
    assert json.loads(json.dumps(shown[0][machine.MIME_TYPE]))["seeds"] == [0, 1]


# The time box.


def reference(**more: object) -> dict[str, Any]:
    """As much of a results file as the time box reads."""
    return {
        "environment": {"device": "2 CPU cores"},
        "recorded": "2026-11-30",
        "cost": {"wall_s": 390, "peak_rss_mb": 1450, "download_mb": 11.5},
        **more,
    }


def test_the_time_box_gives_both_profiles_and_the_download():
    quick = {"wall_s": 41.3, "peak_rss_mb": 980}
    assert machine.time_lines(reference(quick_cost=quick)) == [
        "quick profile: 41 s, 1.0 GB of memory, no download",
        "full profile: 6.5 min, 1.4 GB of memory, 12 MB to download once",
        "measured on 2 CPU cores, 2026-11-30",
    ]


@pytest.mark.parametrize("cost", [{"download_mb": 0}, {}])
def test_a_chapter_that_downloads_nothing_says_so(cost):
    lines = machine.time_lines(reference(cost={"wall_s": 1, "peak_rss_mb": 1, **cost}))
    assert len(lines) == 2
    assert lines[0].endswith("no download")


def test_the_time_box_shows_what_the_results_file_says(shown):
    machine.show_time_box(reference(environment={"device": "<script>alert(1)</script>"}))
    [bundle] = shown
    assert "<script>" not in bundle["text/html"]
    assert bundle["text/html"].count("<li>") == 2
    assert "measured on <script>" in bundle["text/plain"]


def test_the_first_time_box_says_that_nothing_is_known_yet(shown):
    machine.show_time_box(None)
    assert shown[0]["text/plain"] == "being measured for the first time"
