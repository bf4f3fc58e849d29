"""What a server counts of itself, in the text form that Prometheus reads.

Explained on the page *The Command Line*.
"""

import time
from collections.abc import Callable

import prometheus_client
from prometheus_client import exposition
from starlette import types

CONTENT_TYPE = exposition.CONTENT_TYPE_LATEST
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE = "none"  # one label for all paths that there are not, however many are tried


class Counters:
    """The counters of one server, in a registry of its own."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """Start at zero.

        Args:
            waiting: says how many photographs wait for the network.
        """
        self._registry = registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "seeing_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self._seconds = prometheus_client.Histogram(
            "seeing_request_seconds",
            "From a request's first byte to its answer's last.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._photographs = prometheus_client.Counter(
            "seeing_photographs",
            "Photographs by what became of them: named, unknown (not sure enough) or refused.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("named", "unknown", "refused"):
            self._photographs.labels(outcome)
        self._batches = prometheus_client.Histogram(
            "seeing_batch_photographs",
            "Photographs in one call of the network.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        depth = prometheus_client.Gauge(
            "seeing_waiting_photographs",
            "Photographs that wait for the network.",
            registry=registry,
        )
        depth.set_function(waiting)
        self._logged: prometheus_client.Counter | None = None

    def count_log(self) -> None:
        """Count what is logged from now on, too."""
        self._logged = prometheus_client.Counter(
            "seeing_logged_photographs",
            "Photographs by what became of their lines in the log: written, or lost.",
            ["outcome"],
            registry=self._registry,
        )
        for outcome in ("written", "lost"):
            self._logged.labels(outcome)

    def note_logged(self, outcome: str) -> None:
        """Count one line of the log: ``"written"`` or ``"lost"``."""
        assert self._logged is not None
        self._logged.labels(outcome).inc()

    def note_batch(self, photographs: int) -> None:
        """Count one call of the network about so many photographs."""
        self._batches.observe(photographs)

    def note_photograph(self, outcome: str) -> None:
        """Count one photograph: ``"named"``, ``"unknown"`` or ``"refused"``."""
        self._photographs.labels(outcome).inc()

    def note_request(self, route: str, status: int, seconds: float) -> None:
        """Count one request, by the path of its route and not by its own."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All counters, as Prometheus reads them."""
        return exposition.generate_latest(self._registry)


class Counted:
    """Counts every request that an app answers."""

    def __init__(self, app: types.ASGIApp, *, counters: Counters) -> None:
        """Set up: what is counted, and where."""
        self._app, self._counters = app, counters

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        """Answer and count one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def noted(message: types.Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            self._counters.note_request(route, status, time.perf_counter() - start)
