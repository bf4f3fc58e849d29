"""A trained classifier as a JSON API over HTTP: one photograph or many to names.

Explained on the page *The Command Line*.
"""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Protocol

import fastapi
import numpy as np
import pydantic
from fastapi import responses, security
from starlette import datastructures
from starlette import exceptions as http_exceptions
from starlette import requests as http_requests

from seeing.app import batching, counters, gate, logged, refusals
from seeing.photos import reading

MOST_TOP = 1000  # names a photograph
DECODERS = 2  # at once: one of the largest photographs takes half a gigabyte while it is decoded
BATCH = 16  # photographs in one call of the network
MULTIPART = "multipart/form-data"


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much may be sent. How many pixels, :data:`reading.MAX_PIXELS` says.

    Attributes:
        photograph_bytes: of one file.
        request_bytes: of one request, all files together.
        photographs: files in one request.
        waiting: photographs that wait for the network, of all requests together.
        seconds: for a request to arrive.
    """

    photograph_bytes: int = 20_000_000
    request_bytes: int = 64_000_000
    photographs: int = 16
    waiting: int = 64
    seconds: float = 60.0


class Answering(Protocol):
    """What the API asks: :class:`seeing.app.answering.Compiled`, or a test's stand-in."""

    def views(self, path: pathlib.Path) -> np.ndarray:
        """What is looked at of one photograph, any array; raises ``UnreadableImage``."""

    def probabilities(self, photographs: Sequence[np.ndarray]) -> np.ndarray:
        """Shape (n, K), given the views of n photographs."""

    def answers_and_features(
        self, photographs: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The same, and features of shape (n, d) or None; asked only where answers are logged."""


class Candidate(pydantic.BaseModel):
    """A class, and how probable it is."""

    name: str
    probability: float


class Answer(pydantic.BaseModel):
    """What a photograph shows: ``answer`` is null where the classifier does not know."""

    file: str
    answer: str | None
    classes: list[Candidate]


class Unread(pydantic.BaseModel):
    """A photograph among many that could not be used, and why."""

    file: str
    error: str


class Answers(pydantic.BaseModel):
    """What many photographs show, in their order."""

    photographs: list[Answer | Unread]


class About(pydantic.BaseModel):
    """The classifier, and what may be sent to it."""

    class_names: list[str]
    photograph_bytes: int
    photograph_pixels: int
    photographs: int
    request_bytes: int


class Health(pydantic.BaseModel):
    """Whether photographs are answered."""

    status: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": refusals.Refusal, "description": description}
    for status, description in {
        400: "The request cannot be read.",
        401: "The token is missing or wrong.",
        403: "A page of another origin asks.",
        408: "The request did not arrive in time.",
        413: "Too many bytes, pixels or photographs.",
        415: "The request is no form with files.",
        421: "The Host is not this server.",
        422: "No photograph that can be used, or a parameter out of its range.",
        503: "Too much is waiting, or the server is stopping.",
    }.items()
}
AT_THE_GATE = {status: REFUSALS[status] for status in (401, 403, 413, 421)}

Top = Annotated[
    int, fastapi.Query(ge=1, le=MOST_TOP, description="How many classes, the most probable first.")
]


def build(
    trained: Answering,
    class_names: Sequence[str],
    *,
    hosts: Sequence[str] = (),
    token: str | None = None,
    limits: Limits | None = None,
    unsure_below: float = 0.0,
    log: logged.Log | None = None,
) -> fastapi.FastAPI:
    """The app, for a server such as uvicorn.

    Args:
        trained: what answers.
        class_names: K names, in the order of its probabilities.
        hosts: names and addresses that it is asked by, besides those of loopback.
        token: what every request but ``/healthz`` has to bring; None if nothing.
        limits: how much may be sent; the usual if None.
        unsure_below: where the largest probability is below this, the answer is "don't know";
            0 to 1. A request may say otherwise.
        log: where each answer is written before it is given; None: nowhere.
    """
    limits = limits or Limits()
    batcher = batching.Batcher(
        functools.partial(_said, trained, with_features=log is not None),
        most=BATCH,
        waiting=limits.waiting,
        noted=lambda photographs: counted.note_batch(photographs),
    )
    counted = counters.Counters(lambda: batcher.waiting)
    if log is not None:
        counted.count_log()
    desk = _Desk(trained, tuple(class_names), batcher, counted, limits, log)

    @contextlib.asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
        async with batcher.running():
            yield
        desk.close()

    app = fastapi.FastAPI(
        title="Learning to See: a trained classifier",
        version="1",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[fastapi.Depends(security.HTTPBearer(auto_error=False))] if token else [],
    )
    app.add_middleware(gate.Gate, hosts=hosts, token=token, most_bytes=limits.request_bytes)
    app.add_middleware(counters.Counted, counters=counted)  # around the gate
    refusals.say_in_sentences(app)
    Unsure = Annotated[
        float,
        fastapi.Query(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="Answer null where the largest probability is below this.",
        ),
    ]

    @app.post("/photograph", responses=REFUSALS, openapi_extra=_form("photograph", 1))
    async def photograph(
        request: fastapi.Request, top: Top = 5, unsure_below: Unsure = unsure_below
    ) -> Answer:
        """What one photograph shows."""
        async with desk.files(request, "photograph", 1) as [file]:
            return await desk.answer(file, top, unsure_below)

    @app.post(
        "/photographs", responses=REFUSALS, openapi_extra=_form("photographs", limits.photographs)
    )
    async def photographs(
        request: fastapi.Request, top: Top = 5, unsure_below: Unsure = unsure_below
    ) -> Answers:
        """What many photographs show; one that cannot be used leaves the others their answers."""
        async with desk.files(request, "photographs", limits.photographs) as files:
            answers = [desk.answer_or_reason(file, top, unsure_below) for file in files]
            return Answers(photographs=await asyncio.gather(*answers))

    @app.get("/classes", responses=AT_THE_GATE)
    async def classes() -> About:
        """What it can name, and how much may be sent."""
        return About(
            class_names=list(class_names),
            photograph_bytes=limits.photograph_bytes,
            photograph_pixels=reading.MAX_PIXELS,
            photographs=limits.photographs,
            request_bytes=limits.request_bytes,
        )

    @app.get("/healthz", responses={status: REFUSALS[status] for status in (403, 413, 421, 503)})
    async def healthz() -> Health:
        """Whether photographs are answered; needs no token."""
        if not batcher.is_running:
            raise http_exceptions.HTTPException(503, "the network does not answer; start it anew")
        return Health(status="ok")

    @app.get("/metrics", responses=AT_THE_GATE, response_class=responses.PlainTextResponse)
    async def metrics() -> fastapi.Response:
        """Counters, in the text form that Prometheus reads."""
        return fastapi.Response(counted.text(), media_type=counters.CONTENT_TYPE)

    return app


@dataclasses.dataclass(frozen=True)
class _Said:
    """What the network says of one photograph: (K,), and (d,) where that is asked for."""

    probabilities: np.ndarray
    features: np.ndarray | None = None


def _said(
    trained: Answering, photographs: Sequence[np.ndarray], *, with_features: bool
) -> list[_Said]:
    """What the network says of several photographs, in one call."""
    if not with_features:
        return [_Said(row) for row in trained.probabilities(photographs)]
    rows, features = trained.answers_and_features(photographs)
    if features is None:
        return [_Said(row) for row in rows]
    return [_Said(*both) for both in zip(rows, features, strict=True)]


class _Desk:
    """Takes photographs in, has them read and named, and says what came of it."""

    def __init__(
        self,
        trained: Answering,
        class_names: tuple[str, ...],
        batcher: batching.Batcher,
        counted: counters.Counters,
        limits: Limits,
        log: logged.Log | None,
    ) -> None:
        self._trained, self._class_names, self._batcher = trained, class_names, batcher
        self._counted, self._limits = counted, limits
        self._readers = concurrent.futures.ThreadPoolExecutor(DECODERS, "reader")
        self._log = log
        self._writer = concurrent.futures.ThreadPoolExecutor(1, "log")  # one line at a time

    def close(self) -> None:
        """Let the threads end."""
        self._readers.shutdown()
        self._writer.shutdown()

    @contextlib.asynccontextmanager
    async def files(
        self, request: fastapi.Request, field: str, most: int
    ) -> AsyncIterator[list[datastructures.UploadFile]]:
        """A form's files, 1 to ``most``, all in one field; closed at the end of the block."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != MULTIPART:
            raise http_exceptions.HTTPException(
                415,
                f"the request's type is {kind[:100]!r}; expected {MULTIPART}, such as "
                f"`curl --form {field}=@holiday.jpg` sends",
            )
        form = await self._form(request)
        try:
            yield _require_files(form, field, most)
        finally:
            await form.close()

    async def _form(self, request: fastapi.Request) -> datastructures.FormData:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await request.form(max_files=1000, max_fields=100)
        except TimeoutError as error:
            raise http_exceptions.HTTPException(
                408, f"the request did not arrive within {self._limits.seconds:g} seconds"
            ) from error
        except http_requests.ClientDisconnect as error:
            raise http_exceptions.HTTPException(400, "the request ended half-way") from error
        # What the parser says of forms that are none; a charset that is none, too.
        except (ValueError, KeyError) as error:
            raise http_exceptions.HTTPException(
                400, f"the form cannot be read: {refusals.line(str(error))}"
            ) from error

    async def answer(
        self, file: datastructures.UploadFile, top: int, unsure_below: float
    ) -> Answer:
        """What one photograph shows.

        Raises:
            HTTPException: 413 or 422 where the file cannot be used, 503 where too much waits.
        """
        said = await self._ask(file)
        row = said.probabilities
        best = np.argsort(-row, kind="stable")
        is_known = bool(row[best[0]] >= unsure_below)
        answer = self._class_names[best[0]] if is_known else None
        self._counted.note_photograph("named" if is_known else "unknown")
        await self._note(said, answer, unsure_below, file)
        return Answer(
            file=_name(file),
            answer=answer,
            classes=[
                Candidate(name=self._class_names[k], probability=float(row[k])) for k in best[:top]
            ],
        )

    async def answer_or_reason(
        self, file: datastructures.UploadFile, top: int, unsure_below: float
    ) -> Answer | Unread:
        """What one of many photographs shows, or why it cannot be used."""
        try:
            return await self.answer(file, top, unsure_below)
        except http_exceptions.HTTPException as error:
            if error.status_code >= 500:
                raise
            return Unread(file=_name(file), error=error.detail)

    async def _note(
        self,
        said: _Said,
        answer: str | None,
        unsure_below: float,
        file: datastructures.UploadFile,
    ) -> None:
        """Log an answer, where that is wanted."""
        if self._log is None:
            return
        loop = asyncio.get_running_loop()
        line = said.probabilities, said.features, answer, unsure_below, file.file
        is_written = await loop.run_in_executor(self._writer, self._log.add, *line)
        self._counted.note_logged("written" if is_written else "lost")

    async def _ask(self, file: datastructures.UploadFile) -> _Said:
        if (file.size or 0) > self._limits.photograph_bytes:
            self._counted.note_photograph("refused")
            raise http_exceptions.HTTPException(
                413,
                f"{_name(file)}: too large: {file.size:,} bytes, expected at most "
                f"{self._limits.photograph_bytes:,}; reduce it first",
            )
        try:
            loop = asyncio.get_running_loop()
            views = await loop.run_in_executor(self._readers, self._views, file)
            return await self._batcher.ask(views)
        except reading.UnreadableImage as error:
            self._counted.note_photograph("refused")
            # As the reader says of too many pixels, and of too many for this machine.
            status = 413 if error.reason.startswith("too large") else 422
            reason = refusals.line(error.reason.replace(str(error.path), "the file"))
            raise http_exceptions.HTTPException(status, f"{_name(file)}: {reason}") from error
        except (batching.Busy, MemoryError) as error:
            raise http_exceptions.HTTPException(
                503, str(error) or "memory ran out", {"Retry-After": "1"}
            ) from error

    def _views(self, file: datastructures.UploadFile) -> np.ndarray:
        """Read one photograph, under a name that says nothing: its content alone decides."""
        with tempfile.TemporaryDirectory(prefix="seeing-") as folder:
            path = pathlib.Path(folder) / "photograph"
            with path.open("wb") as copy:
                shutil.copyfileobj(file.file, copy)
            return self._trained.views(path)


def _require_files(
    form: datastructures.FormData, field: str, most: int
) -> list[datastructures.UploadFile]:
    expected = f"expected {'one file' if most == 1 else f'1 to {most} files'} in the field {field}"
    found = []
    for name, item in form.multi_items():
        if name != field:
            raise http_exceptions.HTTPException(
                422, f"the form has a field {refusals.line(name)!r}; {expected} and nothing else"
            )
        if isinstance(item, str):
            raise http_exceptions.HTTPException(
                422, f"the field {field} holds text and no file; {expected}"
            )
        found.append(item)
    if not found:
        raise http_exceptions.HTTPException(422, f"the form holds no file; {expected}")
    if len(found) > most:
        raise http_exceptions.HTTPException(
            413, f"the form holds {len(found)} files; {expected}: send the others by themselves"
        )
    return found


def _form(field: str, most: int) -> dict[str, Any]:
    """The request's body, for the description of the API: the form is read by hand."""
    file = {"type": "string", "format": "binary"}
    files = {"type": "array", "items": file, "minItems": 1, "maxItems": most}
    schema = {
        "type": "object",
        "required": [field],
        "properties": {field: file if most == 1 else files},
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {MULTIPART: {"schema": schema}}}}


def _name(file: datastructures.UploadFile) -> str:
    """The file's name as its sender has it: for the answer alone, it opens nothing."""
    return refusals.line(file.filename or "photograph", 100)
