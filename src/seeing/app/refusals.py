"""Why a request is not answered, in a sentence: the same for every server of the book.

Explained on the page *The Command Line*.
"""

import fastapi
import pydantic
from fastapi import encoders, exceptions, responses
from starlette import exceptions as http_exceptions

UNPARSED = "There was an error parsing the body"  # as FastAPI says it


class Refusal(pydantic.BaseModel):
    """Why there is no answer, in a sentence."""

    detail: str


def line(text: str, length: int = 300) -> str:
    """One line of text that UTF-8 can hold, of at most so many characters."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= length else f"{line[:length]} ..."


def say_in_sentences(app: fastapi.FastAPI) -> None:
    """Have an app explain itself where its framework says two words, or a list of them."""
    app.add_exception_handler(exceptions.RequestValidationError, _out_of_range)
    app.add_exception_handler(http_exceptions.HTTPException, _refused)


async def _refused(request: fastapi.Request, error: Exception) -> fastapi.Response:
    """A sentence for what Starlette says in two words."""
    assert isinstance(error, http_exceptions.HTTPException)
    detail = error.detail
    if request.scope.get("route") is None and error.status_code == 404:
        detail = f"there is no {line(request.url.path, 100)}; /openapi.json lists what there is"
    elif detail == UNPARSED:
        detail = "the request's body cannot be read; expected JSON in UTF-8"
    elif error.status_code == 405:
        detail = f"{request.method} is not what this path takes; see /openapi.json"
    return responses.JSONResponse({"detail": detail}, error.status_code, error.headers)


async def _out_of_range(request: fastapi.Request, error: Exception) -> fastapi.Response:
    """A sentence for a parameter that is no number, or too small or too large."""
    assert isinstance(error, exceptions.RequestValidationError)
    found = encoders.jsonable_encoder(error.errors()[0])
    name, value, reason = found["loc"][-1], str(found["input"]), found["msg"]
    detail = f"{name} is {line(value, 100)!r}: {reason[0].lower()}{reason[1:]}"
    return responses.JSONResponse({"detail": detail}, 422)
