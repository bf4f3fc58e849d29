"""Ctrl-C while a command still loads its libraries ends it in one line, as it does later."""

import os
import subprocess
import sys

import pytest
from fakes import ROOT


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["seeing", "predict", "model", "a.jpg"], "stopped"),
        (["bookbuild", "build"], "Stopped. The chapters that were finished are kept."),
    ],
)
def test_while_libraries_are_loaded(tmp_path, command, said):
    (tmp_path / "numpy.py").write_text("raise KeyboardInterrupt\n")
    path = os.pathsep.join(map(str, [tmp_path, ROOT / "src", ROOT / "tools"]))
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"\n{said}\n")
