"""The loopback Discord refuses what Discord refuses: each refusal is provoked once by the real discord.py."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import discord
import pytest

from adapters.discord.testing import LoopbackDiscord
from adapters.discord.testing.permissions import MANAGE_MESSAGES, READ_MESSAGE_HISTORY
from adapters.discord.testing.wire import Json
from tests.adapters.discord.loopback import Bot, complaint, logged_in, point, raw, refused


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[LoopbackDiscord]:
    async with LoopbackDiscord(limits=False) as opened:
        point(monkeypatch, opened)
        yield opened


@pytest.fixture
async def bot(loopback: LoopbackDiscord) -> AsyncGenerator[Bot]:
    async with logged_in(loopback) as client:
        yield client


def button(**more: object) -> Json:
    return {"type": 2, "style": 2, "label": "Stop", "custom_id": "stop", **more}


def menu(**more: object) -> Json:
    return {"type": 3, "custom_id": "which", "options": [{"label": "A", "value": "a"}], **more}


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


async def post(bot: Bot, loopback: LoopbackDiscord, **body: object) -> Json:
    return await raw(bot, "POST", f"/channels/{loopback.channel('general').id}/messages", {"content": "x", **body})


async def test_a_wrong_token_cannot_log_in(loopback: LoopbackDiscord) -> None:
    stranger = discord.Client(intents=discord.Intents.none())
    with pytest.raises(discord.LoginFailure):
        await stranger.login("nonsense")
    await stranger.close()
    assert loopback.record.invalid[401] == 1


async def test_a_message_is_there_for_everybody_to_read(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = loopback.channel("general")
    sent = await bot.text(general).send("hello")
    await sent.edit(content="hello you")
    (shown,) = loopback.messages("general")
    assert shown.shown == "hello you"
    assert [version.text for version in shown.versions] == ["hello", "hello you"]
    assert (await bot.text(general).fetch_message(sent.id)).content == "hello you"
    await sent.delete()
    assert loopback.messages("general") == []
    assert await refused(sent.edit(content="again")) == (404, 10008)
    assert await refused(sent.delete()) == (404, 10008)
    loopback.assert_clean()


async def test_messages_go_only_where_the_app_may_write(loopback: LoopbackDiscord, bot: Bot) -> None:
    assert await refused(bot.text(loopback.channel("hidden")).send("x")) == (403, 50001)
    assert await refused(bot.text(loopback.channel("readonly")).send("x")) == (403, 50013)
    assert await refused(bot.get_partial_messageable(123456789012345678).send("x")) == (404, 10003)
    carol = loopback.person("carol")
    await bot.text(loopback.dm("carol")).send("psst")
    carol.closed = True
    assert await refused(bot.text(loopback.dm("carol")).send("psst")) == (403, 50007)
    await bot.text(loopback.channel("secret")).send("ours")
    assert loopback.record.invalid[403] == 3


async def test_texts_are_counted_in_code_points(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    await general.send("😀" * 2000)
    assert "Must be 2000 or fewer in length." in await complaint(general.send("x" * 2001))
    sent = await general.send("x" * 2000)
    assert "content" in await complaint(sent.edit(content="界" * 2001))


async def test_nothing_cannot_be_said(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    assert await refused(general.send("")) == (400, 50006)
    assert await refused(general.send(" \n ")) == (400, 50006)
    sent = await general.send("x")
    assert await refused(sent.edit(content=None)) == (400, 50006)


async def test_a_nonce_keeps_a_message_from_being_sent_twice(loopback: LoopbackDiscord, bot: Bot) -> None:
    first = await post(bot, loopback, nonce="n1", enforce_nonce=True)
    again = await post(bot, loopback, nonce="n1", enforce_nonce=True)
    assert first["id"] == again["id"]
    assert loopback.deduplicated == 1
    await post(bot, loopback, nonce="n1")
    assert len(loopback.messages("general")) == 2
    assert "nonce" in await complaint(post(bot, loopback, nonce="n" * 26))


async def test_a_reply_needs_its_message(loopback: LoopbackDiscord, bot: Bot) -> None:
    asked = await loopback.say("alice", "general", "why?")
    general = bot.text(loopback.channel("general"))
    question = general.get_partial_message(int(asked.id))
    answer = await general.send("because", reference=question)
    assert answer.type is discord.MessageType.reply
    assert answer.reference is not None
    assert isinstance(answer.reference.resolved, discord.Message)
    assert answer.reference.resolved.content == "why?"
    await loopback.delete(asked)
    assert "Unknown message" in await complaint(general.send("because", reference=question))
    loose = await general.send("x", reference=question.to_reference(fail_if_not_exists=False))
    assert loose.reference is None
    elsewhere = bot.text(loopback.channel("random"))
    other = {"message_id": str(answer.id), "channel_id": str(answer.channel.id)}
    assert "different channel" in await complaint(
        raw(bot, "POST", f"/channels/{elsewhere.id}/messages", {"content": "x", "message_reference": other})
    )
    loopback.app.permissions &= ~READ_MESSAGE_HISTORY
    assert await refused(answer.reply("x")) == (403, 160002)


async def test_only_own_messages_are_edited_and_others_only_deleted_with_the_right(
    loopback: LoopbackDiscord, bot: Bot
) -> None:
    asked = await loopback.say("alice", "general", "mine")
    message = bot.text(loopback.channel("general")).get_partial_message(int(asked.id))
    assert await refused(message.edit(content="yours")) == (403, 50005)
    assert await refused(message.delete()) == (403, 50013)
    loopback.app.permissions |= MANAGE_MESSAGES
    await message.delete()
    direct = await loopback.say("alice", loopback.dm("alice"), "mine")
    theirs = bot.text(loopback.dm("alice")).get_partial_message(int(direct.id))
    assert await refused(theirs.delete()) == (403, 50003)


async def test_whoever_is_named_is_pinged_unless_the_sender_forbids_it(loopback: LoopbackDiscord, bot: Bot) -> None:
    general, alice, team = bot.text(loopback.channel("general")), loopback.person("alice"), loopback.role("team")
    text = f"{alice.mention} {team.mention} @everyone"
    await general.send(text)
    await general.send(text, allowed_mentions=discord.AllowedMentions.none())
    await general.send(text, allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=True))
    await general.send(f"`{alice.mention}` and\n```\n@everyone\n```")
    pings = [shown.pings for shown in loopback.messages("general")]
    assert pings == [[alice.mention, team.mention, "@everyone"], [], [alice.mention], []]
    asked = await loopback.say("bob", "general", "why?")
    question = general.get_partial_message(int(asked.id))
    await general.send("because", reference=question)
    await general.send("because", reference=question, mention_author=False)
    assert [shown.pings for shown in loopback.messages("general")[-2:]] == [[asked.author.mention], []]
    both = {"parse": ["users"], "users": [alice.id]}
    assert "mutually exclusive" in await complaint(post(bot, loopback, allowed_mentions=both))


async def test_links_are_unfolded_unless_that_is_switched_off(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    await general.send("see https://evil.example/?q=secret")
    await general.send("see https://evil.example/?q=secret", suppress_embeds=True)
    await general.send("see <https://evil.example/> and `https://evil.example/`")
    assert [shown.previews for shown in loopback.messages("general")] == [["https://evil.example/?q=secret"], [], []]


OUT_OF_BOUNDS: list[tuple[Json, str]] = [
    ({"components": [row(*[button(custom_id=str(n)) for n in range(6)])]}, "between 1 and 5"),
    ({"components": [row(button(custom_id=str(n))) for n in range(6)]}, "Must be 5 or fewer"),
    ({"components": [row(button(custom_id="x" * 101))]}, "between 1 and 100"),
    ({"components": [row(button(label="x" * 81))]}, "Must be 80 or fewer"),
    ({"components": [row(button(label=""))]}, "label or an emoji"),
    ({"components": [row(button(style=9))]}, "Value must be one of"),
    ({"components": [row(button(), button())]}, "cannot be duplicated"),
    ({"components": [row(button()), row(button())]}, "cannot be duplicated"),
    ({"components": [row(button(style=5))]}, "url"),
    ({"components": [row()]}, "between 1 and 5"),
    ({"components": [button()]}, "Value must be one of {1}"),
    ({"components": [row(menu(), button())]}, "exceeds the maximum width"),
    ({"components": [row(menu(options=[]))]}, "between 1 and 25"),
    ({"components": [row(menu(options=[{"label": "x" * 101, "value": "a"}]))]}, "between 1 and 100"),
    ({"components": [row(menu(options=[{"label": "A", "value": "a"}] * 2))]}, "already used"),
    ({"components": [row(menu(max_values=3))]}, "Must be 1 or fewer"),
    ({"components": [row(menu(placeholder="x" * 151))]}, "Must be 150 or fewer"),
    ({"embeds": [{"description": "x" * 4097}]}, "Must be 4096 or fewer"),
    ({"embeds": [{"title": "x" * 257}]}, "Must be 256 or fewer"),
    ({"embeds": [{"description": "x" * 3001}] * 2}, "maximum size of 6000"),
    ({"embeds": [{"title": "x"}] * 11}, "Must be 10 or fewer"),
    ({"embeds": [{"fields": [{"name": "x", "value": ""}]}]}, "between 1 and 1024"),
    ({"embeds": [{"title": "x", "url": "javascript:1"}]}, "Not a well formed URL"),
    ({"allowed_mentions": {"parse": ["all"]}}, "Value must be one of"),
    ({"content": 5}, "as string"),
    ({"flags": 1 << 15}, "cannot be used"),
]


@pytest.mark.parametrize(("body", "expected"), OUT_OF_BOUNDS)
async def test_what_is_out_of_bounds_is_refused(loopback: LoopbackDiscord, bot: Bot, body: Json, expected: str) -> None:
    assert expected in await complaint(post(bot, loopback, **body))
    assert loopback.messages("general") == []


async def test_errors_come_in_the_shape_in_which_discord_sends_them(loopback: LoopbackDiscord, bot: Bot) -> None:
    with pytest.raises(discord.HTTPException) as error:
        await post(bot, loopback, components=[row(button(label="x" * 81))])
    place = "components.0.components.0.label"
    assert error.value.text == f"Invalid Form Body\nIn {place}: Must be 80 or fewer in length."


async def test_fields_that_messages_do_not_have_are_noticed(loopback: LoopbackDiscord, bot: Bot) -> None:
    await post(bot, loopback, colour="red")
    assert await refused(raw(bot, "POST", "/channels/1/shout", {})) == (404, 0)
    with pytest.raises(AssertionError, match="colour"):
        loopback.assert_clean()


async def test_history_is_read_newest_first_and_by_pages(loopback: LoopbackDiscord, bot: Bot) -> None:
    posts = [await loopback.say("alice", "general", str(number)) for number in range(7)]
    general = bot.text(loopback.channel("general"))
    edge = discord.Object(int(posts[3].id))
    assert [one.content async for one in general.history(limit=2)] == ["6", "5"]
    assert [one.content async for one in general.history(limit=2, before=edge)] == ["2", "1"]
    assert [one.content async for one in general.history(limit=2, after=edge)] == ["4", "5"]
    path = f"/channels/{general.id}/messages"
    assert "between 1 and 100" in await complaint(raw(bot, "GET", f"{path}?limit=101"))
    assert "exclusive" in await complaint(raw(bot, "GET", f"{path}?before={edge.id}&after={edge.id}"))
    loopback.app.permissions &= ~READ_MESSAGE_HISTORY
    assert [one async for one in general.history(limit=2)] == []


async def test_a_thread_has_the_id_of_its_message_and_there_is_only_one(loopback: LoopbackDiscord, bot: Bot) -> None:
    asked = await loopback.say("alice", "general", f"{loopback.app.mention} hello")
    general = await bot.fetch_channel(int(loopback.channel("general").id))
    assert isinstance(general, discord.TextChannel)
    message = await general.fetch_message(int(asked.id))
    assert "name" in await complaint(message.create_thread(name="x" * 101))
    path = f"/channels/{general.id}/messages/{asked.id}/threads"
    assert "one of {60, 1440, 4320, 10080}" in await complaint(
        raw(bot, "POST", path, {"name": "x", "auto_archive_duration": 5})
    )
    thread = await message.create_thread(name="Hello", auto_archive_duration=1440)
    assert str(thread.id) == asked.id
    assert await refused(message.create_thread(name="Hello again")) == (400, 160004)
    await thread.send("hi")
    (room,) = loopback.threads("general")
    assert [shown.shown for shown in loopback.messages(room)] == ["", "hi"]
    inside = f"/channels/{thread.id}/messages/{thread.last_message_id}/threads"
    assert await refused(raw(bot, "POST", inside, {"name": "x"})) == (400, 50024)


async def test_an_archived_thread_wakes_up_for_messages_only(loopback: LoopbackDiscord, bot: Bot) -> None:
    asked = await loopback.say("alice", "general", "hello")
    room = await loopback.thread("alice", "general", "Hello", asked)
    thread = bot.text(room)
    sent = await thread.send("one")
    await loopback.archive(room)
    assert await refused(sent.edit(content="two")) == (400, 50083)
    assert await refused(sent.add_reaction("👀")) == (400, 50083)
    await thread.send("two")
    assert not room.archived
    await loopback.archive(room, locked=True)
    assert await refused(thread.send("three")) == (400, 50083)
    await sent.delete()


async def test_typing_is_seen_until_the_message_comes(loopback: LoopbackDiscord, bot: Bot) -> None:
    general = bot.text(loopback.channel("general"))
    await bot.http.send_typing(general.id)
    assert loopback.shows_typing("general")
    await general.send("x")
    assert not loopback.shows_typing("general")


async def test_reactions_are_emoji(loopback: LoopbackDiscord, bot: Bot) -> None:
    sent = await bot.text(loopback.channel("general")).send("x")
    await sent.add_reaction("👀")
    assert loopback.messages("general")[0].reactions == {"👀": [loopback.app.bot]}
    await sent.remove_reaction("👀", discord.Object(int(loopback.app.bot.id)))
    assert await refused(sent.add_reaction("eyes")) == (400, 10014)
    assert loopback.messages("general")[0].reactions == {"👀": []}


async def test_two_apps_have_messages_of_their_own(loopback: LoopbackDiscord, bot: Bot) -> None:
    sent = await bot.text(loopback.channel("general")).send("mine")
    async with logged_in(loopback, loopback.install("other")) as other:
        theirs = other.text(loopback.channel("general")).get_partial_message(sent.id)
        assert await refused(theirs.edit(content="yours")) == (403, 50005)
