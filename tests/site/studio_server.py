"""The studio with a tiny network, as a process: ``studio_server.py FOLDER PORT single|multi``."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "unit"))

import studio_photographs

from seeing.app import serve
from seeing.studio import run, service


def main(folder: str, port: str, kind: str) -> None:
    """Serve a folder until a signal to stop."""
    studio = service.Studio(
        folder, seed=1, recipe=studio_photographs.recipe(), multi_label=kind == "multi"
    )
    run.run(studio, serve.bind("127.0.0.1", int(port)), "127.0.0.1", None)


if __name__ == "__main__":
    main(*sys.argv[1:])
