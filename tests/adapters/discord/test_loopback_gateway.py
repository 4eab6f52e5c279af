"""The loopback Discord's gateway: who is let in, what is heard, and how a broken connection is picked up again."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator

import aiohttp
import discord
import pytest

from adapters.discord.testing import LoopbackDiscord, Trouble
from adapters.discord.testing.wire import Json, decode, mapping
from tests.adapters.discord.loopback import Bot, logged_in, point, running

PROPERTIES = {"os": "linux", "browser": "test", "device": "test"}


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as opened:
        point(monkeypatch, opened)
        yield opened


def said(bot: Bot) -> list[str]:
    return [message.content for message in bot.messages]


async def closed_with(loopback: LoopbackDiscord, identify: Json, *, op: int = 2, version: int = 10) -> int:
    """The code with which the gateway ends what began like this."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{loopback.gateway_url}?v={version}") as socket,
        asyncio.timeout(5),
    ):
        await socket.receive()
        await socket.send_json({"op": op, "d": identify})
        while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            pass
        return socket.close_code or 0


async def test_a_client_hears_what_people_write_edit_and_delete(loopback: LoopbackDiscord) -> None:
    async with running(loopback) as bot:
        assert [guild.name for guild in bot.guilds] == ["Acme"]
        post = await loopback.say("alice", "general", f"{loopback.app.mention} hello")
        await loopback.until(lambda: said(bot) == [f"<@{loopback.app.id}> hello"])
        assert isinstance(bot.messages[0].author, discord.Member)
        assert bot.user in bot.messages[0].mentions
        await loopback.edit(post, "hello again")
        await loopback.delete(post)
        await loopback.until(lambda: bot.heard[-2:] == ["MESSAGE_UPDATE", "MESSAGE_DELETE"])
        await loopback.say("bob", loopback.dm("bob"), "psst")
        await loopback.until(lambda: said(bot)[-1] == "psst")
        assert isinstance(bot.messages[-1].channel, discord.DMChannel)
    loopback.assert_clean()


async def test_what_the_app_may_not_see_does_not_come(loopback: LoopbackDiscord) -> None:
    async with running(loopback) as bot:
        await loopback.say("carol", "hidden", "among us")
        await loopback.say("alice", "secret", "with you")
        await loopback.until(lambda: said(bot) == ["with you"])


async def test_without_the_message_content_intent_only_what_concerns_the_app_is_readable(
    loopback: LoopbackDiscord,
) -> None:
    async with running(loopback, intents=discord.Intents.default()) as bot:
        await loopback.say("alice", "general", "not for you", files=[("a.txt", b"a", "text/plain")])
        await loopback.say("alice", "general", f"{loopback.app.mention} for you")
        await loopback.say("alice", loopback.dm("alice"), "only for you")
        await bot.text(loopback.channel("general")).send("mine")
        await loopback.until(lambda: len(bot.messages) == 4)
        assert said(bot) == ["", f"<@{loopback.app.id}> for you", "only for you", "mine"]
        assert bot.messages[0].attachments == []


async def test_a_privileged_intent_needs_the_portals_consent(loopback: LoopbackDiscord) -> None:
    loopback.app.privileged = 0
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(loopback):
            pass


async def test_events_come_only_to_those_who_asked_for_their_kind(loopback: LoopbackDiscord) -> None:
    async with running(loopback, intents=discord.Intents(guilds=True, dm_messages=True)) as bot:
        await loopback.say("alice", "general", "unheard")
        await loopback.typing("alice", "general")
        await loopback.say("alice", loopback.dm("alice"), "heard")
        await loopback.until(lambda: said(bot) == ["heard"])
        assert "TYPING_START" not in bot.heard


async def test_typing_and_reactions_and_threads_are_announced(loopback: LoopbackDiscord) -> None:
    async with running(loopback) as bot:
        post = await loopback.say("alice", "general", "hello")
        await loopback.typing("bob", "general")
        await loopback.react("bob", post, "👀")
        await loopback.thread("bob", "general", "Hello", post)
        expected = ["MESSAGE_CREATE", "TYPING_START", "MESSAGE_REACTION_ADD", "THREAD_CREATE", "MESSAGE_UPDATE"]
        await loopback.until(lambda: bot.heard[-6:] == [*expected, "MESSAGE_CREATE"])
        await loopback.until(lambda: len(bot.messages) == 2)
        assert bot.messages[-1].type is discord.MessageType.thread_starter_message
        assert isinstance(bot.messages[-1].channel, discord.Thread)


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        ({"token": "nonsense", "properties": PROPERTIES, "intents": 0}, 4004),
        ({"properties": PROPERTIES, "intents": 1 << 30}, 4013),
        ({"properties": PROPERTIES}, 4013),
        ({"properties": {}, "intents": 0}, 4002),
        ({"properties": PROPERTIES, "intents": 1 << 1}, 4014),
        ({"properties": {**PROPERTIES, "device": "x" * 4096}, "intents": 0}, 4002),
    ],
)
async def test_whoever_identifies_wrongly_is_closed(loopback: LoopbackDiscord, identify: Json, code: int) -> None:
    assert await closed_with(loopback, {"token": loopback.token, **identify}) == code


