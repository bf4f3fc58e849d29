"""The command line behind the Makefile: ``python -m bookbuild COMMAND``."""

import argparse
import functools
import http.server
import pathlib
import sys
import time
import webbrowser

from bookbuild import execute, notebooks, paths, reference, site, stage
from seeing import profiles


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 only where all of it succeeded."""
    parser = argparse.ArgumentParser(prog="bookbuild", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="execute what changed and build the site")
    chosen = commands.add_parser("reference", help="record a chapter's reference results")
    chosen.add_argument("chapter", help="for example 04_first_cnn or first_cnn")
    chosen.add_argument(
        "--quick", action="store_true", help="measure only the quick profile's bands and cost anew"
    )
    chosen = commands.add_parser("outputs", help="store what the checked cells print")
    chosen.add_argument("chapter", nargs="?", help="default: every chapter")
    commands.add_parser("lint", help="list what is wrong with the stored notebooks")
    chosen = commands.add_parser("serve", help="serve the built site on localhost")
    chosen.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    checkout = paths.default()
    try:
        return _COMMANDS[options.command](options, checkout)
    except (execute.ChapterFailed, site.BuildFailed, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def build(checkout: paths.Checkout) -> list[execute.Run]:
    """Execute the chapters that changed, stage all pages and build the site.

    Raises:
        execute.ChapterFailed: when a cell raises.
        site.BuildFailed: when the site has a warning, a failed cell or a missing page.
    """
    profile = profiles.name()
    chapters = checkout.chapters()
    runs = [
        execute.chapter(chapter, checkout, profile, f"[{number}/{len(chapters)}]")
        for number, chapter in enumerate(chapters, start=1)
    ]
    stage.stage(checkout, profile)
    site.build(checkout)
    return runs


def _build(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    start = time.monotonic()
    runs = build(checkout)
    print(f"\nProfile {profiles.name()}. Each chapter's time and memory when it was executed:")
    width = max((len(run.name) for run in runs), default=0)
    for run in runs:
        note = "  (from the cache)" if run.from_cache else ""
        note += f"  STAND-IN data: {', '.join(run.stand_in)}" if run.stand_in else ""
        print(f"  {run.name:{width}}  {execute.cost(run)}{note}")
    print(f"Built in {time.monotonic() - start:.1f} s: {checkout.html / 'index.html'}")
    return 0


def _reference(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    make = reference.make_quick if options.quick else reference.make
    print(f"wrote {make(find_chapter(options.chapter, checkout), checkout)}")
    return 0


def _outputs(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    one = options.chapter
    for chapter in [find_chapter(one, checkout)] if one else checkout.chapters():
        notebooks.store_outputs(chapter, checkout)
    return 0


def _lint(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    found = [problem for path in checkout.chapters() for problem in notebooks.problems(path)]
    print("\n".join(found) or f"{len(checkout.chapters())} notebooks: nothing to complain about")
    return 1 if found else 0


def _serve(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    if not (checkout.html / "index.html").is_file():
        raise ValueError(f"there is no book in {checkout.html} yet: run make book")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(checkout.html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", options.port), handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        print(f"The book is at {address} (Ctrl-C ends)")
        webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def find_chapter(name: str, checkout: paths.Checkout) -> pathlib.Path:
    """The chapter that a reader means by ``04_first_cnn``, ``first_cnn`` or ``4``.

    Raises:
        ValueError: naming the chapters there are.
    """
    stem = pathlib.Path(name).stem
    for chapter in checkout.chapters():
        number, _, slug = chapter.stem.partition("_")
        if stem in (chapter.stem, slug) or (stem.isdecimal() and int(stem) == int(number)):
            return chapter
    known = ", ".join(chapter.stem for chapter in checkout.chapters())
    raise ValueError(f"there is no chapter {name!r}; there are: {known}")


_COMMANDS = {
    "build": _build,
    "reference": _reference,
    "outputs": _outputs,
    "lint": _lint,
    "serve": _serve,
}

if __name__ == "__main__":
    sys.exit(main())
