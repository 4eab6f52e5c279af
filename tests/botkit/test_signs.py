"""The sign of work is taken away in the end, whatever the platform says meanwhile; on virtual time."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from botkit.errors import AdapterError, NotAllowed, RateLimited, Unreachable
from botkit.events import TurnFinished
from botkit.model import Conversation
from botkit.pacing import Pacer
from botkit.protocols import Reply
from botkit.reply import EditReply
from botkit.signs import GIVE_UP, Sign, Signs
from botkit.testing.memory_adapter import MemoryAdapter
from botkit.testing.virtual import virtual

THREAD = Conversation("memory", "T1", "C1", "1")


class Lamp:
    """A sign whose platform refuses as often as a test wants."""

    def __init__(self, place: str = "1", *, fades: bool = False, again: float = inf) -> None:
        self.place, self.fades, self._again = place, fades, again
        self.lit = False
        self.shown = 0
        self.refusals: list[AdapterError] = []
        """What the next calls of `hide` are answered with."""

    async def show(self) -> float:
        self.lit, self.shown = True, self.shown + 1
        return self._again

    async def hide(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.lit = False


def reply_with(signs: Signs, sign: Sign) -> Reply:
    return signs.on(EditReply(MemoryAdapter("memory").messenger, THREAD, nonce="n", pacer=Pacer({})), sign)


async def answered(signs: Signs, sign: Sign, seconds: float = 1.0) -> None:
    async with reply_with(signs, sign) as reply:
        await asyncio.sleep(seconds)
        reply.push(TurnFinished("done"))


@virtual
async def test_a_sign_that_may_not_be_removed_yet_is_removed_later_and_nobody_waits_for_it() -> None:
    signs, lamp = Signs(), Lamp()
    lamp.refusals = [RateLimited("too many", retry_after=40.0), Unreachable("silent", acted=False)]
    async with signs.open():
        began = asyncio.get_running_loop().time()
        await answered(signs, lamp)
        assert asyncio.get_running_loop().time() - began < 3
        assert lamp.lit
        await asyncio.sleep(60)
        assert not lamp.lit


@virtual
async def test_the_sign_of_a_stopped_turn_is_removed_too() -> None:
    signs, lamp = Signs(), Lamp()
    lamp.refusals = [RateLimited("too many", retry_after=10.0)]
    async with signs.open():
        task = asyncio.create_task(answered(signs, lamp, 3600))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(30)
    assert not lamp.lit


@virtual
async def test_what_nobody_can_remove_is_given_up_after_a_while() -> None:
    signs, lamp = Signs(), Lamp()
    lamp.refusals = [RateLimited("too many", retry_after=30.0) for _ in range(100)]
    async with signs.open():
        await answered(signs, lamp)
        await asyncio.sleep(2 * GIVE_UP)
        assert len(lamp.refusals) == pytest.approx(100 - GIVE_UP / 30, abs=1)


@virtual
async def test_leaving_takes_a_few_seconds_at_most() -> None:
    signs, lamp = Signs(), Lamp()
    lamp.refusals = [RateLimited("too many", retry_after=100.0)]
    async with signs.open():
        await answered(signs, lamp)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 6


@virtual
async def test_a_removal_the_platform_forbids_is_not_tried_again() -> None:
    signs, lamp = Signs(), Lamp()
    lamp.refusals = [NotAllowed("no"), NotAllowed("no")]
    async with signs.open():
        await answered(signs, lamp)
        await asyncio.sleep(100)
    assert len(lamp.refusals) == 1


@virtual
async def test_the_next_turn_of_a_thread_keeps_the_sign_that_both_share() -> None:
    signs, first, second = Signs(), Lamp(), Lamp()
    first.refusals = [RateLimited("too many", retry_after=5.0)]
    async with signs.open():
        await answered(signs, first)
        await answered(signs, second, 20)
        assert first.lit, "the first one is not taken away under the second"
        assert not second.lit


@virtual
async def test_one_that_fades_is_shown_anew_until_the_outcome_only() -> None:
    signs, lamp = Signs(), Lamp(fades=True, again=8.0)
    async with reply_with(signs, lamp) as reply:
        await asyncio.sleep(20)
        reply.push(TurnFinished("done"))
        await asyncio.sleep(20)
    assert lamp.shown == 3
