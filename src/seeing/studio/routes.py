"""The studio over HTTP: its page, and the JSON API that the page speaks.

What the page shows of a photograph is always made anew from its pixels; no file is sent as it is.
Of photographs of the locked test set, nothing that a model says is ever sent: not as a suggestion,
not as a mistake, not as a difference between two versions. They only count, all together.

Explained on the page *The Studio*.
"""

import contextlib
import hmac
import http.cookies
import importlib.resources
import math
import pathlib
import tempfile
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import fastapi
import pydantic
from fastapi import responses, security
from starlette import concurrency, requests, types

from seeing.app import gate, refusals
from seeing.photos import reading
from seeing.studio import (
    agreement,
    database,
    exchange,
    files,
    linear,
    names,
    opinions,
    queues,
    scores,
    service,
    store,
    thumbnails,
    versions,
)

REQUEST_BYTES = 64_000_000
LONGEST = 5_000  # photographs of a queue
MOST_ANSWERS = 100_000  # in one action
MOST_LEFT_OUT = 200  # lines that are listed one by one
LARGEST = 2**53 - 1  # a whole number that JavaScript has, too
COOKIE = "seeing_studio"

# The page loads nothing from elsewhere and runs nothing but its own files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# What a browser gets that brings the token, and one that does not.
ENTERED = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>The studio</title><meta http-equiv="refresh" content="0; url=/">
<p><a href="/">The studio</a></p></html>
"""
NO_TOKEN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>The studio</title>
<p>The token is missing or wrong. Open the whole link that the studio printed when it was started:
it ends with <code>?token=</code> and the token.</p></html>
"""
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

Number = Annotated[int, pydantic.Field(ge=0, le=LARGEST)]
Text = Annotated[str, pydantic.Field(max_length=10_000)]
Id = Annotated[int, fastapi.Path(ge=0, le=LARGEST)]
Limit = Annotated[int, fastapi.Query(ge=1, le=LONGEST)]
Name = Literal[*service.QUEUES]

STATUS: dict[type[Exception], int] = {
    store.Unknown: 404,
    KeyError: 404,
    store.NameTaken: 409,
    service.NotYet: 409,
    service.Running: 409,
    files.Busy: 409,
    store.OtherPhotographs: 409,
    store.BadAnswer: 422,
    store.BlindTestSet: 422,
    names.BadName: 422,
    linear.CannotLearn: 422,
    exchange.NotReadable: 422,
    exchange.CannotCopy: 422,
    reading.UnreadableImage: 422,
    versions.DamagedVersion: 500,
    database.NotSaved: 503,
    OSError: 507,
    MemoryError: 503,
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": refusals.Refusal, "description": description}
    for status, description in {
        400: "The request cannot be read.",
        401: "The token is missing or wrong.",
        403: "A page of another origin asks.",
        404: "There is no such thing.",
        409: "Not now: something else has to be done, or looked at, first.",
        413: "Too many bytes.",
        421: "The Host is not this server.",
        422: "What was sent cannot be used.",
        500: "A file of the studio is damaged.",
        503: "The database does not do its part.",
        507: "Nothing can be written.",
    }.items()
}


class Answer(pydantic.BaseModel):
    """What a labeler says of a photograph; see :class:`seeing.studio.opinions.Answer`."""

    photograph: Number
    kind: opinions.Kind
    classes: list[Number] = pydantic.Field(default=[], max_length=1000)
    seen: Number = 0
    decides: bool = False
    shown_by: Number | None = None
    shown: list[Number] = pydantic.Field(default=[], max_length=1000)


class Labels(pydantic.BaseModel):
    """One action of a labeler; ``token`` is the page's own name for it."""

    labeler: Number
    answers: list[Answer] = pydantic.Field(min_length=1, max_length=MOST_ANSWERS)
    how: Literal["key", "bulk"] = "key"
    token: Annotated[str, pydantic.Field(min_length=1, max_length=200)] | None = None


class Undo(pydantic.BaseModel):
    """Take back a labeler's last action."""

    labeler: Number
    token: Annotated[str, pydantic.Field(min_length=1, max_length=200)] | None = None


class RollBack(pydantic.BaseModel):
    """Put a labeler's labels back to what they were after an event."""

    labeler: Number
    to: Number


