"""``python -m seeing studio``: a project is opened, its page served, and both closed in good order.

What can be wrong with the options, the folder, the database or the address is said first. Keras,
which takes seconds, is loaded only where features are missing, while the page works already.

Explained on the page *The Studio*.
"""

import contextlib
import getpass
import os
import socket
import sys
import urllib.parse
import webbrowser
from collections.abc import Iterator

import tqdm

from seeing.app import serve
from seeing.studio import jobs, routes, service


def run(
    studio: service.Studio,
    place: socket.socket,
    host: str,
    token: str | None,
    *,
    opens_browser: bool = False,
) -> None:
    """Look through the folder, then serve the page until a signal to stop.

    What is in flight is answered then, and work in the background ends at its next step.

    Args:
        studio: an opened project; closed at the end.
        place: as :func:`seeing.app.serve.bind` gives it; closed at the end.
        host: as that took it.
        token: what requests have to bring; None if nothing.
        opens_browser: whether to show the page to who has started this, if there is a screen.

    Raises:
        folders.NotAnImageFolder: when the folder holds no photograph.
        store.OtherPhotographs: when the database is another folder's.
        database.NotSaved: when the database does not do its part.
    """
    with place, contextlib.closing(studio):
        with _progress() as job:
            studio.scan(job)
        print(summary(studio), flush=True)
        app = routes.build(
            studio, hosts=serve.hosts(host), token=token, labeler=_user() if token is None else None
        )
        studio.start("features")
        query = "" if token is None else f"/?token={urllib.parse.quote(token, safe='')}"
        everywhere = serve.elsewhere(place)
        if everywhere is not None:
            print(f"from other machines: {everywhere}{query}", flush=True)
        serve.answer(
            app,
            place,
            f"studio of {studio.folder.name}",
            query=query,
            started=_show if opens_browser else None,
        )


def summary(studio: service.Studio) -> str:
    """A few lines on what was found and what was left out, with reasons."""
    listed = studio.listed
    count, of_test = len(listed.photographs), len(listed.test_order)
    found = f"{count:,} photograph{'s' if count != 1 else ''}"
    lines = [f"{found}, {of_test:,} of them in the locked test set"]
    if listed.skipped:
        lines.append(f"{len(listed.skipped)} left out:")
        lines += [f"  {one.path}: {one.reason}" for one in listed.skipped[:20]]
        lines += ["  ... the page lists them all"] if len(listed.skipped) > 20 else []
    return "\n".join(lines)


@contextlib.contextmanager
def _progress() -> Iterator[jobs.Job]:
    """A job whose progress is shown on the terminal, if there is one."""
    hidden = not sys.stderr.isatty() or os.environ.get("SEEING_PROGRESS") == "0"
    with tqdm.tqdm(unit="photograph", disable=hidden, leave=False) as bar:

        def say(doing: str, done: int, total: int) -> None:
            bar.set_description(doing)
            bar.total, bar.n = total, done
            bar.refresh()

        yield jobs.Job(say)


def _user() -> str | None:
    """The name that this machine knows its user by; None if it knows none."""
    try:
        return getpass.getuser() or None
    except (OSError, KeyError, ImportError):
        return None


def _show(address: str) -> None:
    """Show the page, where there is a screen: on a terminal alone, a browser would take it."""
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        return
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)
