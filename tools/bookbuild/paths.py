"""Where things are in a checkout of the book."""

import dataclasses
import pathlib
from typing import Any

import yaml


@dataclasses.dataclass(frozen=True)
class Checkout:
    """A checkout of the book, and the folders that a build writes to.

    Attributes:
        root: the folder that holds ``_toc.yml``.
    """

    root: pathlib.Path

    @property
    def build(self) -> pathlib.Path:
        """The folder that every build product goes to; Jupyter Book insists on this name."""
        return self.root / "_build"

    @property
    def cache(self) -> pathlib.Path:
        """Executed chapters, one folder a profile, one folder a chapter."""
        return self.build / "cache"

    @property
    def failed(self) -> pathlib.Path:
        """Chapters that stopped at a cell, as far as they came; laid out like the cache."""
        return self.build / "failed"

    @property
    def source(self) -> pathlib.Path:
        """The staged Jupyter Book source: pages, executed chapters, what they exported."""
        return self.build / "source"

    @property
    def html(self) -> pathlib.Path:
        """The built site."""
        return self.build / "html"

    def settings(self) -> dict[str, Any]:
        """What ``_config.yml`` says."""
        return yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))

    def contents(self) -> dict[str, Any]:
        """What ``_toc.yml`` says: the root, the parts and their pages."""
        return yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))

    def pages(self) -> list[str]:
        """Every page that ``_toc.yml`` names, in reading order, without its ending."""
        return _files(self.contents())

    def chapters(self) -> list[pathlib.Path]:
        """The notebooks among the pages, in reading order."""
        found = [self.root / f"{page}.ipynb" for page in self.pages()]
        return [path for path in found if path.is_file()]


def default() -> Checkout:
    """The checkout that this file lies in."""
    return Checkout(root=pathlib.Path(__file__).resolve().parents[2])


def _files(node: object) -> list[str]:
    if isinstance(node, list):
        return [page for item in node for page in _files(item)]
    if not isinstance(node, dict):
        return []
    own = [node[key] for key in ("root", "file") if key in node]
    nested = [value for value in node.values() if isinstance(value, (list, dict))]
    return own + [page for value in nested for page in _files(value)]
