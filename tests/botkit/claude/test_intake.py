"""Many children speak; what they say is read in few rounds, whole and in order."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from botkit.claude.intake import CHUNK, GATHER, Intake, Output

SECONDS = 5.0


class _Child:
    """The child's end of an output, and what was read of it."""

    def __init__(self, intake: Intake, on_chunk: Callable[[], None] | None = None) -> None:
        self.read = b""
        self.news, self.ended = asyncio.Event(), asyncio.Event()
        self._on_chunk = on_chunk
        with Output(intake, self._take, self.ended.set) as self.output:
            self._end = os.dup(self.output.child)

    def say(self, data: bytes) -> None:
        os.write(self._end, data)

    def end(self) -> None:
        os.close(self._end)

    def _take(self, chunk: bytes) -> None:
        self.read += chunk
        self.news.set()
        if self._on_chunk:
            self._on_chunk()


async def _ended(*children: _Child) -> None:
    async with asyncio.timeout(SECONDS):
        for child in children:
            await child.ended.wait()


async def test_all_that_a_child_says_is_read_before_its_end() -> None:
    child = _Child(Intake())
    child.say(b"x" * (CHUNK - 1))
    child.say(b"y")
    child.end()
    await _ended(child)
    assert child.read == b"x" * (CHUNK - 1) + b"y"


async def test_what_one_child_says_that_nobody_foresaw_does_not_silence_the_others() -> None:
    def stumble() -> None:
        raise ValueError("unforeseen")

    intake = Intake()
    odd, other = _Child(intake, stumble), _Child(intake)
    for child in (odd, other):
        child.say(b"one")
    async with asyncio.timeout(SECONDS):
        await odd.news.wait()
    for child in (odd, other):
        child.say(b" two")
        child.end()
    await _ended(odd, other)
    assert (odd.read, other.read) == (b"one two", b"one two")


async def test_a_child_that_was_asked_is_not_kept_waiting_for_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botkit.claude.intake.GATHER", 60.0)
    monkeypatch.setattr("botkit.claude.intake.LONGEST", 60.0)
    intake = Intake()
    child = _Child(intake)
    for word in (b"one", b"two", b"three"):
        intake.expect()
        child.news.clear()
        child.say(word)
        async with asyncio.timeout(SECONDS):
            await child.news.wait()
    intake.expect()
    child.end()
    await _ended(child)
    assert child.read == b"onetwothree"


async def test_a_child_that_speaks_after_a_silence_is_heard_at_once() -> None:
    child, loop = _Child(Intake()), asyncio.get_running_loop()
    for word in (b"one", b"two"):
        await asyncio.sleep(3 * GATHER)  # a silence is what this is about
        child.news.clear()
        began = loop.time()
        child.say(word)
        async with asyncio.timeout(SECONDS):
            await child.news.wait()
        assert loop.time() - began < SECONDS / 10
    child.end()
    await _ended(child)
    assert child.read == b"onetwo"


async def test_what_many_say_together_is_read_together() -> None:
    intake, rounds = Intake(), set[float]()
    loop = asyncio.get_running_loop()
    children = [_Child(intake, lambda: rounds.add(loop.time() // GATHER)) for _ in range(50)]
    for child in children:
        child.say(b"hello")
    async with asyncio.timeout(SECONDS):
        for child in children:
            await child.news.wait()
    assert len(rounds) < 10
    for child in children:
        child.end()
    await _ended(*children)


async def test_however_many_speak_nobody_waits_longer_than_the_longest_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botkit.claude.intake.GATHER", 60.0)
    intake = Intake()
    children = [_Child(intake) for _ in range(5)]
    for _ in range(3):
        for child in children:
            child.news.clear()
            child.say(b"hello")
        async with asyncio.timeout(SECONDS):
            for child in children:
                await child.news.wait()
    for child in children:
        child.end()
    await _ended(*children)


async def test_a_child_that_is_given_up_in_a_round_is_not_heard_any_more() -> None:
    intake, others = Intake(), list[_Child]()
    first = _Child(intake, lambda: others[0].output.close())
    others.append(_Child(intake, first.output.close))
    first.say(b"a")
    others[0].say(b"b")
    async with asyncio.timeout(SECONDS):
        await asyncio.wait(
            [asyncio.ensure_future(first.news.wait()), asyncio.ensure_future(others[0].news.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
    assert {first.read, others[0].read} == {b"a", b""} or {first.read, others[0].read} == {b"", b"b"}
    first.end()
    others[0].end()


async def test_nothing_stays_open_when_the_last_child_has_ended() -> None:
    before = psutil.Process().num_fds()
    intake = Intake()
    for _ in range(3):
        child = _Child(intake)
        child.say(b"hello")
        child.end()
        await _ended(child)
        assert psutil.Process().num_fds() == before


@pytest.mark.parametrize("room", [0, 1, 2])
async def test_a_process_without_descriptors_says_so_and_loses_none(room: int) -> None:
    """A pipe takes two of them, and listening one more."""
    before = psutil.Process().num_fds()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 10, hard))
    taken = list[int]()
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(room):
            os.close(taken.pop())
        with pytest.raises(OSError, match="Too many open files"):
            Output(Intake(), lambda _: None, lambda: None)
    finally:
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert psutil.Process().num_fds() == before