class Opinion(pydantic.BaseModel):
    """What a labeler says of a photograph."""

    photograph: int
    labeler: int
    event: int
    kind: opinions.Kind
    classes: list[int]
    decides: bool


class Written(pydantic.BaseModel):
    """What an action has left in force."""

    action: int
    last_event: int
    now: list[Opinion]


class Conflict(pydantic.BaseModel):
    """Nothing was written: somebody else has, since the page last knew."""

    detail: str
    others: list[Opinion]
    last_event: int


class NewLabeler(pydantic.BaseModel):
    """A name that a labeler gives."""

    name: Text


class Labeler(pydantic.BaseModel):
    """Who labels."""

    id: int
    name: str


class NewClass(pydantic.BaseModel):
    """A class to be made; without a key, it gets the first that is free."""

    labeler: Number
    name: Text
    key: Text | None = None


class Change(pydantic.BaseModel):
    """A class's new name, or key; ``""`` takes its key away."""

    labeler: Number
    name: Text | None = None
    key: Text | None = None


class Merge(pydantic.BaseModel):
    """The class that another becomes part of."""

    labeler: Number
    into: Number


class Class(pydantic.BaseModel):
    """A class, with its name and its key of now."""

    id: int
    name: str
    key: str | None
    merged_into: int | None


class Project(pydantic.BaseModel):
    """What does not change while the page is open."""

    name: str
    folder: str
    multi_label: bool
    test_share: float
    seed: int
    labeler: str | None
    sides: list[int]
    reserved_keys: str


class Photographs(pydantic.BaseModel):
    """All photographs, by columns, in the order of their paths; sizes in pixels.

    ``parts``: 0 training, 1 the locked test set, 2 neither. ``hashes``: the beginning of each
    content's SHA-256. ``alike``: groups of near-duplicates, as ids.
    """

    ids: list[int]
    paths: list[str]
    hashes: list[str]
    widths: list[int]
    heights: list[int]
    parts: list[int]
    alike: list[list[int]]


class LeftOut(pydantic.BaseModel):
    """A file or folder that was left out, and why."""

    path: str
    reason: str


class Share(pydantic.BaseModel):
    """So many of so many; ``low`` to ``high`` is Wilson's 95 % interval."""

    hits: int
    count: int
    value: float | None
    low: float
    high: float


class Work(pydantic.BaseModel):
    """What is done in the background."""

    number: int
    kind: service.Kind | None
    state: service.State
    doing: str
    done: int
    total: int


class Accuracy(pydantic.BaseModel):
    """How well the current model does on the locked test set; null where nothing can be said."""

    version: int | None
    accuracy: Share | None
    baseline: float | None
    baseline_classes: list[int]
    test_photographs: int
    test_labeled: int
    test_disputed: int
    test_counts: dict[int, int]
    advice: str | None


class State(pydantic.BaseModel):
    """What has changed since an event; ``full`` where everything is sent.

    Of each photograph in ``changed``, ``labels`` holds all that is said of it now.
    """

    last_event: int
    full: bool
    changed: list[int]
    labels: list[Opinion]
    classes: list[Class]
    labelers: list[Labeler]
    work: Work
    model: Accuracy


class Guess(pydantic.BaseModel):
    """A class that a model suggests."""

    class_id: int
    probability: float


class Item(pydantic.BaseModel):
    """A photograph in a queue; ``score`` is what it is there for."""

    photograph: int
    score: float


class Queue(pydantic.BaseModel):
    """What to label or to look at next, and what the model suggests, which has that number."""

    name: str
    items: list[Item]
    version: int | None
    suggestions: dict[int, list[Guess]]


class Suggestions(pydantic.BaseModel):
    """What a version suggests of photographs, none of the test set."""

    version: int | None
    suggestions: dict[int, list[Guess]]


class Pair(pydantic.BaseModel):
    """Two photographs that look the same and are labeled differently."""

    first: int
    second: int
    likeness: float


class Cluster(pydantic.BaseModel):
    """Photographs that are like each other, the nearest to their middle first."""

    members: list[int]


class Begin(pydantic.BaseModel):
    """What to do in the background."""

    kind: service.Kind


class Recall(pydantic.BaseModel):
    """How many of a class's photographs of the test set got its name."""

    class_id: int
    recall: Share


class Mistake(pydantic.BaseModel):
    """A label that a head contradicts which was not trained on it; none of the test set."""

    photograph: int
    labeled: list[int]
    said: list[int]
    confidence: float


