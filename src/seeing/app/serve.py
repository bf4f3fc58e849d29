"""``python -m seeing serve``: where the API is reached, and how it stops.

What can be wrong with its options, its place or the classifier's folder is said before Keras is
loaded, which takes seconds. Everything that the extra ``app`` brings is imported only then, too.

Explained on the page *The Command Line*.
"""

import contextlib
import importlib.util
import pathlib
import signal
import socket
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fastapi
    import uvicorn

    from seeing.app import logged

# What the extra `app` brings, by the names that are imported.
NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
STOP_S = 30  # how long requests in flight may take once it is told to stop
CONNECTIONS = 128


class CannotServe(ValueError):
    """An option, a place or what is installed does not allow serving. The message says why."""


def require_installed(
    command: str = "serve", extra: str = "app", needed: Sequence[str] = NEEDED
) -> None:
    """Refuse to start without the packages of an extra.

    Args:
        command: what needs them.
        extra: what brings them.
        needed: the packages, by the names that are imported.

    Raises:
        CannotServe: naming what is missing and the extra that brings it.
    """
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise CannotServe(
            f"`{command}` needs {', '.join(missing)}, which the base install does not bring: "
            f"install the extra `{extra}`, in a clone of the book with `pip install '.[{extra}]'`"
        )


def require_private(host: str, token: str | None) -> None:
    """Refuse an address that others can reach, without a token; and a token that is no good one.

    Raises:
        CannotServe: saying what is expected.
    """
    from seeing.app import gate

    if token is not None and not gate.TOKEN.fullmatch(token):
        raise CannotServe(
            "the token is too short, too long or holds other characters; expected 16 to 512 "
            "letters, digits and any of - . _ ~ + /, such as "
            '`python -c "import secrets; print(secrets.token_urlsafe())"` prints'
        )
    if token is None and not gate.is_loopback(host):
        raise CannotServe(
            f"others can reach {host}: give a --token that they have to know, or leave --host at "
            "127.0.0.1, which only this machine reaches"
        )


def bind(host: str, port: int) -> socket.socket:
    """Take an address, without listening yet.

    Args:
        host: an address or a name of this machine.
        port: 0 takes a free one.

    Raises:
        CannotServe: when the address is none of this machine, or is taken.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        place = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise CannotServe(f"{host} is no address of this machine ({_reason(error)})") from error
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
    except OSError as error:
        place.close()
        raise CannotServe(
            f"{host}, port {port}, cannot be taken ({_reason(error)}); choose another --port"
        ) from error
    return place


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def hosts(host: str) -> list[str]:
    """The names that a server at an address is asked by, besides those of loopback."""
    from seeing.app import gate

    return [] if gate.is_loopback(host) else [host, socket.gethostname()]


def run(
    model: pathlib.Path,
    place: socket.socket,
    host: str,
    token: str | None,
    unsure_below: float,
    log: "logged.Log | None" = None,
) -> None:
    """Load a classifier, and answer until a signal to stop; then what is in flight is answered.

    Args:
        model: the classifier's folder.
        place: as :func:`bind` gives it; closed at the end.
        host: as :func:`bind` took it.
        token: what requests have to bring; None if nothing.
        unsure_below: as for :func:`seeing.app.api.build`.
        log: as for :func:`seeing.app.api.build`; closed at the end.

    Raises:
        stored.NotAClassifier: when the folder holds no classifier that can be read.
        MemoryError: when memory runs out.
        keras_settings.UnusableSettings: when Keras is set up in another way than usual.
    """
    from seeing.app import answering, api, classifier

    with place, contextlib.nullcontext() if log is None else contextlib.closing(log):
        trained = classifier.load(model)
        if log is not None:
            print(log.what(), flush=True)
        app = api.build(
            answering.Compiled(trained, with_features=log is not None),
            trained.class_names,
            hosts=hosts(host),
            token=token,
            unsure_below=unsure_below,
            log=log,
        )
        answer(app, place, f"serving {', '.join(trained.class_names)}")


def answer(
    app: "fastapi.FastAPI",
    place: socket.socket,
    what: str,
    *,
    query: str = "",
    started: Callable[[str], None] | None = None,
) -> None:
    """Let an app answer until a signal to stop; then what is in flight is answered.

    Args:
        app: what answers.
        place: as :func:`bind` gives it.
        what: what is printed before the address, once it can be asked.
        query: what is printed behind the address.
        started: gets the address, with what is behind it, as soon as it can be asked.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=STOP_S,
    )
    server = uvicorn.Server(config)
    with _stopping_is_no_fault(server), warnings.catch_warnings():
        # What a decoder says of a stranger's photograph would fill the terminal.
        warnings.filterwarnings("ignore", module=r"seeing\.photos\.")
        place.listen(CONNECTIONS)  # who reads the next line may ask at once
        shown = address(place) + query
        print(f"{what}: {shown}", flush=True)
        if started is not None:
            started(shown)
        server.run(sockets=[place])
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("stopped", flush=True)


def address(place: socket.socket) -> str:
    """Where this machine asks a place, such as ``http://127.0.0.1:8000``."""
    shown, port, *_ = place.getsockname()
    # What stands for all addresses of a machine is itself none that every browser opens.
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(shown, shown)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def elsewhere(place: socket.socket) -> str | None:
    """Where other machines ask a place that is all of this one's addresses; else None."""
    shown, port, *_ = place.getsockname()
    return f"http://{socket.gethostname()}:{port}" if shown in ("0.0.0.0", "::") else None


@contextlib.contextmanager
def _stopping_is_no_fault(server: "uvicorn.Server") -> Iterator[None]:
    """Let a signal stop the server, and do nothing else.

    uvicorn listens to signals while it runs alone: one that comes just before would be lost. And
    it raises the signal that stopped it once more when it is done.
    """

    def stop(number: int, frame: types.FrameType | None) -> None:
        server.should_exit = True

    numbers = [signal.SIGINT, signal.SIGTERM]
    # A terminal that is closed says so, where there is such a signal; `nohup` has it ignored.
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) == signal.SIG_DFL:
        numbers.append(hangup)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
