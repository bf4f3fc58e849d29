"""Simultaneous questions to a network become one call of it.

Explained on the page *The Command Line*.
"""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np

GATHER_S = 0.004  # a batch waits so long for others: little beside the 50 ms of a ResNet50


class Busy(RuntimeError):
    """Too much is waiting already, or nothing is answered any more. The message says which."""


@dataclasses.dataclass(frozen=True)
class _Question:
    views: np.ndarray
    answer: "asyncio.Future[Any]"


class Batcher:
    """Asks a network about whatever is waiting, all at once, whenever it is free.

    One call runs at a time, in a thread of its own, so that the event loop goes on meanwhile; what
    comes during a call is the next batch. All methods belong to one event loop.
    """

    def __init__(
        self,
        answers: Callable[[Sequence[np.ndarray]], Sequence[Any]],
        *,
        most: int,
        waiting: int,
        noted: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Set up; nothing is answered before :meth:`running`.

        Args:
            answers: n questions to n answers, in their order; such as an array of n rows.
            most: questions in one call, 1 or more.
            waiting: questions that may wait, 1 or more.
            noted: is told how many questions each call is about.
        """
        self._answers, self._most, self._noted = answers, most, noted
        self._questions: asyncio.Queue[_Question] = asyncio.Queue(waiting)
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many questions wait for a call."""
        return self._questions.qsize()

    @property
    def is_running(self) -> bool:
        """Whether questions are answered now."""
        return self._running is not None and not self._running.done()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer while the block runs; what still waits at its end is told :class:`Busy`."""
        with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="network") as thread:
            self._running = asyncio.create_task(self._answer_all(thread))
            try:
                yield
            finally:
                self._running.cancel()
                await asyncio.wait([self._running])
                while not self._questions.empty():
                    _fail([self._questions.get_nowait()], Busy("the server is stopping"))

    async def ask(self, views: np.ndarray) -> Any:
        """Wait for the answer to one question.

        Args:
            views: what ``answers`` takes as one question.

        Returns:
            The question's answer.

        Raises:
            Busy: when as many wait as may, or the batcher is not running.
            Exception: whatever the call raised; each question of that batch gets it.
        """
        if not self.is_running:
            raise Busy("the server is stopping")
        question = _Question(views, asyncio.get_running_loop().create_future())
        try:
            self._questions.put_nowait(question)
        except asyncio.QueueFull as error:
            raise Busy(
                f"{self._questions.maxsize} photographs are waiting already; try again in a moment"
            ) from error
        return await question.answer

    async def _answer_all(self, thread: concurrent.futures.Executor) -> None:
        while True:
            batch = [await self._questions.get()]
            try:
                await asyncio.sleep(GATHER_S)
                while len(batch) < self._most and not self._questions.empty():
                    batch.append(self._questions.get_nowait())
                await self._answer(batch, thread)
            except asyncio.CancelledError:
                _fail(batch, Busy("the server is stopping"))
                raise

    async def _answer(
        self, batch: Sequence[_Question], thread: concurrent.futures.Executor
    ) -> None:
        batch = [question for question in batch if not question.answer.done()]  # nobody waits
        if not batch:
            return
        self._noted(len(batch))
        loop = asyncio.get_running_loop()
        views = [question.views for question in batch]
        try:
            rows = await loop.run_in_executor(thread, self._answers, views)
        # Whatever it is, those who wait have to hear of it, and the next batch may do better.
        except Exception as error:
            _fail(batch, error)
            return
        for question, row in zip(batch, rows, strict=True):
            if not question.answer.done():
                question.answer.set_result(row)


def _fail(batch: Sequence[_Question], error: Exception) -> None:
    for question in batch:
        if not question.answer.done():
            question.answer.set_exception(error)