class Report(pydantic.BaseModel):
    """How the current version does on the test set, and the mistakes that it is surest of.

    ``mistakes``: null where labels were not checked since the start.

    ``confusion``: rows are labels, columns answers, in the order of ``class_ids``; where a
    photograph may have several classes, a table of two by two for each: without it, and with it.
    """

    version: int | None
    class_ids: list[int]
    accuracy: Share | None
    balanced_accuracy: float | None
    baseline: float | None
    baseline_classes: list[int]
    recalls: list[Recall]
    confusion: list[list[int]] | list[list[list[int]]]
    mistakes: list[Mistake] | None
    advice: str | None


class Version(pydantic.BaseModel):
    """A model, and what made it; ``tested`` is how it did then."""

    number: int
    current: bool
    damaged: bool
    photographs: int | None = None
    last_event: int | None = None
    labels_sha256: str | None = None
    time: str | None = None
    seed: int | None = None
    tested: Share | None = None


class Comparison(pydantic.BaseModel):
    """Two versions on the same photographs of the test set; ``p`` is McNemar's."""

    first: int
    second: int
    photographs: int
    accuracy_first: Share
    accuracy_second: Share
    only_first: int
    only_second: int
    p: float


class Agreement(pydantic.BaseModel):
    """How far two labelers agree; null where nothing can be said."""

    first: int
    second: int
    photographs: int
    share: Share
    kappa: float | None
    low: float | None
    high: float | None
    one_unsure: int
    class_ids: list[int]
    counts: list[list[int]]
    different: list[int]


class Line(pydantic.BaseModel):
    """A line of the log."""

    number: int
    action: int
    time: str
    labeler: int
    how: str
    undoes: int | None
    photograph: int | None = None
    kind: str | None = None
    classes: list[int] = []
    shown_by: int | None = None
    shown: list[int] = []
    class_id: int | None = None
    change: str | None = None
    name: str | None = None
    key: str | None = None
    into: int | None = None


class Copied(pydantic.BaseModel):
    """Photographs that were copied into folders, one a class."""

    folder: str
    count: int
    left_out: list[str]


class TakenIn(pydantic.BaseModel):
    """What an import has brought."""

    labeled: dict[str, int]
    new_classes: list[str]
    left_out: list[str]


def build(
    studio: service.Studio,
    *,
    hosts: Sequence[str] = (),
    token: str | None = None,
    labeler: str | None = None,
) -> fastapi.FastAPI:
    """The app, for a server such as uvicorn. It closes the studio when it stops.

    Args:
        studio: an opened project whose folder was looked through.
        hosts: names and addresses that it is asked by, besides those of loopback.
        token: what every request but ``/healthz`` has to bring; None if nothing. The page gets it
            by its address, ``/?token=TOKEN``, and keeps it as a cookie.
        labeler: a name for who labels here; None where each has to say.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
        yield
        studio.close()

    app = fastapi.FastAPI(
        title="Learning to See: the studio",
        version="1",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[fastapi.Depends(security.HTTPBearer(auto_error=False))] if token else [],
        responses=REFUSALS,
    )
    app.add_middleware(gate.Gate, hosts=hosts, token=token, most_bytes=REQUEST_BYTES)
    if token is not None:
        app.add_middleware(_Ticket, token=token)  # around the gate
    app.add_middleware(_Headed)
    refusals.say_in_sentences(app)
    for kind in STATUS:
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(store.Conflict, _conflict)
    _add_page(app)
    _add_labels(app, studio, labeler)
    _add_classes(app, studio)
    _add_queues(app, studio)
    _add_models(app, studio)
    _add_exchange(app, studio)
    return app


async def _refused(request: fastapi.Request, error: Exception) -> fastapi.Response:
    """The sentence that an error brings, under the status of its kind."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    detail = refusals.line(str(said) or "memory ran out", 1000)
    return responses.JSONResponse({"detail": detail}, status)


async def _conflict(request: fastapi.Request, error: Exception) -> fastapi.Response:
    assert isinstance(error, store.Conflict)
    conflict = Conflict(
        detail=refusals.line(str(error), 1000),
        others=_opinions(error.others),
        last_event=error.last_event,
    )
    return responses.JSONResponse(conflict.model_dump(), 409)


