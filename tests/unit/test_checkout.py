"""What git and GitHub are told: what is never stored, and what the workflows may do."""

import fnmatch
import os
import pathlib
import re
import subprocess

import pytest
import yaml
from fakes import ROOT

from bookbuild import paths

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path: pathlib.Path) -> dict:
    """A workflow; YAML takes its key ``on`` for a truth value."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# git.


@pytest.mark.parametrize("name", [".venv", ".venv-oldest", ".venv-colab", "_build"])
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_environments_and_what_is_built_are_never_stored(tmp_path, name, kind):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    if kind == "link":
        (tmp_path / name).symlink_to(ROOT)
    else:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    command = ["git", "-C", str(tmp_path), "status", "--porcelain"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert listed == "?? .gitignore\n"


# GitHub.


def test_there_are_workflows_to_look_at():
    assert {path.stem for path in WORKFLOWS} == {"canary", "publish", "test"}


@each_workflow
def test_every_action_is_pinned_by_hash_and_says_its_version(path):
    used = re.findall(r"uses: *(.+)", path.read_text(encoding="utf-8"))
    assert used
    for one in used:
        own = one.startswith("./")
        assert own or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


def test_an_action_has_the_same_hash_everywhere():
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: *([\w-]+/[\w-]+)@(\w+)", text))
    assert len(pins) == len({action for action, _ in pins})


@each_workflow
def test_a_job_may_write_nothing_but_the_pages(path):
    workflow = read(path)
    granted = [
        workflow["permissions"],
        *(job.get("permissions") for job in workflow["jobs"].values()),
    ]
    for permissions in filter(None, granted):
        written = {scope for scope, access in permissions.items() if access == "write"}
        assert written in (set(), {"pages", "id-token"})


@each_workflow
def test_two_runs_of_a_workflow_do_not_cross(path):
    assert read(path)["concurrency"]["group"]


@each_workflow
def test_every_job_ends_some_time_and_leaves_no_credentials(path):
    for name, job in read(path)["jobs"].items():
        if "uses" in job:
            continue
        assert job["timeout-minutes"] <= 360, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_only_a_release_is_published():
    """A page's rocket opens the chapter of its release, so no other state may become a page."""
    jobs = read(ROOT / ".github" / "workflows" / "publish.yml")["jobs"]
    assert jobs["build"]["if"] == "needs.chapters.outputs.release == 'true'"
    assert "chapters" in jobs["build"]["needs"]
    assert jobs["deploy"]["needs"] == "build"


def test_what_is_published_holds_every_chapter():
    """Each chapter's execution is kept under its name, and one pattern fetches them all."""
    steps = read(ROOT / ".github" / "workflows" / "publish.yml")["jobs"]["build"]["steps"]
    (pattern,) = (step["with"]["pattern"] for step in steps if "pattern" in step.get("with", {}))
    names = [path.stem for path in paths.default().chapters()]
    assert [name for name in names if not fnmatch.fnmatch(name, pattern)] == []


@pytest.mark.parametrize("versions", ["oldest", "newest", "colab"])
def test_a_robot_runs_the_tests_with_other_versions_as_people_do(versions):
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    assert f"run: make test-{versions}\n" in text
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"test-{versions}: " in makefile
    assert f"sh tools/test-versions.sh {versions}\n" in makefile


# Stands for every program: it makes environments of copies of itself, and tells how it was called.
PYTHON = """#!/bin/sh
name=$(basename "$0")
echo "$name $* $SEEING_PROFILE" >> "$CALLS"
case "$name $*" in
    *"-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    *"pip install --quiet uv") cp "$0" "$(dirname "$0")/uv" ;;
esac
"""


@pytest.mark.parametrize(
    ("versions", "option"),
    [
        ("oldest", "--resolution lowest-direct"),
        ("newest", "--upgrade"),
        ("colab", "--constraint requirements-colab.txt"),
    ],
)
@pytest.mark.parametrize("asked", [[], ["notebooks/04_first_cnn.ipynb"]])
def test_other_versions_run_unit_tests_and_quick_chapters(tmp_path, versions, option, asked):
    tools = tmp_path / "book" / "tools"
    tools.mkdir(parents=True)
    for name in ("test-versions.sh", "find-python.sh"):
        (tools / name).write_bytes((ROOT / "tools" / name).read_bytes())
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    calls = tmp_path / "calls"
    variables = {"PYTHON": str(python), "CALLS": str(calls), "SEEING_PROFILE": "full"}
    done = subprocess.run(
        ["sh", str(tools / "test-versions.sh"), versions, *asked],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "book" / f".venv-{versions}").is_dir()
    lines = calls.read_text().splitlines()
    assert any(line.startswith("uv pip install") and option in line for line in lines)
    tests = " ".join(asked or ["tests/unit", "notebooks"])
    assert lines[-1] == f"python -m pytest --nbval-current-env {tests} quick"


def test_versions_that_nobody_knows_are_refused_before_anything_is_made(tmp_path):
    script = ROOT / "tools" / "test-versions.sh"
    done = subprocess.run(
        ["sh", str(script), "latest"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "oldest|newest|colab" in done.stderr
    assert list(tmp_path.iterdir()) == []
