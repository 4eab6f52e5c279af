"""Checks that a messenger or an adapter keeps the promises of `botkit.protocols`: run them over your own platform.

A stage is a messenger together with the loopback platform under it. In a test suite:

    @pytest.mark.parametrize("check", MESSENGER_CHECKS, ids=lambda check: check.__name__)
    async def test_my_messenger_keeps_the_contract(check, stage):
        await check(stage)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from botkit.errors import Gone, NotAllowed, RateLimited, TooLong
from botkit.events import TextDelta, TurnFinished
from botkit.model import Action, Conversation, Message, MessageRef, Outgoing
from botkit.protocols import Adapter, Messenger
from botkit.testing.noted import Noted

_BOUND = 30.0
_PINGS = '@everyone @here @channel <!channel> <!here> <@U123> <@!123> <@&456> <!subteam^S1> <at user_id="all"></at>'


class Stage(Protocol):
    """A messenger and what its platform shows. Two conversations exist in it."""

    @property
    def messenger(self) -> Messenger: ...

    @property
    def conversation(self) -> Conversation: ...

    @property
    def elsewhere(self) -> Conversation: ...

    @property
    def finds(self) -> bool:
        """`Messenger.find` can ask the platform."""
        ...

    async def shown(self, ref: MessageRef) -> str | None:
        """The text people see, as the platform holds it; None when the message is not there."""
        ...

    async def pressable(self, ref: MessageRef) -> list[str]:
        """The labels of a message's buttons."""
        ...

    async def notified(self) -> list[str]:
        """Whom the platform has notified because of a mention in a text."""
        ...

    async def delete(self, ref: MessageRef) -> None:
        """Somebody deletes the message."""
        ...

    async def limit_next(self, retry_after: float) -> None:
        """The platform answers the next post with its 429."""
        ...


class AdapterStage(Stage, Protocol):
    @property
    def adapter(self) -> Adapter: ...

    @property
    def message(self) -> Message:
        """A message a person has written in the conversation, as the adapter parsed it."""
        ...


async def ids_round_trip(stage: Stage) -> None:
    """A ref is all it takes to edit a message, also one made from its stored parts."""
    ref = await stage.messenger.send(stage.conversation, Outgoing("one"))
    stored = MessageRef(Conversation.parse(ref.conversation.key), ref.id)
    assert ref.conversation == stage.conversation, "the ref names the conversation that was posted to"
    if stage.messenger.capabilities.edits:
        await stage.messenger.edit(stored, Outgoing("two"))
        assert "two" in (await stage.shown(ref) or ""), "an edit with a stored ref is seen"


async def messages_are_told_apart(stage: Stage) -> None:
    first = await stage.messenger.send(stage.conversation, Outgoing("first"))
    second = await stage.messenger.send(stage.elsewhere, Outgoing("second"))
    assert first != second, "two messages have two refs"
    assert "first" in (await stage.shown(first) or "")
    assert "second" in (await stage.shown(second) or "")


async def mentions_notify_nobody(stage: Stage) -> None:
    ref = await stage.messenger.send(stage.conversation, Outgoing(f"Claude says {_PINGS} and `{_PINGS}`"))
    if stage.messenger.capabilities.edits:
        await stage.messenger.edit(ref, Outgoing(f"Claude repeats\n\n```\n{_PINGS}\n```\n\n{_PINGS}"))
    assert await stage.notified() == [], "text never pings anybody"


async def rendering_is_pure(stage: Stage) -> None:
    for text in ("", "plain", "**bold** & <b>", "```py\nx\n```", "| a |\n|---|\n| 1 |", "half **open", "\u0000"):
        once = stage.messenger.render(text)
        assert once == stage.messenger.render(text), "rendering depends on the text alone"
        assert stage.messenger.size(once) >= 0
    assert stage.messenger.size(stage.messenger.render("")) == 0, "nothing has no length"


