"""Simultaneous questions become one call, and nobody waits for an answer that never comes."""

import asyncio
import threading

import numpy as np
import pytest

from seeing.app import batching


class Network:
    """Doubles numbers, a batch a call; a call may be held back, or fail."""

    def __init__(self):
        self.batches, self.go, self.error = [], threading.Event(), None
        self.go.set()

    def __call__(self, questions):
        self.batches.append([int(question[0]) for question in questions])
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return np.array([2 * question[0] for question in questions])


def run(network, ask, **options):
    """Run ``ask(batcher)`` while a batcher runs."""

    async def running():
        batcher = batching.Batcher(network, **({"most": 4, "waiting": 8} | options))
        async with batcher.running():
            return await ask(batcher)

    return asyncio.run(running())


def questions(batcher, numbers):
    return asyncio.gather(*(batcher.ask(np.array([number])) for number in numbers))


def test_questions_that_come_together_are_one_call_and_each_gets_its_own_answer():
    network, sizes = Network(), []
    answers = run(network, lambda batcher: questions(batcher, [1, 2, 3]), noted=sizes.append)
    assert answers == [2, 4, 6]
    assert network.batches == [[1, 2, 3]]
    assert sizes == [3]


def test_what_comes_during_a_call_is_the_next_one_and_no_call_is_too_large():
    network = Network()

    async def ask(batcher):
        network.go.clear()
        first = asyncio.create_task(batcher.ask(np.array([0])))
        while not network.batches:
            await asyncio.sleep(0.001)
        rest = questions(batcher, range(1, 7))
        await asyncio.sleep(0.01)
        assert batcher.waiting == 6
        network.go.set()
        return [await first, *await rest]

    assert run(network, ask) == [0, 2, 4, 6, 8, 10, 12]
    assert network.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_too_many_are_told_at_once():
    async def ask(batcher):
        return await asyncio.gather(
            *(batcher.ask(np.array([number])) for number in range(4)), return_exceptions=True
        )

    *answers, refused = run(Network(), ask, waiting=3)
    assert answers == [0, 2, 4]
    assert isinstance(refused, batching.Busy)
    assert "3 photographs are waiting already; try again" in str(refused)


def test_a_call_that_fails_is_told_to_each_of_its_questions_and_the_next_one_succeeds():
    network = Network()

    async def ask(batcher):
        network.error = MemoryError("all of it")
        failed = await asyncio.gather(
            *(batcher.ask(np.array([number])) for number in (1, 2)), return_exceptions=True
        )
        network.error = None
        return failed, await questions(batcher, [3])

    failed, answers = run(network, ask)
    assert [str(error) for error in failed] == ["all of it"] * 2
    assert answers == [6]


def test_whoever_has_gone_is_not_asked_about():
    network = Network()

    async def ask(batcher):
        gone = asyncio.create_task(batcher.ask(np.array([1])))
        await asyncio.sleep(0)
        gone.cancel()
        return await questions(batcher, [2])

    assert run(network, ask) == [4]
    assert network.batches == [[2]]


def test_at_its_end_nobody_is_left_waiting():
    network = Network()

    async def stopped():
        batcher = batching.Batcher(network, most=1, waiting=8)
        network.go.clear()
        async with batcher.running():
            assert batcher.is_running
            asked = [asyncio.create_task(batcher.ask(np.array([number]))) for number in (1, 2)]
            while not network.batches:
                await asyncio.sleep(0.001)
            threading.Timer(0.02, network.go.set).start()
        assert not batcher.is_running
        late = asyncio.create_task(batcher.ask(np.array([3])))
        return await asyncio.gather(*asked, late, return_exceptions=True)

    for error in asyncio.run(asyncio.wait_for(stopped(), 10)):
        assert isinstance(error, batching.Busy)
        assert str(error) == "the server is stopping"


def test_before_it_runs_it_refuses():
    batcher = batching.Batcher(Network(), most=1, waiting=1)
    with pytest.raises(batching.Busy):
        asyncio.run(batcher.ask(np.array([1])))
