"""Posting and editing on Discord: what people see, and what each failure means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.api import Api
from adapters.discord.testing import LoopbackDiscord, Trouble
from botkit.errors import AdapterError, Gone, NotAllowed, RateLimited, TooLong, Unreachable
from botkit.model import Conversation, MessageRef, Outgoing
from tests.adapters.discord.rig import Bot, adapter_for


@pytest.fixture
async def discord() -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as loopback:
        yield loopback


@pytest.fixture
def adapter(discord: LoopbackDiscord) -> DiscordAdapter:
    return adapter_for(discord)


@pytest.fixture
def where(discord: LoopbackDiscord) -> Conversation:
    return Conversation("discord", discord.guild.id, discord.channel("general").id)


async def test_nothing_pings_and_no_link_is_unfolded(
    discord: LoopbackDiscord, adapter: DiscordAdapter, where: Conversation
) -> None:
    text = f"@everyone {discord.person('alice').mention} https://example.com/?q=secret ![x](https://evil.test/x.png)"
    ref = await adapter.messenger.send(where, Outgoing(text))
    await adapter.messenger.edit(ref, Outgoing(f"again: {text}"))
    (post,) = discord.messages("general")
    assert (post.pings, post.previews, post.mentions) == ([], [], [])
    discord.assert_clean()


async def test_the_longest_text_is_counted_in_code_points(
    discord: LoopbackDiscord, adapter: DiscordAdapter, where: Conversation
) -> None:
    ref = await adapter.messenger.send(where, Outgoing("😀" * 2000))
    await adapter.messenger.edit(ref, Outgoing("中" * 2000))
    assert discord.messages("general")[0].text == "中" * 2000
    with pytest.raises(TooLong):
        await adapter.messenger.edit(ref, Outgoing("中" * 2001))


async def test_a_message_whose_answer_was_lost_is_found_and_never_doubled(
    discord: LoopbackDiscord, adapter: DiscordAdapter, where: Conversation
) -> None:
    discord.fault("create_message", "act_then_5xx")
    with pytest.raises(Unreachable) as lost:
        await adapter.messenger.send(where, Outgoing("done", nonce="n1"))
    assert lost.value.acted
    (post,) = discord.messages("general")
    assert await adapter.messenger.find(where, "n1") == MessageRef(where, post.id)
    assert await adapter.messenger.find(where, "n2") is None
    assert await adapter.messenger.send(where, Outgoing("done", nonce="n1")) == MessageRef(where, post.id)
    assert discord.messages("general") == [post]
    assert discord.deduplicated == 1


async def test_the_gateway_shows_which_message_has_which_nonce(
    discord: LoopbackDiscord, adapter: DiscordAdapter, where: Conversation
) -> None:
    async with adapter.connect(Bot(discord)):
        await discord.settled()
        before = len([call for call in discord.calls if call.route == "list_messages"])
        ref = await adapter.messenger.send(where, Outgoing("done", nonce="n1"))
        await discord.settled()
        await asyncio.sleep(0.05)
        assert await adapter.messenger.find(where, "n1") == ref
        assert len([call for call in discord.calls if call.route == "list_messages"]) == before


async def test_files_stand_under_their_text(
    discord: LoopbackDiscord, adapter: DiscordAdapter, where: Conversation, tmp_path: Path
) -> None:
    paths: list[Path] = []
    for number in range(12):
        paths.append(tmp_path / f"Bericht {number} ü.txt")
        paths[-1].write_bytes(b"all is well" * number)
    await adapter.messenger.send(where, Outgoing("Here they are", files=tuple(paths), nonce="f"))
    first, second = discord.messages("general")
    assert first.text == "Here they are"
    files = [*first.attachments, *second.attachments]
    assert [(file.name, file.data) for file in files] == [(path.name, path.read_bytes()) for path in paths]
    discord.assert_clean()


async def test_a_file_that_is_gone_or_a_link_by_now_is_refused_like_any_other(
    discord: LoopbackDiscord, adapter: DiscordAdapter, where: Conversation, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    for name in ("gone", "link"):
        with pytest.raises(NotAllowed, match=f"{name} cannot be read"):
            await adapter.messenger.send(where, Outgoing("Here it is", files=(tmp_path / name,)))
    assert discord.messages("general") == []


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("429", 0, RateLimited),
        ("global", 0, RateLimited),
        ("shared", 0, RateLimited),
        ("cloudflare", 0, RateLimited),
        ("5xx", 0, Unreachable),
        ("malformed", 0, Unreachable),
        ("reset", 0, Unreachable),
        ("act_then_reset", 0, Unreachable),
        ("error", 10008, Gone),
        ("error", 10003, Gone),
        ("error", 50083, Gone),
        ("error", 50001, NotAllowed),
        ("error", 50013, NotAllowed),
        ("error", 50007, NotAllowed),
        ("error", 40005, TooLong),
        ("error", 50035, TooLong),
    ],
)
async def test_each_failure_has_its_meaning(
    discord: LoopbackDiscord,
    adapter: DiscordAdapter,
    where: Conversation,
    kind: Trouble,
    code: int,
    expected: type[AdapterError],
) -> None:
    ref = await adapter.messenger.send(where, Outgoing("hello"))
    discord.fault("edit_message", kind, code=code, retry_after=7)
    with pytest.raises(expected) as failed:
        await adapter.messenger.edit(ref, Outgoing("hello again"))
    if code:
        assert failed.value.code == str(code)
    if isinstance(failed.value, RateLimited):
        assert failed.value.retry_after >= 5
    assert len([call for call in discord.calls if call.route == "edit_message"]) == 1


async def test_a_call_under_way_while_the_adapter_leaves_may_be_tried_again(discord: LoopbackDiscord) -> None:
    api = Api(discord.token, discord.url)
    for steps in range(30):
        async with api.connected():
            calls = [asyncio.create_task(api.call("GET", "/users/@me")) for _ in range(2)]
            for _ in range(steps):
                await asyncio.sleep(0)
        for said in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(said, dict | Unreachable), steps


async def test_where_nobody_listens_nothing_was_done(discord: LoopbackDiscord, where: Conversation) -> None:
    with pytest.raises(Unreachable) as failed:
        await adapter_for(discord, api_url="http://127.0.0.1:9/api").messenger.send(where, Outgoing("hello"))
    assert not failed.value.acted


async def test_without_the_permission_to_write_it_says_so(discord: LoopbackDiscord, adapter: DiscordAdapter) -> None:
    readonly = Conversation("discord", discord.guild.id, discord.channel("readonly").id)
    with pytest.raises(NotAllowed, match="permission"):
        await adapter.messenger.send(readonly, Outgoing("hello"))


async def test_an_archived_thread_wakes_up_for_an_answer_but_a_locked_one_is_gone(
    discord: LoopbackDiscord, adapter: DiscordAdapter
) -> None:
    thread = await discord.thread("bob", "general", "talk")
    inside = Conversation("discord", discord.guild.id, discord.channel("general").id, thread.id)
    await discord.archive(thread)
    ref = await adapter.messenger.send(inside, Outgoing("awake"))
    await discord.archive(thread, locked=True)
    with pytest.raises(Gone):
        await adapter.messenger.send(inside, Outgoing("again"))
    with pytest.raises(Gone):
        await adapter.messenger.edit(ref, Outgoing("again"))
