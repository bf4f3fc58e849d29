"""The build looks at Keras's settings as they are written down, before it runs a chapter."""

import json
import pathlib

import pytest

from bookbuild import __main__ as bookbuild
from seeing.app import keras_settings


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty folder for Keras's settings, and no variables."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("KERAS_BACKEND", *keras_settings.LIMITS):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_no_settings_are_the_usual_ones():
    keras_settings.require_usable_as_written()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"backend": "tensorflow", "floatx": "float32", "epsilon": 1e-7}),
        json.dumps({"image_data_format": "channels_last"}),
        json.dumps([1, 2]),
        "{ no JSON",
    ],
)
def test_usual_and_unreadable_settings_are_left_to_keras(home, content):
    (home / "keras.json").write_text(content, encoding="utf-8")
    keras_settings.require_usable_as_written()


@pytest.mark.parametrize(
    ("name", "value"),
    [("backend", "jax"), ("image_data_format", "channels_first"), ("floatx", "float16")],
)
def test_other_settings_are_refused_with_their_place(home, name, value):
    (home / "keras.json").write_text(json.dumps({name: value}), encoding="utf-8")
    with pytest.raises(keras_settings.UnusableSettings, match=f"{name} is '{value}'") as raised:
        keras_settings.require_usable_as_written()
    assert str(home / "keras.json") in str(raised.value)


def test_the_variable_comes_before_the_file(home, monkeypatch):
    (home / "keras.json").write_text(json.dumps({"backend": "jax"}), encoding="utf-8")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    keras_settings.require_usable_as_written()
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(keras_settings.UnusableSettings, match="variable KERAS_BACKEND"):
        keras_settings.require_usable_as_written()


@pytest.mark.parametrize("command", [["build"], ["execute"], ["reference", "first_cnn"]])
def test_the_build_says_it_in_one_line_before_anything_runs(monkeypatch, capsys, command):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    monkeypatch.setitem(bookbuild._COMMANDS, command[0], lambda *_: pytest.fail("it ran"))
    assert bookbuild.main(command) == 1
    assert "variable KERAS_MAX_EPOCHS is 1" in capsys.readouterr().err


def test_what_runs_no_chapter_asks_for_nothing(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    monkeypatch.setitem(bookbuild._COMMANDS, "lint", lambda *_: 0)
    assert bookbuild.main(["lint"]) == 0
