"""``python -m seeing ... | head``: a reader who stops reading is no error, and costs nothing."""

import os
import subprocess
import sys

import pytest

# The command line without Keras, which takes seconds to import; argv says what a command does.
PROGRAM = """
import pathlib, sys
from unittest import mock

fake = mock.MagicMock()
fake.CannotTrain = ValueError
sys.modules["seeing.app.classifier"] = fake
from seeing import __main__ as command_line

def predict(options):
    for _ in range(int(sys.argv[1])):
        print("a.jpg", file=getattr(sys, sys.argv[2]))
    return 0

class Training:
    def __init__(self):
        self.classifier = self
    def scores(self):
        return "x" * 100_000  # more than any buffer holds
    def save(self, output):
        output.touch()

fake.train.return_value = Training()
command_line.predict = predict
sys.exit(command_line.main(sys.argv[3:]))
"""


def run_without_reader(*arguments: str, stream: str = "stdout") -> tuple[int, str]:
    """Run the program with one stream a closed pipe; its exit status, and the other stream."""
    reading, writing = os.pipe()
    os.close(reading)
    other = "stderr" if stream == "stdout" else "stdout"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        **{stream: writing, other: subprocess.PIPE},
        text=True,
        check=False,
    )
    os.close(writing)
    return done.returncode, getattr(done, other)


# One line waits in a buffer until the end; thousands do not.
@pytest.mark.parametrize("lines", ["1", "100000"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_who_has_gone_ends_the_command_without_a_word(lines, stream):
    said = run_without_reader(lines, stream, "predict", "model", "a.jpg", stream=stream)
    assert said == (141, "")


def test_what_was_trained_is_kept(tmp_path):
    output = tmp_path / "model"
    status, said = run_without_reader(
        "0", "stdout", "train", str(tmp_path), "--output", str(output)
    )
    assert (status, said) == (141, "")
    assert output.exists()


def test_a_reader_who_stays_gets_everything():
    arguments = ["2", "stdout", "predict", "model", "a.jpg"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "a.jpg\na.jpg\n", "")


@pytest.mark.parametrize("missing", [">&-", "2>&-", ">&- 2>&-"])
def test_a_process_without_a_stream_writes_to_the_other_alone(tmp_path, missing):
    """As a program without a terminal starts it; what it opens must not become its output."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("predict(options):", "predict(options):\n    WRITE", 1))
    text = program.read_text().replace("WRITE", "(file := open('kept', 'w')).write('as it was')")
    program.write_text(text)
    words = f'"{sys.executable}" program.py 2 STREAM predict model a.jpg {missing}'
    for stream in ("stdout", "stderr"):
        command = words.replace("STREAM", stream)
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        is_there = stream not in {">&-": ["stdout"], "2>&-": ["stderr"]}.get(
            missing, ["stdout", "stderr"]
        )
        said = (done.stdout, done.stderr)
        expected = "a.jpg\na.jpg\n" if is_there else ""
        assert said == ((expected, "") if stream == "stdout" else ("", expected))
        assert done.returncode == 0
        assert (tmp_path / "kept").read_text() == "as it was"
