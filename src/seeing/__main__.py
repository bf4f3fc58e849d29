"""``python -m seeing``: train a classifier on photographs, ask, serve, watch, export it; label.

Explained on the page *The Command Line*, its steps in chapter 8, *A Flower Classifier*; labeling
on the page *The Studio*.
"""

import argparse
import contextlib
import os
import pathlib
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

STOPPED = 130  # what a shell gives for a command that Ctrl-C ended

try:
    from seeing.app import keras_settings, logged, serve, stored
    from seeing.datasets import sources
    from seeing.photos import folders, reading
except KeyboardInterrupt:  # loading them takes a moment, too
    print("\nstopped", file=sys.stderr)
    sys.exit(STOPPED)

STUDIO_NEEDS = ("fastapi", "uvicorn", "sqlalchemy")  # of the extras `app` and `studio`
LONGEST_STEM = 240  # bytes; with a number and an ending, a name may have 255

if TYPE_CHECKING:
    import numpy as np

    from seeing.app import classifier


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``python -m seeing``; the process's own if None.

    Returns:
        The exit status: 0, or 1 when something could not be done; a message has said what. 130
        after Ctrl-C, 141 when nobody reads what is printed.
    """
    _require_streams()
    options = parser().parse_args(arguments)
    # TensorFlow's C++ side otherwise prints its build details among the results.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file's name may hold bytes that are no text
            stream.reconfigure(errors="backslashreplace")
    expected = (
        folders.NotAnImageFolder,
        reading.UnreadableImage,
        sources.DataUnavailable,
        serve.CannotServe,
        stored.NotAClassifier,
        logged.CannotLog,
        OSError,
    )
    try:
        if options.command == "serve":
            options.place = take_place(options)
        if options.command == "studio":
            serve.require_installed("studio", "app,studio", STUDIO_NEEDS)
            from seeing.studio import service

            expected += service.EXPECTED
            return studio(options)
        if options.command == "watch":
            from seeing.app import held_out, watching

            expected += (held_out.NoHeldOut, watching.CannotWatch)
            with _warnings_in_one_line():
                return watch(options)
        # Keras takes seconds to import; --help and wrong options do without it.
        keras_settings.require_usable()
        from seeing.app import classifier

        expected += (classifier.CannotTrain,)
        if options.command == "export":
            from seeing.app import exporting

            expected += (exporting.CannotExport,)
        command = {"train": train, "predict": predict, "serve": answer, "export": export}
        with _warnings_in_one_line():
            status = command[options.command](options)
        sys.stdout.flush()  # so that a closed pipe is noticed here, not at the end of Python
        return status
    except BrokenPipeError:
        return _nobody_reads()
    # Anything else is a mistake in this program and keeps its traceback.
    except (*expected, keras_settings.UnusableSettings) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except MemoryError as error:
        print(f"error: not enough memory: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return STOPPED


def _require_streams() -> None:
    """Give the process streams where it has none (``>&-``, or a program without a terminal).

    Before any file is opened, which would otherwise get the number of the missing stream, and with
    it whatever a library writes there.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show each warning once, in one line: a file is read several times."""
    said = set()

    def show(
        message: Warning,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(f"warning: {message}".split())
        if text not in said:
            said.add(text)
            print(text, file=sys.stderr)

    with warnings.catch_warnings():
        # About a photograph they are told, not raised, whatever PYTHONWARNINGS says.
        warnings.filterwarnings("always", module=r"seeing\.photos\.")
        warnings.showwarning = show
        yield


def _nobody_reads() -> int:
    """End without a word, as programs do whose reader has gone (``predict ... | head``).

    Returns:
        The exit status that a shell gives for a program that a closed pipe stopped.
    """
    # What is still waiting to be written would raise once more at the end of Python.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return 128 + 13  # SIGPIPE's number


def parser() -> argparse.ArgumentParser:
    """The options of all commands."""
    every = argparse.ArgumentParser(prog="python -m seeing", description="Photographs to names.")
    commands = every.add_subparsers(dest="command", required=True)
    of_trained = argparse.ArgumentParser(add_help=False)
    of_trained.add_argument("model", metavar="MODEL", help="a folder that train wrote")
    of_server = argparse.ArgumentParser(add_help=False)
    of_server.add_argument(
        "--host", default="127.0.0.1", help="address; any but loopback needs a token [127.0.0.1]"
    )
    of_server.add_argument(
        "--port", type=_port, default=8000, help="0 to 65535; 0 takes a free one [8000]"
    )
    of_server.add_argument("--token", help="what requests have to bring, 16 characters or more")
    training = commands.add_parser(
        "train", help="train a classifier on a folder that holds one subfolder a class"
    )
    training.add_argument("folder", metavar="FOLDER", help="one subfolder of photographs a class")
    training.add_argument(
        "--output", metavar="MODEL", help="new folder for the classifier [FOLDER_classifier]"
    )
    training.add_argument(
        "--fine-tune",
        metavar="EPOCHS",
        type=int,
        default=0,
        help="also train ResNet50's last blocks, for so many epochs; 8 is a good number [0]",
    )
    training.add_argument(
        "--image-size", metavar="PIXELS", type=int, default=256, help="32 or more [256]"
    )
    training.add_argument(
        "--seed", type=int, default=0, help="of all random numbers, 0 to 2147483647 [0]"
    )
    asking = commands.add_parser("predict", parents=[of_trained], help="name what photographs show")
    asking.add_argument("photographs", metavar="PHOTO", nargs="+", help="image files")
    asking.add_argument(
        "--top", metavar="K", type=_positive, default=5, help="names a photograph [5]"
    )
    asking.add_argument(
        "--png", metavar="FOLDER", help="also draw each photograph with its names, as PNG files"
    )
    serving = commands.add_parser(
        "serve",
        parents=[of_trained, of_server],
        help="name photographs for other programs, over HTTP; needs the extra `app`",
    )
    serving.add_argument(
        "--unsure-below",
        metavar="PROBABILITY",
        type=_probability,
        default=0.0,
        help='answer "don\'t know" where the largest probability is below this [0: never]',
    )
    serving.add_argument(
        "--log",
        metavar="FOLDER",
        help="write into this folder what is answered, and what `watch` needs of each photograph",
    )
    serving.add_argument(
        "--log-photographs", action="store_true", help="the photographs, too, to label them later"
    )
    serving.add_argument(
        "--log-limit",
        metavar="MB",
        type=_positive,
        default=1000,
        help="of all that is in that folder; beyond it nothing more is logged [1000]",
    )
    comparing = commands.add_parser(
        "watch",
        parents=[of_trained],
        help="test whether what a served classifier is shown, or what it says, has changed",
        epilog="Exit status: 0 no drift, 3 drift, 1 it could not be tested.",
    )
    comparing.add_argument("log", metavar="LOG", help="a folder that serve --log wrote")
    comparing.add_argument(
        "--batch", metavar="COUNT", type=_several, default=50, help="photographs a test [50]"
    )
    comparing.add_argument(
        "--false-alarms",
        metavar="SHARE",
        type=_alarm_rate,
        default=0.05,
        help="of batches that may differ by chance, 0.01 to 0.5 [0.05]",
    )
    comparing.add_argument(
        "--last", metavar="COUNT", type=_positive, help="look at so many batches, the latest [all]"
    )
    comparing.add_argument(
        "--reference",
        metavar="PHOTOGRAPHS",
        help="a folder of photographs to compare with, not trained on [those that train kept out]",
    )
    comparing.add_argument(
        "--collect",
        metavar="FOLDER",
        help="copy the logged photographs to a new folder for the studio, with the answers beside",
    )
    labeling = commands.add_parser(
        "studio",
        parents=[of_server],
        help="label photographs on a page of your own; needs the extras `app` and `studio`",
    )
    labeling.add_argument("folder", metavar="FOLDER", help="photographs, in any folders below")
    labeling.add_argument(
        "--multi-label",
        action="store_true",
        default=None,
        help="a photograph may have any number of classes, instead of exactly one; for good",
    )
    labeling.add_argument(
        "--test-share",
        metavar="SHARE",
        type=_share,
        help="of photographs that are locked away for testing, for good [0.2]",
    )
    labeling.add_argument("--seed", type=_seed, help="of what is drawn, for good [a random one]")
    labeling.add_argument(
        "--database",
        metavar="URL",
        help="SQLAlchemy's, such as postgresql+psycopg://ann@host/name [a file in FOLDER_studio]",
    )
    labeling.add_argument(
        "--no-browser", action="store_true", help="do not open the page, only print its address"
    )
    writing = commands.add_parser(
        "export",
        parents=[of_trained],
        help="write a classifier as files that other programs can run",
    )
    writing.add_argument(
        "--formats",
        metavar="FORMAT",
        nargs="+",
        default=["keras", "litert", "onnx"],
        help="of keras, litert, onnx and litert-int8 [keras litert onnx]",
    )
    writing.add_argument(
        "--output", metavar="FOLDER", help="new folder for the files [MODEL_exported]"
    )
    writing.add_argument(
        "--calibrate",
        metavar="PHOTOGRAPHS",
        help="a folder of photographs, which litert-int8 needs and all formats are tried on",
    )
    return every


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _several(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 2 or more")
    return int(text)


def _alarm_rate(text: str) -> float:
    if 0.01 <= _probability(text) <= 0.5:
        return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a share of 0.01 to 0.5")


def _share(text: str) -> float:
    if 0 < _probability(text) < 1:
        return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a share, more than 0 and less than 1")


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed, 0 to {2**31 - 1}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _probability(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a probability, 0 to 1")


def train(options: argparse.Namespace) -> int:
    """Train, say how well it does, and save."""
    folder = pathlib.Path(options.folder).resolve()  # which gives "." a name
    output = pathlib.Path(options.output or folder.parent / f"{folder.name}_classifier")
    from seeing.app import classifier

    classifier.require_place(output, classifier.ROOM)
    trained: list[classifier.PhotoClassifier] = []
    try:
        training = classifier.train(
            options.folder,
            image_size=options.image_size,
            fine_tuning_epochs=options.fine_tune,
            seed=options.seed,
            keep=trained.append,
        )
    except BaseException:  # whatever it is, hours of training may lie before it
        if trained:
            _save(trained[-1], output)
            said = f"what was trained so far is saved, untested: {output}"
            print(said, file=sys.stderr)
        raise
    try:  # saved first: what was trained is kept, also where nobody reads the scores
        _save(training.classifier, output)
    finally:
        print(training.scores())
    print(f"saved: {output}")
    return 0


def _save(trained: "classifier.PhotoClassifier", output: pathlib.Path) -> None:
    """Save a classifier, in its parent folder if its own place was taken meanwhile.

    Raises:
        classifier.SavedElsewhere: saying where it is.
    """
    from seeing.app import classifier

    try:
        trained.save(output)
    except classifier.SavedElsewhere:
        raise
    except OSError as error:  # the place has changed since it was looked at
        kept = trained.rescue(output.parent)
        raise classifier.SavedElsewhere(f"{error}. {kept}") from error


def predict(options: argparse.Namespace) -> int:
    """Print the most probable names of each photograph; draw them if wanted."""
    from seeing.app import classifier

    if options.png:
        _require_folder(pathlib.Path(options.png))  # before the work
    trained = classifier.load(options.model)
    status = 0
    for path in map(pathlib.Path, options.photographs):
        try:
            row = trained.probabilities([path])[0]
        except reading.UnreadableImage as error:
            print(f"error: {error}", file=sys.stderr)
            status = 1
            continue
        print(path)
        for name, probability in trained.best(row, options.top):
            print(f"  {probability:6.1%}  {name}")
        if options.png:
            place = _draw(trained, path, row, pathlib.Path(options.png), options.top)
            print(f"  drawn: {place}")
    return status


def take_place(options: argparse.Namespace) -> socket.socket:
    """Find out what speaks against serving, before Keras is loaded; the address that is taken."""
    serve.require_installed()
    serve.require_private(options.host, options.token)
    if options.log_photographs and not options.log:
        raise serve.CannotServe("--log-photographs needs --log FOLDER, where they are to be kept")
    model = pathlib.Path(options.model)
    stored.describe(model)
    if options.log:
        _log(options, model).close()  # a folder that takes no file is said now
    return serve.bind(options.host, options.port)


def answer(options: argparse.Namespace) -> int:
    """Name photographs over HTTP until a signal to stop."""
    model = pathlib.Path(options.model)
    with options.place:  # closed, too, where the log cannot be opened
        log = _log(options, model) if options.log else None
        serve.run(model, options.place, options.host, options.token, options.unsure_below, log)
    return 0


def _log(options: argparse.Namespace, model: pathlib.Path) -> logged.Log:
    """Open the log that a server writes."""
    description = stored.describe(model)
    return logged.Log(
        options.log,
        model=description.identity(model),
        class_names=description.class_names,
        keeps_photographs=options.log_photographs,
        most_bytes=1_000_000 * options.log_limit,
    )


def watch(options: argparse.Namespace) -> int:
    """Compare what a server has logged with what was kept out of the training."""
    from seeing.app import watching

    model, log = pathlib.Path(options.model), pathlib.Path(options.log)
    # Without a trailing slash or a dot, it has a name.
    collected = pathlib.Path(options.collect).absolute() if options.collect else None
    if collected is not None:
        watching.require_new(collected)
    if options.reference:
        keras_settings.require_usable()
    given = pathlib.Path(options.reference) if options.reference else None
    known = watching.reference(model, given, lambda text: print(text, file=sys.stderr))
    found = watching.watch(
        model,
        log,
        known,
        batch_size=options.batch,
        alarm_rate=options.false_alarms,
        last=options.last,
    )
    for notice in found.notices:
        print(f"note: {notice}", file=sys.stderr)
    print(found.table())
    if found.rest:
        print(f"{found.rest} more wait for their batch to be full")
    print(found.verdict())
    if collected is not None:
        print(watching.collect(found.records, log, collected).summary())
    sys.stdout.flush()
    return watching.DRIFT if found.alarms else 0


def studio(options: argparse.Namespace) -> int:
    """Label photographs on a page, until a signal to stop."""
    serve.require_private(options.host, options.token)
    from seeing.studio import run, service

    # First: a second start on the same folder would otherwise only hear of the port.
    opened = service.Studio(
        options.folder,
        database_url=options.database,
        multi_label=options.multi_label,
        test_share=options.test_share,
        seed=options.seed,
    )
    with contextlib.closing(opened), _warnings_in_one_line():
        place = serve.bind(options.host, options.port)
        run.run(opened, place, options.host, options.token, opens_browser=not options.no_browser)
    return 0


def export(options: argparse.Namespace) -> int:
    """Write a classifier in other formats, and print how each does."""
    from seeing.app import exporting

    model = pathlib.Path(options.model).resolve()  # which gives "." a name
    output = pathlib.Path(options.output or model.parent / f"{model.name}_exported")
    exported = exporting.export(
        options.model, output, options.formats, photographs=options.calibrate
    )
    print(exported.table())
    print(f"saved: {output}")
    return 0


def _require_folder(folder: pathlib.Path) -> None:
    """Make a folder for drawings, unless there is one; either way it has to take a file.

    Raises:
        OSError: saying why it cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        what = "is no folder" if os.path.lexists(folder) and not folder.is_dir() else error.strerror
        raise OSError(
            f"{folder} cannot be used for drawings ({what}); choose another folder"
        ) from error


def _draw(
    trained: "classifier.PhotoClassifier",
    path: pathlib.Path,
    row: "np.ndarray",
    folder: pathlib.Path,
    k: int,
) -> pathlib.Path:
    """Draw one photograph and its probabilities into a folder, under a name that is still free."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    from seeing.figures import style

    mpl.use("Agg")  # draws files, and needs no screen
    style.use_house_style()
    place = _free_place(folder, path.stem)
    figure = trained.draw(path, row, k)
    figure.savefig(place)
    plt.close(figure)
    return place


def _free_place(folder: pathlib.Path, stem: str) -> pathlib.Path:
    """A name in a folder that nothing has yet, for a drawing of a file of that stem."""
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[:-1]
    place, number = folder / f"{stem}.png", 1
    while os.path.lexists(place):
        number += 1
        place = folder / f"{stem} ({number}).png"
    return place


if __name__ == "__main__":
    sys.exit(main())
