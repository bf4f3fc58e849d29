"""source_code: a helper's own source, shown on a page."""

import pytest

from seeing import source_code
from seeing.models import fine_tuning


def test_it_shows_the_source_as_it_stands(monkeypatch):
    shown = []
    monkeypatch.setattr(source_code.display, "display", lambda text: shown.append(text.data))
    source_code.show(source_code.show)
    (text,) = shown
    assert text.startswith("```python\ndef show(function: Callable) -> None:\n")
    assert text.endswith("```")


def test_cross_references_lose_their_markup(monkeypatch):
    shown = []
    monkeypatch.setattr(source_code.display, "display", lambda text: shown.append(text.data))
    source_code.show(fine_tuning.fit)
    assert "as `CachedViews` does" in shown[0]
    assert ":class:" not in shown[0]


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="int"):
        source_code.show(7)
