"""What people do in the loopback Feishu, and which messages the hub gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from adapters.feishu.testing import LoopbackFeishu
from botkit.model import Action, Conversation, Outgoing
from tests.adapters.feishu.rig import Bot, adapter_for


class Desk:
    """A connected adapter and its hub."""

    def __init__(self, feishu: LoopbackFeishu) -> None:
        self.feishu, self.bot, self.adapter = feishu, Bot(feishu), adapter_for(feishu)

    async def nothing_more(self) -> None:
        """Whatever is on its way has arrived."""
        await self.feishu.settled()

    def follow(self, conversation: Conversation) -> None:
        self.bot.followed_topics[conversation] = 0.0


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with LoopbackFeishu() as feishu:
        desk = Desk(feishu)
        async with desk.adapter.connect(desk.bot):
            yield desk
        feishu.assert_clean()


async def test_a_direct_message_is_for_the_bot_and_its_author_has_a_name(desk: Desk) -> None:
    await desk.feishu.say("alice", desk.feishu.p2p("alice"), "hello")
    await desk.feishu.until(lambda: desk.bot.messages)
    (message,) = desk.bot.messages
    assert (message.text, message.author.name, message.conversation.direct) == ("hello", "alice", True)
    assert message.conversation.thread == ""


async def test_in_a_group_only_a_mention_is_for_the_bot(desk: Desk) -> None:
    await desk.feishu.say("alice", "general", "lunch? @all @bob")
    said = await desk.feishu.say("alice", "general", f"{desk.feishu.app.mention} help @bob")
    await desk.feishu.until(lambda: desk.bot.messages)
    assert desk.bot.texts == ["help @bob"]
    assert desk.bot.messages[0].conversation.thread == said.id


async def test_a_followed_topic_needs_no_mention_unless_it_begins_with_somebody_else(desk: Desk) -> None:
    said = await desk.feishu.say("alice", "general", f"{desk.feishu.app.mention} hello")
    await desk.feishu.until(lambda: desk.bot.messages)
    await desk.feishu.say("bob", "general", "nobody follows", thread=said)
    await desk.nothing_more()
    desk.follow(desk.bot.messages[0].conversation)
    await desk.feishu.say("bob", "general", "and then?", thread=said)
    await desk.feishu.say("bob", "general", "@alice what do you think", thread=said)
    await desk.feishu.say("bob", "general", "ask @alice", thread=said)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 3)
    await desk.nothing_more()
    assert desk.bot.texts == ["hello", "and then?", "ask @alice"]
    assert len({message.conversation for message in desk.bot.messages}) == 1


async def test_called_into_a_topic_the_bot_knows_what_was_said_before(desk: Desk) -> None:
    began = await desk.feishu.say("alice", "general", "the build is red")
    await desk.feishu.say("bob", "general", "since when? @alice", thread=began)
    await desk.feishu.say("carol", "general", f"{desk.feishu.app.mention} why?", thread=began)
    await desk.feishu.until(lambda: desk.bot.messages)
    (message,) = desk.bot.messages
    assert message.conversation.thread == began.id
    assert message.context == "**alice**: the build is red\n\n**bob**: since when? @alice"


async def test_a_topic_group_works_the_same(desk: Desk) -> None:
    began = await desk.feishu.say("alice", "topics", f"{desk.feishu.app.mention} hello")
    await desk.feishu.until(lambda: desk.bot.messages)
    desk.follow(desk.bot.messages[0].conversation)
    await desk.feishu.say("bob", "topics", "and then?", thread=began)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 2)
    assert [message.conversation.thread for message in desk.bot.messages] == [began.id, began.id]


async def test_a_quoted_message_comes_along(desk: Desk) -> None:
    chat = desk.feishu.p2p("alice")
    before = await desk.feishu.say("alice", chat, "42 is the answer")
    await desk.feishu.say("alice", chat, "to what?", before)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 2)
    assert desk.bot.messages[1].context == "**alice**: 42 is the answer"
    in_group = await desk.feishu.say("bob", "general", "look at this")
    await desk.feishu.say("alice", "general", f"{desk.feishu.app.mention} what is it?", in_group)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 3)
    assert desk.bot.messages[2].context == "**bob**: look at this"


async def test_the_bots_own_words_are_no_context_when_they_are_quoted(desk: Desk) -> None:
    chat = desk.feishu.p2p("alice")
    await desk.feishu.say("alice", chat, "hello")
    await desk.feishu.until(lambda: desk.bot.messages)
    ref = await desk.adapter.messenger.send(desk.bot.messages[0].conversation, Outgoing("I know"))
    mine = desk.feishu.directory.find_post(ref.id)
    await desk.feishu.say("alice", chat, "what do you mean?", mine)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 2)
    assert desk.bot.messages[1].context == ""


async def test_strangers_cost_no_call(desk: Desk) -> None:
    desk.bot.strangers.add(desk.feishu.open_id("carol"))
    before = len(desk.feishu.calls)
    said = await desk.feishu.say("carol", "general", f"{desk.feishu.app.mention} hello")
    await desk.feishu.say("carol", "general", "and again", thread=said)
    await desk.feishu.say("carol", desk.feishu.p2p("carol"), "psst")
    await desk.nothing_more()
    assert len(desk.bot.offered) == 3
    assert not desk.bot.messages
    assert len(desk.feishu.calls) == before


async def test_pictures_files_and_sounds_come_as_attachments(desk: Desk) -> None:
    feishu, chat = desk.feishu, desk.feishu.p2p("alice")
    picture = feishu.image("alice", b"\x89PNG\r\n\x1a\n" + bytes(64))
    await feishu.send("alice", chat, picture)
    await feishu.send("alice", chat, feishu.file("alice", "notes.txt", b"buy milk"))
    await feishu.send("alice", chat, feishu.file("alice", "voice", b"OggS", "opus", 2000))
    await feishu.write("alice", chat, ["look", picture], title="Cat")
    await feishu.until(lambda: len(desk.bot.messages) == 4)
    names = [[file.name for file in message.attachments] for message in desk.bot.messages]
    assert names == [["image.png"], ["notes.txt"], ["voice.opus"], ["image.png"]]
    assert desk.bot.messages[3].text == "**Cat**\n\nlook"


async def test_a_recall_is_understood_for_what_was_taken(desk: Desk) -> None:
    chat = desk.feishu.p2p("alice")
    said = await desk.feishu.say("alice", chat, "never mind")
    await desk.feishu.until(lambda: desk.bot.messages)
    await desk.feishu.recall(said)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 2)
    assert (desk.bot.messages[1].kind, desk.bot.messages[1].reply_to) == ("deleted", said.id)
    other = await desk.feishu.say("alice", "general", "not for the bot")
    await desk.feishu.recall(other)
    await desk.nothing_more()
    assert len(desk.bot.messages) == 2


async def test_what_comes_twice_is_handed_in_as_one(desk: Desk) -> None:
    desk.feishu.fault("events", "duplicate")
    await desk.feishu.say("alice", desk.feishu.p2p("alice"), "one")
    desk.feishu.fault("events", "replay")
    await desk.feishu.say("alice", desk.feishu.p2p("alice"), "two")
    desk.feishu.fault("events", "renamed")
    await desk.feishu.say("alice", desk.feishu.p2p("alice"), "three")
    await desk.feishu.until(lambda: len(desk.bot.messages) >= 3)
    await desk.nothing_more()
    assert desk.bot.texts == ["one", "two", "three"]


async def test_messages_of_one_chat_stay_in_order_while_the_store_is_slow(desk: Desk) -> None:
    desk.bot.slow = asyncio.Event()
    for number in range(5):
        await desk.feishu.say("alice", desk.feishu.p2p("alice"), str(number))
    await desk.feishu.until(lambda: desk.bot.offered)
    desk.bot.slow.set()
    await desk.feishu.until(lambda: len(desk.bot.messages) == 5)
    assert desk.bot.texts == ["0", "1", "2", "3", "4"]


async def test_nobody_overtakes_a_message_that_has_waited_for_another(desk: Desk) -> None:
    chat, first, second = desk.feishu.p2p("alice"), asyncio.Event(), asyncio.Event()
    desk.bot.slow = first
    await desk.feishu.say("alice", chat, "0")
    await desk.feishu.until(lambda: len(desk.bot.offered) == 1)
    await desk.feishu.say("alice", chat, "1")
    await desk.feishu.say("bob", "general", f"{desk.feishu.app.mention} meanwhile")
    await desk.feishu.until(lambda: len(desk.bot.offered) == 2)
    desk.bot.slow = second
    first.set()
    await desk.feishu.until(lambda: len(desk.bot.offered) == 3)
    desk.bot.slow = None
    await desk.feishu.say("alice", chat, "2")
    await desk.feishu.say("bob", "general", f"{desk.feishu.app.mention} afterwards")
    await desk.feishu.until(lambda: "afterwards" in desk.bot.texts)
    second.set()
    await desk.feishu.until(lambda: len(desk.bot.messages) == 5)
    assert [text for text in desk.bot.texts if text.isdigit()] == ["0", "1", "2"]


async def test_a_button_is_a_message_that_carries_its_command(desk: Desk) -> None:
    said = await desk.feishu.say("alice", "general", f"{desk.feishu.app.mention} hello")
    await desk.feishu.until(lambda: desk.bot.messages)
    where = desk.bot.messages[0].conversation
    ask = Outgoing("Sure?", (Action("Yes", "/allow 1", "primary"), Action("No", "/deny 1", "danger")))
    ref = await desk.adapter.messenger.send(where, ask)
    asked = desk.feishu.directory.find_post(ref.id)
    assert asked is not None
    pressed = await desk.feishu.press("bob", asked, "No")
    assert (pressed.error, pressed.toast) == (0, "")
    action = desk.bot.messages[-1]
    assert (action.kind, action.text, action.conversation) == ("action", "/deny 1", where)
    assert (action.reply_to, action.author.id) == (asked.id, desk.feishu.open_id("bob"))
    assert action.conversation.thread == said.id


async def test_a_button_that_the_store_did_not_take_says_so_at_once(desk: Desk) -> None:
    await desk.feishu.say("alice", desk.feishu.p2p("alice"), "hello")
    await desk.feishu.until(lambda: desk.bot.messages)
    ref = await desk.adapter.messenger.send(
        desk.bot.messages[0].conversation, Outgoing("?", (Action("Yes", "/allow"),))
    )
    asked = desk.feishu.directory.find_post(ref.id)
    assert asked is not None
    desk.bot.silent = 1
    pressed = await desk.feishu.press("alice", asked, "Yes")
    assert "press again" in pressed.toast
    pressed = await desk.feishu.press("alice", asked, "Yes")
    assert pressed.toast == ""
    assert desk.bot.texts[-1] == "/allow"


async def test_without_the_right_to_names_ids_must_do(desk: Desk) -> None:
    desk.feishu.app.scopes -= {"contact:user.base:readonly", "contact:contact.base:readonly"}
    for text in ("one", "two"):
        await desk.feishu.say("alice", desk.feishu.p2p("alice"), text)
    await desk.feishu.until(lambda: len(desk.bot.messages) == 2)
    assert [message.author.name for message in desk.bot.messages] == ["", ""]
    assert len([call for call in desk.feishu.calls if call.route == "contact.v3.user.get"]) == 1


async def test_a_platform_that_does_not_answer_delays_nobody_beyond_a_second(desk: Desk) -> None:
    began = await desk.feishu.say("alice", "general", "before")
    for route in ("contact.v3.user.get", "im.v1.message.get"):
        desk.feishu.fault(route, "timeout")
    since = asyncio.get_running_loop().time()
    await desk.feishu.say("bob", "general", f"{desk.feishu.app.mention} hello", thread=began)
    await desk.feishu.until(lambda: desk.bot.messages)
    assert asyncio.get_running_loop().time() - since < 2.0
    assert (desk.bot.messages[0].context, desk.bot.messages[0].author.name) == ("", "")


async def test_opening_the_chat_is_a_sign_and_no_message(desk: Desk) -> None:
    chat = await desk.feishu.enter("alice")
    await desk.feishu.until(lambda: desk.bot.signs)
    await desk.nothing_more()
    ((where, who),) = desk.bot.signs
    assert (where.channel, where.thread, where.direct) == (chat.id, "", True)
    assert who.id == desk.feishu.open_id("alice")
    assert not desk.bot.offered


async def test_forwarded_messages_come_along(desk: Desk) -> None:
    said = [await desk.feishu.say(who, "random", text) for who, text in (("bob", "it broke"), ("carol", "again?"))]
    await desk.feishu.forward("alice", desk.feishu.p2p("alice"), said)
    await desk.feishu.until(lambda: desk.bot.messages)
    (message,) = desk.bot.messages
    assert (message.text, message.context) == ("[forwarded messages]", "**bob**: it broke\n\n**carol**: again?")
