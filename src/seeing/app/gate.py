"""Who may ask the server, and how much they may send: looked at before anything else is.

A server on this machine can be reached by every page that its user's browser shows. Such a page
cannot choose the headers Host, Origin and Sec-Fetch-Site, and its name, even if it suddenly leads
to this machine ("DNS rebinding"), is in the first. So only the server's own names are answered.

Explained on the page *The Command Line*.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import re
import urllib.parse
from collections.abc import Sequence

from starlette import datastructures, exceptions, requests, responses, types

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,512}=*")  # RFC 6750's, and long enough not to be guessed
OPEN_PATH = "/healthz"  # for what watches the server, and has no token
DRAIN_S = 5.0


def is_loopback(host: str) -> bool:
    """Whether an address or a name is one that only this machine itself can reach."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which nobody can rebind, and no name."""
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


class Gate:
    """Answers what may not be asked, and hands on everything else.

    - 421 where the Host is not one of the server's own;
    - 403 where a page of another origin asks;
    - 401 without the token, if there is one; ``/healthz`` needs none;
    - 413 where more bytes come than may: at once if that was said, or as soon as they have come.
    """

    def __init__(
        self, app: types.ASGIApp, *, hosts: Sequence[str], token: str | None, most_bytes: int
    ) -> None:
        """Set up.

        Args:
            app: what is behind the gate.
            hosts: names that the server answers to, besides localhost and loopback addresses; if
                there are any, every IP address is one, too.
            token: what has to be sent as ``Authorization: Bearer TOKEN``; None if nothing.
            most_bytes: of one request's body.
        """
        self._app, self._token, self._most_bytes = app, token, most_bytes
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        """Look at one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = requests.Request(scope)
        refused = self._refusal(request)
        if refused is None:
            await self._app(scope, self._counted(receive), send)
            return
        status, detail = refused
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        if request.headers.get("expect", "").lower() != "100-continue":  # who asks has not sent it
            await _drain(receive, 2 * self._most_bytes)
        answer = responses.JSONResponse({"detail": detail}, status, headers)
        await answer(scope, receive, send)

    def _refusal(self, request: requests.Request) -> tuple[int, str] | None:
        """The status and the reason, where a request is not handed on."""
        headers = request.headers
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 421, (
                f"this server is not {_shown(host)}: ask it by the address that it printed when it "
                "started"
            )
        if _is_foreign(headers, host):
            return 403, (
                f"a page of {_shown(headers.get('origin', 'another site'))} may not ask this "
                "server; expected a program, or a page of its own"
            )
        if self._token is not None and request.url.path != OPEN_PATH:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not _equal(given.strip(), self._token):
                return 401, (
                    "the token is missing or wrong; expected the header Authorization: Bearer "
                    "TOKEN, with the token that the server was started with"
                )
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self._most_bytes:
            return 413, self._too_many(int(length[:20]))
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:  # such as "[::1", which is no address
            return False
        if is_loopback(name) or name in self._hosts:
            return True
        return bool(self._hosts) and is_address(name)

    def _too_many(self, count: int) -> str:
        return (
            f"the request has {count:,} bytes or more; expected at most {self._most_bytes:,}: send "
            "fewer or smaller files"
        )

    def _counted(self, receive: types.Receive) -> types.Receive:
        """The same messages, until they hold too many bytes."""
        count = 0

        async def counted() -> types.Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._most_bytes:
                if message.get("more_body"):
                    await _drain(receive, self._most_bytes)
                raise exceptions.HTTPException(413, self._too_many(count))
            return message

        return counted


def _is_foreign(headers: datastructures.Headers, host: str) -> bool:
    """Whether a browser says that a page of another origin asks; programs say nothing of it."""
    if headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        return True
    origin = headers.get("origin")
    return origin is not None and origin.lower() not in {
        f"{scheme}://{host.lower()}" for scheme in ("http", "https")
    }


def _equal(given: str, wanted: str) -> bool:
    """Compared in a time that does not tell how much is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _shown(text: str) -> str:
    return f"{text[:100]!r}"


async def _drain(receive: types.Receive, most: int) -> None:
    """Take what a client still sends, so that it reads the answer instead of a broken connection.

    Args:
        receive: gives the request's messages.
        most: bytes; who sends more does not get to read the answer.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