async def the_longest_text_passes_and_a_longer_one_is_refused(stage: Stage) -> None:
    able = stage.messenger.capabilities
    longest = "x" * able.max_chars
    while stage.messenger.size(stage.messenger.render(longest)) > able.max_chars:
        longest = longest[: len(longest) * 9 // 10]
    ref = await stage.messenger.send(stage.conversation, Outgoing(longest))
    assert (await stage.shown(ref) or "").count("x") == len(longest), "a text of the greatest size is shown whole"
    if able.edits:
        await stage.messenger.edit(ref, Outgoing("short"))
        await stage.messenger.edit(ref, Outgoing(longest))
        assert (await stage.shown(ref) or "").count("x") == len(longest), "also after an edit"
    try:
        ref = await stage.messenger.send(stage.conversation, Outgoing("y" * 500_000))
    except TooLong:
        return
    raise AssertionError("a text far beyond the greatest size raises TooLong; it is never cut silently")


async def an_edit_after_a_deletion_raises_gone(stage: Stage) -> None:
    if not stage.messenger.capabilities.edits:
        return
    ref = await stage.messenger.send(stage.conversation, Outgoing("one"))
    await stage.delete(ref)
    try:
        await stage.messenger.edit(ref, Outgoing("two"))
    except Gone:
        return
    raise AssertionError("editing a deleted message raises Gone")


async def a_nonce_finds_its_message(stage: Stage) -> None:
    ref = await stage.messenger.send(stage.conversation, Outgoing("one", nonce="contract-nonce.0"))
    await stage.messenger.send(stage.conversation, Outgoing("two", nonce="contract-nonce.1"))
    found = await stage.messenger.find(stage.conversation, "contract-nonce.0")
    assert found == (ref if stage.finds else None), "find names the message that was sent with the nonce"
    assert await stage.messenger.find(stage.conversation, "contract-never-sent") is None
    assert await stage.messenger.find(stage.elsewhere, "contract-nonce.0") is None, "in its own conversation only"


async def a_file_is_found_by_its_nonce(stage: Stage) -> None:
    if not stage.messenger.capabilities.files:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sent-1"
        path.write_bytes(b"all is well")
        send = Outgoing("Look", files=(path,), names=("report.txt",), nonce="contract-file.0")
        await stage.messenger.send(stage.conversation, send)
    found = await stage.messenger.find(stage.conversation, "contract-file.0")
    assert (found is not None) == stage.finds, "find names the message that shows the file"
    assert await stage.messenger.find(stage.elsewhere, "contract-file.0") is None, "in its own conversation only"


async def a_429_says_how_long_to_wait(stage: Stage) -> None:
    await stage.limit_next(7.0)
    told = 0.0
    try:
        async with asyncio.timeout(5):
            await stage.messenger.send(stage.conversation, Outgoing("one"))
    except RateLimited as limited:
        told = limited.retry_after
    except TimeoutError:
        raise AssertionError("a messenger does not wait out a 429 by itself") from None
    assert told >= 7.0, "a 429 raises RateLimited with what the platform said"
    ref = await stage.messenger.send(stage.conversation, Outgoing("two"))
    assert "two" in (await stage.shown(ref) or "")


async def buttons_come_and_go(stage: Stage) -> None:
    able = stage.messenger.capabilities
    if not able.buttons:
        return
    actions = (Action("Allow", "/allow r1", "primary"), Action("Deny", "/deny r1", "danger"))
    ref = await stage.messenger.send(stage.conversation, Outgoing("May I?", actions))
    assert await stage.pressable(ref) == ["Allow", "Deny"]
    if able.edits:
        await stage.messenger.edit(ref, Outgoing("Allowed."))
        assert await stage.pressable(ref) == [], "an edit without actions takes the buttons away"
        assert "Allowed." in (await stage.shown(ref) or "")


async def an_unknown_channel_is_not_a_crash(stage: Stage) -> None:
    here = stage.conversation
    nowhere = Conversation(here.adapter, here.space, "no-such-channel", here.thread)
    try:
        await stage.messenger.send(nowhere, Outgoing("anybody?"))
    except (Gone, NotAllowed):
        return
    raise AssertionError("posting to a channel that does not exist raises Gone or NotAllowed")


async def a_reply_ends_on_the_platform(stage: AdapterStage) -> None:
    noted = Noted()
    reply = stage.adapter.reply_to(stage.message, nonce="contract-turn", checkpoint=noted)
    async with asyncio.timeout(_BOUND), reply:
        reply.push(TextDelta("Half an "))
        reply.push(TurnFinished("Half an answer, and the rest."))
    assert reply.delivered
    assert reply.state.refs, "the reply knows its messages"
    assert set(reply.state.refs) <= {ref for state in noted for ref in state.refs}, "each new message was reported"
    assert "and the rest" in (await stage.shown(reply.state.refs[-1]) or "")


async def a_resumed_reply_goes_on_in_its_messages(stage: AdapterStage) -> None:
    if not stage.adapter.messenger.capabilities.edits:
        return
    first = stage.adapter.reply_to(stage.message, nonce="contract-resumed")
    async with asyncio.timeout(_BOUND), first:
        first.push(TextDelta("Half an answer"))
    second = stage.adapter.reply_to(stage.message, nonce="contract-resumed", resume=first.state)
    async with asyncio.timeout(_BOUND), second:
        second.push(TurnFinished("The whole answer"))
    assert second.state.refs == first.state.refs, "no new message is posted"
    assert "The whole answer" in (await stage.shown(second.state.refs[0]) or "")


async def names_and_conversations_agree(stage: AdapterStage) -> None:
    message = stage.message
    assert message.conversation.adapter == stage.adapter.name
    assert Conversation.parse(message.conversation.key) == message.conversation
    assert message.id, "a message has an id by which a repeat is recognised"
    assert not message.author.is_bot


MESSENGER_CHECKS: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    ids_round_trip,
    messages_are_told_apart,
    mentions_notify_nobody,
    rendering_is_pure,
    the_longest_text_passes_and_a_longer_one_is_refused,
    an_edit_after_a_deletion_raises_gone,
    a_nonce_finds_its_message,
    a_file_is_found_by_its_nonce,
    a_429_says_how_long_to_wait,
    buttons_come_and_go,
    an_unknown_channel_is_not_a_crash,
)
ADAPTER_CHECKS: tuple[Callable[[AdapterStage], Awaitable[None]], ...] = (
    a_reply_ends_on_the_platform,
    a_resumed_reply_goes_on_in_its_messages,
    names_and_conversations_agree,
)
