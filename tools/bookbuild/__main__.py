"""The command line behind the Makefile: ``python -m bookbuild COMMAND``."""

import argparse
import pathlib
import signal
import sys
import time
import webbrowser
from collections.abc import Sequence

STOPPED = "\nStopped. The chapters that were finished are kept."
INTERRUPTED = 130  # what a shell gives for a command that Ctrl-C ended

try:
    from bookbuild import (
        chapters,
        downloads,
        execute,
        lock,
        notebooks,
        paths,
        reference,
        release,
        report,
        server,
        site,
        stage,
    )
    from seeing import profiles
    from seeing.app import keras_settings
except KeyboardInterrupt:  # loading them takes a moment, too
    print(STOPPED, file=sys.stderr)
    sys.exit(INTERRUPTED)

# The commands that run chapters, which need Keras as it is by default.
RUN_CHAPTERS = ("build", "execute", "outputs", "reference")

DEFAULT_PORT = 8000


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 only where all of it succeeded."""
    parser = argparse.ArgumentParser(prog="bookbuild", description=__doc__)
    parser.add_argument(
        "--root", type=pathlib.Path, help="the checkout; by default the one that this program is in"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    chosen = commands.add_parser("build", help="execute what changed and build the site")
    chosen.add_argument("--strict", action="store_true", help="any finding is a failure")
    chosen = commands.add_parser("execute", help="execute what changed, and build nothing")
    chosen.add_argument("chapter", nargs="*", help="default: every chapter")
    chosen = commands.add_parser("reference", help="record a chapter's reference results")
    chosen.add_argument("chapter", help="for example 04_first_cnn or first_cnn")
    part = chosen.add_mutually_exclusive_group()
    part.add_argument("--quick", action="store_true", help="only the quick runs and their cost")
    part.add_argument("--full", action="store_true", help="only the full run; quick runs stay")
    chosen = commands.add_parser("outputs", help="store what the checked cells print")
    chosen.add_argument("chapter", nargs="*", help="default: every chapter")
    commands.add_parser("downloads", help="make a PDF, an ePub and an archive of the built book")
    commands.add_parser("release", help="write the version to everything that names it")
    commands.add_parser("lint", help="list what is wrong with the stored notebooks")
    chosen = commands.add_parser("serve", help="serve the built site on localhost")
    chosen.add_argument("--port", type=int, default=DEFAULT_PORT)
    options = parser.parse_args(arguments)
    checkout = paths.Checkout(options.root.resolve()) if options.root else paths.default()
    expected = (execute.ChapterFailed, reference.Refused, report.NotSound, ValueError)
    try:
        if options.command in RUN_CHAPTERS:
            keras_settings.require_usable_as_written()
        return _COMMANDS[options.command](options, checkout)
    except (*expected, keras_settings.UnusableSettings) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return INTERRUPTED


def build(checkout: paths.Checkout, *, strict: bool = False) -> report.Report:
    """Execute the chapters that changed, stage all pages and build the site.

    A chapter that fails does not stop the build: its page shows how far it came.

    Args:
        checkout: the book.
        strict: whether anything that a reader would only be told of is an error.

    Raises:
        report.NotSound: in a strict build, when a cell raised, a result lies outside what was
            recorded, the site has a warning or lacks a page, or a cell wrote to standard error.
        ValueError: when nothing can be written to the checkout.
    """
    profile = profiles.name()
    with lock.hold(checkout):
        runs = execute.all_of(checkout.chapters(), checkout, profile)
        clashes = stage.stage(checkout, profile, runs)
        outcome = site.build(checkout)
        failed = [run.name for run in runs if run.failed is not None]
        remarks = [*site.cell_remarks(checkout, failed), *outcome.warnings]
    made = report.Report(runs=runs, broken=[*clashes, *outcome.broken], remarks=remarks)
    if strict:
        made.require_sound()
    return made


def _chosen(names: Sequence[str], checkout: paths.Checkout) -> list[pathlib.Path]:
    return [find_chapter(name, checkout) for name in names] or checkout.chapters()


def _execute(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    with lock.hold(checkout):
        runs = execute.all_of(_chosen(options.chapter, checkout), checkout, profiles.name())
    made = report.Report(runs=runs, broken=[], remarks=[])
    findings = made.findings()
    print(findings, end="\n" if findings else "")
    return made.exit_code


def _build(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    start = time.monotonic()
    made = build(checkout, strict=options.strict)
    print(f"\n{report.costs(made.runs, profiles.name())}")
    if (checkout.html / "index.html").is_file():
        print(report.built(time.monotonic() - start, checkout.html))
    findings = made.findings()
    if findings:
        print(f"\n{findings}")
    return made.exit_code


def _reference(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    make = reference.make
    if options.quick or options.full:
        make = reference.make_quick if options.quick else reference.make_full
    chapter = find_chapter(options.chapter, checkout)
    with lock.hold(checkout):
        print(f"wrote {make(chapter, checkout)}")
    return 0


def _outputs(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    with lock.hold(checkout):
        for chapter in _chosen(options.chapter, checkout):
            notebooks.store_outputs(chapter, checkout)
    return 0


def _release(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    for path in release.write(checkout):
        print(f"wrote {path}")
    named = release.tag(checkout)
    print(f"Commit, git tag {named}, and push both: git push --atomic origin main {named}")
    return 0


def _downloads(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    with lock.hold(checkout):
        for path in downloads.make(checkout):
            print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


def _lint(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    found = [problem for path in checkout.chapters() for problem in notebooks.problems(path)]
    found += release.problems(checkout)
    print("\n".join(found) or f"{len(checkout.chapters())} notebooks: nothing to complain about")
    return 1 if found else 0


def _serve(options: argparse.Namespace, checkout: paths.Checkout) -> int:
    if not (checkout.html / "index.html").is_file():
        raise ValueError(f"there is no book in {checkout.html} yet: run make book")
    try:
        serving = server.server(checkout.html, options.port)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"cannot serve on port {options.port} ({getattr(error, 'strerror', None) or error}): "
            f"take another one, for example make serve PORT={DEFAULT_PORT + 1}"
        ) from error
    with serving:
        address = f"http://127.0.0.1:{serving.server_port}/"
        print(f"The book is at {address} (Ctrl-C ends)")
        webbrowser.open(address)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def find_chapter(name: str, checkout: paths.Checkout) -> pathlib.Path:
    """The chapter that a reader means by ``04_first_cnn``, ``first_cnn``, ``4`` or ``6b``.

    Raises:
        ValueError: naming the chapters there are.
    """
    stem = pathlib.Path(name).stem
    for chapter in checkout.chapters():
        slug = chapters.slug(chapter)
        if stem in (chapter.stem, slug) or stem.lstrip("0") == chapters.number(chapter.stem):
            return chapter
    known = ", ".join(chapter.stem for chapter in checkout.chapters())
    raise ValueError(f"there is no chapter {name!r}; there are: {known}")


_COMMANDS = {
    "build": _build,
    "execute": _execute,
    "reference": _reference,
    "outputs": _outputs,
    "downloads": _downloads,
    "release": _release,
    "lint": _lint,
    "serve": _serve,
}

if __name__ == "__main__":
    # Ended like Ctrl-C: the kernel goes, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
