"""exports: what chapters write for the demos of their pages."""

import json

import pytest

from seeing import exports


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_what_is_written_is_what_was_given(tmp_path, kind):
    path = tmp_path / "a" / "b.json"
    content = {"format": "seeing-test-1", "names": ["Größe", "→"]}
    assert exports.write(kind(path), content) is content
    assert json.loads(path.read_text(encoding="utf-8")) == content


def test_the_next_run_takes_the_place_of_the_last(tmp_path):
    path = tmp_path / "b.json"
    exports.write(path, {"shares": [0.5] * 100})
    exports.write(path, {"shares": []})
    assert json.loads(path.read_text(encoding="utf-8")) == {"shares": []}