class _Headed:
    """Adds what browsers are told with every answer."""

    def __init__(self, app: types.ASGIApp) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        async def headed(message: types.Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self._headers]}
            await send(message)

        await self._app(scope, receive, headed if scope["type"] == "http" else send)


class _Ticket:
    """Lets a browser in that was given the token in the page's address, which it then forgets.

    A page cannot send the header Authorization with its pictures. So the token is kept as a cookie
    that no script can read and that no page of another site can send; the gate looks at both.
    """

    def __init__(self, app: types.ASGIApp, *, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = requests.Request(scope)
        given = request.query_params.get("token")
        kept = _cookie(request.headers.get("cookie", ""))
        if request.method == "GET" and request.url.path == "/":
            if given is not None and self._is_ours(given):
                # Not redirected: a link in somebody's mail would still count as the one who asks.
                answer = responses.HTMLResponse(ENTERED, headers={"Cache-Control": "no-store"})
                value = urllib.parse.quote(self._token, safe="")
                answer.set_cookie(COOKIE, value, httponly=True, samesite="strict")
                await answer(scope, receive, send)
                return
            is_read = "text/html" in request.headers.get("accept", "")
            if is_read and (given is not None or kept is None or not self._is_ours(kept)):
                await responses.HTMLResponse(NO_TOKEN, 401)(scope, receive, send)
                return
        if kept is not None and "authorization" not in request.headers:
            bearer = (b"authorization", f"Bearer {kept}".encode("latin-1", "replace"))
            scope = {**scope, "headers": [*scope["headers"], bearer]}
        await self._app(scope, receive, send)

    def _is_ours(self, given: str) -> bool:
        """Compared in a time that does not tell how much is right."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def _cookie(header: str) -> str | None:
    with contextlib.suppress(http.cookies.CookieError):
        found = http.cookies.SimpleCookie(header).get(COOKIE)
        return urllib.parse.unquote(found.value) if found else None
    return None


# The page.


def _add_page(app: fastapi.FastAPI) -> None:
    page = importlib.resources.files("seeing.studio") / "page"
    held = {
        one.name: (one.read_bytes(), TYPES[pathlib.PurePath(one.name).suffix])
        for one in page.iterdir()
        if pathlib.PurePath(one.name).suffix in TYPES
    }

    def sent(name: str) -> fastapi.Response:
        content, kind = held[name]
        return fastapi.Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    @app.get("/", include_in_schema=False)
    async def index() -> fastapi.Response:
        return sent("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def of_page(name: str) -> fastapi.Response:
        if name not in held:
            raise fastapi.HTTPException(404, f"the page has no file {refusals.line(name, 100)!r}")
        return sent(name)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the studio answers; needs no token."""
        return {"status": "ok"}


# Photographs and labels.


def _add_labels(app: fastapi.FastAPI, studio: service.Studio, labeler: str | None) -> None:
    @app.get("/api/project")
    def project() -> Project:
        """What the project is."""
        opened = studio.store.project
        return Project(
            name=_shown(studio.folder.name),
            folder=_shown(str(studio.folder)),
            multi_label=opened.multi_label,
            test_share=opened.test_share,
            seed=opened.seed,
            labeler=labeler,
            sides=list(thumbnails.SIDES),
            reserved_keys=names.RESERVED_KEYS,
        )

    @app.get("/api/photographs")
    def photographs() -> Photographs:
        """All photographs of the folder."""
        listed = studio.listed
        parts = {"training": 0, "test": 1, "neither": 2}
        groups: dict[int, list[int]] = {}
        for one in listed.photographs:
            groups.setdefault(one.place.group, []).append(one.id)
        return Photographs(
            ids=listed.ids.tolist(),
            paths=[_shown(one.path) for one in listed.photographs],
            hashes=[one.sha256[:12] for one in listed.photographs],
            widths=[width for width, _ in listed.sizes],
            heights=[height for _, height in listed.sizes],
            parts=[parts[part] for part in listed.parts],
            alike=[members for members in groups.values() if len(members) > 1],
        )

    @app.get("/api/skipped")
    def skipped() -> list[LeftOut]:
        """What was left out of the folder, and why."""
        return [
            LeftOut(path=_shown(str(_below(one.path, studio.folder))), reason=one.reason)
            for one in studio.listed.skipped
        ]

    @app.get(
        "/api/photographs/{photograph}/image",
        response_class=fastapi.Response,
        responses={200: {"content": {thumbnails.TYPE: {}}}},
    )
    def image(photograph: Id, side: Annotated[int, fastapi.Query()] = 256) -> fastapi.Response:
        """A photograph as JPEG, its longer side of so many pixels at most."""
        if side not in thumbnails.SIDES:
            raise fastapi.HTTPException(
                422, f"side is {side}; expected one of {', '.join(map(str, thumbnails.SIDES))}"
            )
        content, sha256 = studio.image(photograph, side)
        # The page asks with the content's hash in the address: another content, another address.
        headers = {"Cache-Control": "private, max-age=31536000, immutable", "ETag": f'"{sha256}"'}
        return fastapi.Response(content, media_type=thumbnails.TYPE, headers=headers)

    @app.get("/api/state")
    def state(after: Annotated[int, fastapi.Query(ge=0, le=LARGEST)] = 0) -> State:
        """What is said, by now, of the photographs that somebody wrote about after an event."""
        return _state(studio, after)

    @app.post("/api/labels", responses={409: {"model": Conflict}})
    def label(labels: Labels) -> Written:
        """Write what a labeler says of photographs: all of it, or nothing."""
        answers = [
            opinions.Answer(
                photograph_id=one.photograph,
                kind=one.kind,
                class_ids=tuple(one.classes),
                seen=one.seen,
                prelabel=(
                    None
                    if one.shown_by is None
                    else opinions.PreLabel(one.shown_by, tuple(one.shown))
                ),
                decides=one.decides,
            )
            for one in labels.answers
        ]
        return _written(
            studio.store.label(labels.labeler, answers, how=labels.how, token=labels.token)
        )

    @app.post("/api/undo")
    def undo(asked: Undo) -> Written:
        """Take back a labeler's last action."""
        return _written(studio.store.undo(asked.labeler, token=asked.token))

    @app.post("/api/rollback")
    def roll_back_labels(asked: RollBack) -> Written:
        """Put a labeler's labels back to what they were after an event; it can be undone."""
        return _written(studio.store.roll_back(asked.labeler, asked.to))

    @app.post("/api/labelers")
    def labelers(asked: NewLabeler) -> Labeler:
        """The labeler of a name, a new one if there is none."""
        found = studio.store.labeler(asked.name)
        return Labeler(id=found.id, name=found.name)

    @app.get("/api/log")
    def log(
        after: Annotated[int, fastapi.Query(ge=0, le=LARGEST)] = 0,
        limit: Annotated[int, fastapi.Query(ge=1, le=1000)] = 200,
        photograph: Annotated[int | None, fastapi.Query(ge=0, le=LARGEST)] = None,
    ) -> list[Line]:
        """The log, oldest first: who said what, when and how, in the words of then."""
        return [
            _line(one)
            for one in studio.store.log(after=after, limit=limit, photograph_id=photograph)
        ]


def _state(studio: service.Studio, after: int) -> State:
    said = studio.said()
    known = studio.store.log(after=after, limit=1000) if 0 < after <= said.last_event else []
    full = not 0 < after <= said.last_event or len(known) == 1000
    # A change of a class may change what any photograph counts as.
    full = full or any(one.change is not None and one.change.change == "merge" for one in known)
    changed = {one.said.photograph_id for one in known if one.said is not None}
    return State(
        last_event=said.last_event,
        full=full,
        changed=[] if full else sorted(changed),
        labels=_opinions(one for one in said.opinions if full or one.photograph_id in changed),
        classes=[_class(one) for one in said.classes.values()],
        labelers=[Labeler(id=one.id, name=one.name) for one in studio.store.labelers()],
        work=_work(studio.work),
        model=_accuracy(studio, said),
    )


def _accuracy(studio: service.Studio, said: service.Said) -> Accuracy:
    version, tested = studio.report()
    of_test = [said.agreed[number] for number in studio.listed.test_order if number in said.agreed]
    counts = {one.id: 0 for one in said.live}
    for one in of_test:
        for class_id in one.class_ids or ():
            counts[class_id] += 1
    advice = studio.advice()
    return Accuracy(
        version=version.number if version else None,
        accuracy=_share(tested.accuracy) if tested else None,
        baseline=tested.baseline if tested else None,
        baseline_classes=list(tested.baseline_classes) if tested else [],
        test_photographs=len(studio.listed.test_order),
        test_labeled=sum(one.class_ids is not None for one in of_test),
        test_disputed=sum(one.disputed for one in of_test),
        test_counts=counts,
        advice=str(advice) if advice else None,
    )


# Classes.


def _add_classes(app: fastapi.FastAPI, studio: service.Studio) -> None:
    @app.post("/api/classes")
    def add(asked: NewClass) -> Class:
        """Make a class."""
        return _class(studio.store.add_class(asked.labeler, asked.name, asked.key or None))

    @app.patch("/api/classes/{class_id}")
    def change(class_id: Id, asked: Change) -> Class:
        """Give a class another name, or another key."""
        if (asked.name is None) == (asked.key is None):
            raise fastapi.HTTPException(422, "expected either a name or a key, one at a time")
        if asked.name is not None:
            return _class(studio.store.rename_class(asked.labeler, class_id, asked.name))
        return _class(studio.store.set_key(asked.labeler, class_id, asked.key or None))

    @app.post("/api/classes/{class_id}/merge")
    def merge(class_id: Id, asked: Merge) -> Class:
        """Make a class part of another one; the log keeps what was said."""
        return _class(studio.store.merge_class(asked.labeler, class_id, asked.into))


# What to do next.


def _add_queues(app: fastapi.FastAPI, studio: service.Studio) -> None:
    @app.get("/api/queues/{name}")
    def queue(
        name: Name,
        limit: Limit = 200,
        labeler: Annotated[int | None, fastapi.Query(ge=0, le=LARGEST)] = None,
    ) -> Queue:
        """What to label or to look at next; suggestions for none of the test set."""
        items = studio.queue(name, limit, labeler)
        version, guesses = studio.suggestions(one.photograph_id for one in items)
        return Queue(
            name=name,
            items=[_item(one) for one in items],
            version=version,
            suggestions=_guesses(guesses),
        )

    @app.get("/api/suggestions")
    def suggestions(
        photograph: Annotated[list[int], fastapi.Query(max_length=500)],
    ) -> Suggestions:
        """What the current version suggests of photographs; nothing of the test set."""
        version, guesses = studio.suggestions(photograph)
        return Suggestions(version=version, suggestions=_guesses(guesses))

    @app.get("/api/duplicates")
    def duplicates(limit: Limit = 200) -> list[Pair]:
        """Photographs that look the same and are labeled differently; none of the test set."""
        return [
            Pair(first=one.first, second=one.second, likeness=one.likeness)
            for one in studio.duplicates(limit)
        ]

    @app.get("/api/clusters")
    def clusters(
        count: Annotated[int, fastapi.Query(ge=1, le=200)] = queues.CLUSTERS,
    ) -> list[Cluster]:
        """Photographs that nobody has labeled yet, sorted by what they look like."""
        return [Cluster(members=list(one.members)) for one in studio.clusters(count)]


# Models.


def _add_models(app: fastapi.FastAPI, studio: service.Studio) -> None:
    @app.post("/api/work")
    def begin(asked: Begin) -> Work:
        """Begin a piece of work in the background."""
        return _work(studio.start(asked.kind))

    @app.delete("/api/work")
    def cancel() -> Work:
        """Ask the work in the background to end at its next step."""
        return _work(studio.cancel())

    @app.get("/api/work")
    def work() -> Work:
        """How far the work in the background is."""
        return _work(studio.work)

    @app.get("/api/report")
    def report() -> Report:
        """How the current version does."""
        version, tested = studio.report()
        advice = studio.advice()
        return Report(
            version=version.number if version else None,
            class_ids=list(tested.task.class_ids) if tested else [],
            accuracy=_share(tested.accuracy) if tested else None,
            balanced_accuracy=_number(tested.balanced_accuracy) if tested else None,
            baseline=tested.baseline if tested else None,
            baseline_classes=list(tested.baseline_classes) if tested else [],
            recalls=[
                Recall(class_id=class_id, recall=_share(one))
                for class_id, one in (tested.recalls.items() if tested else ())
            ],
            confusion=tested.confusion.tolist() if tested else [],
            mistakes=_mistakes(studio.surest_mistakes()),
            advice=str(advice) if advice else None,
        )

    @app.get("/api/versions")
    def all_versions() -> list[Version]:
        """All models, the newest first."""
        current = studio.current_version()
        found = {one.number: one.made for one in studio.versions.readable()}
        return [
            Version(
                number=number,
                current=number == current,
                damaged=number not in found,
                **_made(found.get(number)),
            )
            for number in reversed(studio.versions.numbers())
        ]

    @app.post("/api/versions/{number}/current")
    def roll_back(number: Id) -> Version:
        """Make another version the current one; none is deleted."""
        version = studio.roll_back(number)
        return Version(number=number, current=True, damaged=False, **_made(version.made))

    @app.get("/api/comparison")
    def comparison(
        first: Annotated[int, fastapi.Query(ge=1, le=LARGEST)],
        second: Annotated[int, fastapi.Query(ge=1, le=LARGEST)],
    ) -> Comparison:
        """Two versions, by the labels of now; on which photographs they differ is not said."""
        found = studio.compare(first, second)
        return Comparison(
            first=first,
            second=second,
            photographs=found.first.accuracy.count,
            accuracy_first=_share(found.first.accuracy),
            accuracy_second=_share(found.second.accuracy),
            only_first=len(found.only_first),
            only_second=len(found.only_second),
            p=found.disagreement.p,
        )

    @app.get("/api/agreement")
    def agree(
        first: Annotated[int, fastapi.Query(ge=0, le=LARGEST)],
        second: Annotated[int, fastapi.Query(ge=0, le=LARGEST)],
    ) -> Agreement:
        """How far two labelers agree on what both have labeled."""
        if first == second:
            raise fastapi.HTTPException(422, "expected two different labelers")
        said = studio.said()
        found = agreement.compare(
            said.opinions,
            first,
            second,
            [one.id for one in said.live],
            multi_label=studio.multi_label,
        )
        low, high = found.share_interval
        return Agreement(
            first=first,
            second=second,
            photographs=found.photographs,
            share=Share(
                hits=found.same,
                count=found.photographs,
                value=_number(found.share),
                low=low,
                high=high,
            ),
            kappa=_number(found.kappa),
            low=_number(found.interval[0]),
            high=_number(found.interval[1]),
            one_unsure=found.one_unsure,
            class_ids=list(found.class_ids),
            counts=found.counts.tolist(),
            different=list(found.different),
        )


# To other programs, and from them.


def _add_exchange(app: fastapi.FastAPI, studio: service.Studio) -> None:
    @app.get(
        "/api/export/{form}",
        response_class=fastapi.Response,
        responses={200: {"content": {"application/json": {}, "text/csv": {}}}},
    )
    def export(
        form: Literal["csv", "coco", "label-studio"], each: bool = False
    ) -> fastapi.Response:
        """All labels as a file: agreed ones, or what each labeler says."""
        records = exchange.records_of(studio.store, each=each)
        class_names = [one.name for one in studio.said().live]
        write: dict[str, Callable[[pathlib.Path], None]] = {
            "csv": lambda path: exchange.write_csv(path, records),
            "coco": lambda path: exchange.write_coco(path, records, class_names),
            "label-studio": lambda path: exchange.write_label_studio(path, records),
        }
        with tempfile.TemporaryDirectory(prefix="seeing-") as folder:
            place = pathlib.Path(folder) / "labels"
            write[form](place)
            content = place.read_bytes()
        name = {"csv": "labels.csv", "coco": "coco.json", "label-studio": "label-studio.json"}
        headers = {
            "Content-Disposition": f'attachment; filename="{name[form]}"',
            "Cache-Control": "no-store",
        }
        kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
        return fastapi.Response(content, media_type=kind, headers=headers)

    @app.post("/api/export/folders")
    def copy(by_part: bool = False) -> Copied:
        """Copy labeled photographs into a new folder beside the studio's files, one a class."""
        place, found = studio.copy_into_folders(by_part=by_part)
        return Copied(
            folder=_shown(str(place)),
            count=found.count,
            left_out=[_shown(one) for one in found.left_out],
        )

    @app.post(
        "/api/import/{form}",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string"}}},
            }
        },
    )
    async def take_in(
        request: fastapi.Request,
        form: Literal["csv", "coco", "label-studio"],
        labeler: Annotated[int, fastapi.Query(ge=0, le=LARGEST)],
        seen: Annotated[int, fastapi.Query(ge=0, le=LARGEST)],
    ) -> TakenIn:
        """Labels of another program, or of another studio; the body is the file."""
        content = await request.body()
        return await concurrency.run_in_threadpool(_take_in, studio, form, content, labeler, seen)


