"""The wire between botkit and its Redis is bad: slow, cut, half-closed, silent, and what is said on it gets lost."""

from __future__ import annotations

import asyncio
from random import Random
from urllib.parse import urlsplit

from adapters.slack.testing import Post
from botkit.testing.checker import judge
from botkit.testing.proxy import TcpProxy
from tests.faults import history
from tests.faults.rig import Rig

QUESTIONS = 20


async def test_b15_b16_a_bad_wire_to_redis_loses_and_doubles_nothing(rig: Rig, redis_url: str) -> None:
    """Rows B15, B16: delays, resets, half-closes and 1 s of silence at random moments: each question is answered once.

    Or refused visibly, as the store's documented mode is, when the store was silent just as its turn began.
    """
    rig.slack.fault("events", "duplicate", times=10**9)
    random, threads = Random(16), list[Post]()
    async with TcpProxy(urlsplit(redis_url).path) as proxy:
        rig.store = f"redis://127.0.0.1:{proxy.port}/0"
        process = await rig.start()
        trouble = asyncio.create_task(_trouble(proxy, random))
        for number in range(1, QUESTIONS + 1):
            old = threads[-1] if threads and random.random() < 0.3 else None
            post = await rig.ask(number, thread=old)
            threads += [] if old else [post]
            await asyncio.sleep(random.uniform(0.1, 0.5))
        trouble.cancel()
        await asyncio.wait([trouble])
        proxy.delay = 0.0
        proxy.resume()
        await rig.slack.settled(within=60)
        await rig.until(
            lambda: not judge(history.read(rig.slack, threads)).complaints,
            lambda: judge(history.read(rig.slack, threads)),
            within=60,
        )
        assert await rig.end(process) == 0
    verdict = judge(history.read(rig.slack, threads))
    assert not verdict.complaints, str(verdict)
    assert verdict.accepted == QUESTIONS
    assert verdict.notices <= QUESTIONS // 4, str(verdict)
    assert not rig.violations()
    assert proxy.connections > 3, "nothing was cut"


async def _trouble(proxy: TcpProxy, random: Random) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.1, 0.6))
        proxy.delay = random.choice((0.0, 0.0, 0.05))
        match random.choice(("cut", "half", "hold")):
            case "cut":
                proxy.cut()
            case "half":
                proxy.half_close()
            case _:
                proxy.hold()
                await asyncio.sleep(1.0)
                proxy.resume()
