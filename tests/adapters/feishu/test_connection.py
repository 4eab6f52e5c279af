"""The long connection between the loopback Feishu and the adapter: events, acknowledgements, losses, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feishu import frames
from adapters.feishu.testing import LoopbackFeishu
from adapters.feishu.testing.frames import DATA, Frame
from botkit.errors import NotAllowed, Unreachable
from tests.adapters.feishu.rig import Bot, adapter_for

FAST = {"ReconnectCount": -1, "ReconnectInterval": 1, "ReconnectNonce": 0, "PingInterval": 1}


@pytest.fixture
async def feishu() -> AsyncGenerator[LoopbackFeishu]:
    async with LoopbackFeishu() as loopback:
        yield loopback


async def test_an_event_is_acknowledged_once_the_hub_has_it(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    bot.slow = asyncio.Event()
    async with adapter_for(feishu).connect(bot):
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: bot.offered)
        assert not feishu.deliveries[-1].finished
        bot.slow.set()
        await feishu.settled()
    feishu.assert_clean()


async def test_an_event_in_many_frames_arrives_whole() -> None:
    async with LoopbackFeishu(fragment=200) as feishu:
        bot = Bot(feishu)
        async with adapter_for(feishu).connect(bot):
            await feishu.say("alice", feishu.p2p("alice"), "long " * 400)
            await feishu.until(lambda: bot.texts == [("long " * 400).strip()])
            await feishu.settled()
        feishu.assert_clean()


async def test_an_event_of_a_silent_store_comes_again(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with adapter_for(feishu).connect(bot):
        bot.silent = 1
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: feishu.deliveries and feishu.deliveries[-1].attempts)
        feishu.advance(20)
        await feishu.until(lambda: bot.texts == ["hello"])
        await feishu.settled()


@pytest.mark.parametrize("how", ["cut", "disconnect"])
async def test_a_lost_connection_is_made_again_and_nothing_is_missed(feishu: LoopbackFeishu, how: str) -> None:
    bot = Bot(feishu)
    async with adapter_for(feishu).connect(bot):
        await (feishu.cut() if how == "cut" else feishu.disconnect())
        await feishu.until(lambda: not feishu.connections())
        await feishu.connected()
        await feishu.say("alice", feishu.p2p("alice"), "still there?")
        await feishu.until(lambda: bot.texts == ["still there?"])
        await feishu.settled()


async def test_a_connection_that_only_looks_alive_is_left(
    feishu: LoopbackFeishu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.feishu.connection.OPEN_WITHIN", 0.5)
    bot = Bot(feishu)
    async with adapter_for(feishu).connect(bot):
        feishu.freeze()
        await feishu.until(lambda: len([call for call in feishu.calls if call.route == "ws.endpoint"]) == 2, within=10)
        await feishu.connected()
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: bot.texts == ["hello"])


async def test_feishu_may_refuse_connections_for_a_while(feishu: LoopbackFeishu) -> None:
    bot = Bot(feishu)
    async with adapter_for(feishu).connect(bot):
        feishu.fault("ws.endpoint", "5xx", times=2, status=502)
        await feishu.cut()
        await feishu.until(lambda: not feishu.connections())
        await feishu.connected(within=10)


async def test_a_refused_connection_says_what_to_change(feishu: LoopbackFeishu) -> None:
    feishu.refuse()
    with pytest.raises(NotAllowed, match="persistent connection"):
        async with adapter_for(feishu).connect(Bot(feishu)):
            pass


async def test_a_platform_that_is_not_there_is_unreachable(feishu: LoopbackFeishu) -> None:
    with pytest.raises(Unreachable):
        async with adapter_for(feishu, domain="http://127.0.0.1:9").connect(Bot(feishu)):
            pass


async def test_leaving_hands_in_what_has_arrived_and_leaves_no_task(feishu: LoopbackFeishu) -> None:
    bot, before = Bot(feishu), asyncio.all_tasks()
    bot.slow = asyncio.Event()
    async with adapter_for(feishu).connect(bot):
        await feishu.say("alice", feishu.p2p("alice"), "hello")
        await feishu.until(lambda: bot.offered)
        asyncio.get_running_loop().call_later(0.2, bot.slow.set)
    assert bot.texts == ["hello"]
    await feishu.settled()
    assert not feishu.connections()
    left = {task.get_name() for task in asyncio.all_tasks() - before if "feishu" in task.get_name()}
    assert not left
    feishu.assert_clean()


async def test_two_apps_in_one_process_do_not_mix(feishu: LoopbackFeishu) -> None:
    other = feishu.install("other")
    bots = Bot(feishu), Bot(feishu)
    first, second = adapter_for(feishu), adapter_for(feishu, other, name="second")
    async with first.connect(bots[0]), second.connect(bots[1]):
        await feishu.say("alice", feishu.p2p("alice"), "to the first")
        await feishu.say("alice", feishu.p2p("alice", other), "to the second")
        await feishu.until(lambda: bots[0].messages and bots[1].messages)
        await feishu.settled()
    assert bots[0].texts == ["to the first"]
    assert bots[1].texts == ["to the second"]
    feishu.assert_clean()


@given(st.binary(max_size=200))
def test_whatever_bytes_come_nothing_breaks(data: bytes) -> None:
    read = frames.parse(data)
    if read is not None:
        frames.Pieces().add(read)


@given(st.integers(0, 400), st.integers(0, 255))
def test_an_altered_frame_breaks_nothing(at: int, byte: int) -> None:
    whole = bytearray(
        Frame(DATA, 1, {"type": "event", "sum": "1", "seq": "0", "message_id": "m"}, b"{}" * 150).encode()
    )
    whole[at % len(whole)] = byte
    read = frames.parse(bytes(whole))
    if read is not None:
        frames.Pieces().add(read)


def test_what_is_no_frame_is_left_alone() -> None:
    assert frames.parse(b"\xff\xff\xff") is None


def test_pieces_that_do_not_fit_together_are_no_event() -> None:
    pieces = frames.Pieces()

    def piece(total: str, number: str, id: str = "m") -> bytes | None:
        frame = frames.parse(Frame(DATA, 1, {"sum": total, "seq": number, "message_id": id}, b"x").encode())
        assert frame is not None
        return pieces.add(frame)

    assert piece("1", "0") == b"x"
    assert piece("x", "0") == b"x"
    assert piece("2", "5") is None
    assert piece("9999", "0") is None
    assert piece("2", "1") is None
    assert piece("3", "0") is None, "another number of pieces for the same event"
    assert piece("2", "1") is None, "the same piece twice"
    assert piece("2", "0") == b"xx"
    for number in range(frames.MOST_OPEN + 5):
        assert piece("2", "0", f"lost {number}") is None
    assert piece("2", "1", "lost 0") is None, "long forgotten"