def _take_in(studio: service.Studio, form: str, content: bytes, labeler: int, seen: int) -> TakenIn:
    read = {
        "csv": exchange.read_csv,
        "coco": exchange.read_coco,
        "label-studio": exchange.read_label_studio,
    }
    with tempfile.TemporaryDirectory(prefix="seeing-") as folder:
        place = pathlib.Path(folder) / "the file"
        place.write_bytes(content)
        try:
            found = read[form](place)
        except exchange.NotReadable as error:
            raise exchange.NotReadable(str(error).replace(str(place), "the file")) from error
    if all(one.id != labeler for one in studio.store.labelers()):
        raise store.Unknown(f"there is no labeler {labeler}; say a name first")
    taken = exchange.take_in(studio.store, labeler, found.records, seen=seen)
    return TakenIn(
        labeled={_shown(name): count for name, count in taken.labeled.items()},
        new_classes=list(taken.new_classes),
        left_out=_some((*found.left_out, *taken.left_out)),
    )


# As JSON has it.


def _shown(text: str) -> str:
    """A path, or what holds one: its bytes need not be UTF-8, and JSON's have to be."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _some(left_out: Sequence[str]) -> list[str]:
    """What was left out, as far as anybody reads that, and how much more there is."""
    listed = [_shown(one) for one in left_out[:MOST_LEFT_OUT]]
    more = len(left_out) - len(listed)
    return [*listed, f"... and {more:,} more"] if more else listed


def _below(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _opinions(said: Iterable[opinions.Opinion]) -> list[Opinion]:
    return [
        Opinion(
            photograph=one.photograph_id,
            labeler=one.labeler_id,
            event=one.event,
            kind=one.kind,
            classes=list(one.class_ids),
            decides=one.decides,
        )
        for one in said
    ]


def _written(written: store.Written) -> Written:
    return Written(action=written.action, last_event=written.last_event, now=_opinions(written.now))


def _class(one: store.Class) -> Class:
    return Class(id=one.id, name=one.name, key=one.key, merged_into=one.merged_into)


def _work(one: service.Work) -> Work:
    return Work(
        number=one.number,
        kind=one.kind,
        state=one.state,
        doing=_shown(one.doing),
        done=one.done,
        total=one.total,
    )


def _share(one: scores.Share) -> Share:
    low, high = one.interval
    return Share(hits=one.hits, count=one.count, value=_number(one.value), low=low, high=high)


def _item(one: queues.Item) -> Item:
    return Item(photograph=one.photograph_id, score=one.score)


def _guesses(found: dict[int, list[tuple[int, float]]]) -> dict[int, list[Guess]]:
    return {
        number: [Guess(class_id=class_id, probability=p) for class_id, p in guesses]
        for number, guesses in found.items()
    }


def _mistakes(found: Iterable[scores.Mistake] | None) -> list[Mistake] | None:
    if found is None:
        return None
    return [
        Mistake(
            photograph=one.photograph_id,
            labeled=list(one.labeled),
            said=list(one.said),
            confidence=one.confidence,
        )
        for one in found
    ]


def _made(made: versions.Made | None) -> dict[str, Any]:
    if made is None:
        return {}
    return {
        "photographs": made.photographs,
        "last_event": made.last_event,
        "labels_sha256": made.labels_sha256,
        "time": made.time,
        "seed": made.seed,
        "tested": _share(made.tested) if made.tested else None,
    }


def _line(one: store.Event) -> Line:
    line = Line(
        number=one.number,
        action=one.action,
        time=one.time.isoformat(timespec="seconds"),
        labeler=one.labeler_id,
        how=one.how,
        undoes=one.undoes,
    )
    if one.said is not None:
        line.photograph, line.kind = one.said.photograph_id, one.said.kind
        line.classes = list(one.said.class_ids)
        if one.said.prelabel is not None:
            line.shown_by = one.said.prelabel.model_version
            line.shown = list(one.said.prelabel.class_ids)
    if one.change is not None:
        line.class_id, line.change = one.change.class_id, one.change.change
        line.name, line.key, line.into = one.change.name, one.change.key, one.change.into_id
    return line