async def test_other_breaches_of_the_protocol_have_codes_of_their_own(loopback: LoopbackDiscord) -> None:
    assert await closed_with(loopback, {}, version=6) == 4012
    assert await closed_with(loopback, {}, op=3) == 4003
    assert await closed_with(loopback, {}, op=99) == 4001


async def test_a_broken_connection_is_resumed_and_nothing_is_missed(loopback: LoopbackDiscord) -> None:
    async with running(loopback) as bot:
        await loopback.cut()
        await loopback.say("alice", "general", "meanwhile")
        await loopback.until(lambda: said(bot) == ["meanwhile"])
        assert (loopback.identified, loopback.resumed) == (1, 1)
    loopback.assert_clean()


@pytest.mark.parametrize("how", ["reconnect", "close", "invalid"])
async def test_a_client_that_is_sent_away_comes_back_and_resumes(loopback: LoopbackDiscord, how: str) -> None:
    async with running(loopback) as bot:
        match how:
            case "reconnect":
                await loopback.reconnect()
            case "close":
                await loopback.close(4000)
            case _:
                await loopback.invalidate(resumable=True)
        await loopback.until(lambda: loopback.resumed == 1)
        await loopback.say("alice", "general", "again")
        await loopback.until(lambda: said(bot) == ["again"])
    loopback.assert_clean()


async def test_what_happens_while_a_session_is_lost_never_comes(loopback: LoopbackDiscord) -> None:
    async with running(loopback) as bot:
        await loopback.forget()
        await loopback.cut()
        await loopback.say("alice", "general", "lost")
        await loopback.until(lambda: loopback.identified == 2)
        await loopback.say("alice", "general", "found")
        await loopback.until(lambda: said(bot) == ["found"])
        assert loopback.resumed == 0


async def test_sessions_begun_too_soon_after_each_other_are_invalid() -> None:
    async with LoopbackDiscord(identify_seconds=5) as loopback, aiohttp.ClientSession() as session, asyncio.timeout(5):
        identify: Json = {"token": loopback.token, "properties": PROPERTIES, "intents": 0}
        answers: list[object] = []
        for _ in range(2):
            async with session.ws_connect(f"{loopback.gateway_url}?v=10") as socket:
                await socket.receive()
                await socket.send_json({"op": 2, "d": identify})
                answers.append(mapping(decode((await socket.receive()).data))["op"])
        assert answers == [0, 9]


async def test_a_zombie_is_noticed_by_its_client_and_the_session_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with LoopbackDiscord(limits=False, heartbeat_seconds=0.2) as loopback:
        point(monkeypatch, loopback)
        async with running(loopback, heartbeat_timeout=0.5) as bot:
            await loopback.freeze()
            await loopback.say("alice", "general", "unheard")
            await loopback.until(lambda: said(bot) == ["unheard"])
            assert loopback.resumed == 1


async def test_a_client_without_heartbeats_is_closed_and_noticed() -> None:
    async with LoopbackDiscord(heartbeat_seconds=0.05) as loopback:
        identify: Json = {"token": loopback.token, "properties": PROPERTIES, "intents": 0}
        assert await closed_with(loopback, identify) == 4009
        with pytest.raises(AssertionError, match="no heartbeat"):
            loopback.assert_clean()


async def test_resuming_elsewhere_than_told_is_noticed(loopback: LoopbackDiscord) -> None:
    async with running(loopback):
        session = next(iter(loopback.inside.site.sessions.of(loopback.app)))
        resume: Json = {"token": loopback.token, "session_id": session.id, "seq": 99}
        assert await closed_with(loopback, resume, op=6) == 4007
    with pytest.raises(AssertionError, match="resume_gateway_url"):
        loopback.assert_clean()


async def test_scripted_trouble_doubles_reorders_and_drops_events(loopback: LoopbackDiscord) -> None:
    async with running(loopback) as bot:
        troubles: list[tuple[Trouble, str]] = [("duplicate", "one"), ("drop", "two"), ("reorder", "three")]
        for kind, words in troubles:
            loopback.fault("events", kind, where=lambda event: event["t"] == "MESSAGE_CREATE")
            await loopback.say("alice", "general", words)
        await loopback.say("alice", "general", "four")
        loopback.fault("events", "disconnect")
        await loopback.say("alice", "general", "five")
        await loopback.until(lambda: said(bot) == ["one", "one", "four", "three", "five"])
        assert loopback.resumed == 1


async def test_a_gateway_that_takes_nobody_is_tried_again(loopback: LoopbackDiscord) -> None:
    loopback.refuse()
    async with logged_in(loopback) as bot:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await bot.connect(reconnect=False)


async def test_frames_are_compressed_for_those_who_ask(loopback: LoopbackDiscord) -> None:
    url = f"{loopback.gateway_url}?v=10&compress=zlib-stream"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket, asyncio.timeout(5):
        frame = await socket.receive_bytes()
    assert mapping(decode(zlib.decompressobj().decompress(frame)))["op"] == 10
