"""The sign that work goes on: shown while it does, and in nobody's way."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from adapters.slack.api import Api
from adapters.slack.status import Status
from adapters.slack.testing import LoopbackSlack, Post
from botkit.model import Conversation, Message, User


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0, limits=False) as loopback:
        yield loopback


def message_of(post: Post, *, thread: bool = True) -> Message:
    where = Conversation("slack", post.channel.team.id, post.channel.id, post.ts if thread else "")
    return Message(f"{post.channel.id}:{post.ts}", where, User(post.author.id), post.text, float(post.ts))


def calls(slack: LoopbackSlack) -> list[str]:
    return [call.method for call in slack.calls]


async def test_a_thread_says_so_and_stops_saying_so(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", "general", "hello")
    async with Status(Api(slack.app.bot_token, slack.url), "assistant").shown(message_of(said)):
        await slack.until(lambda: "assistant.threads.setStatus" in calls(slack))
    last = slack.calls[-1]
    assert (last.method, last.arguments["status"]) == ("assistant.threads.setStatus", "")
    assert not slack.violations


async def test_outside_threads_a_reaction_says_so(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", slack.dm("alice"), "hello")
    async with Status(Api(slack.app.bot_token, slack.url), "auto").shown(message_of(said, thread=False)):
        await slack.until(lambda: said.reactions.get("eyes"))
    assert not said.reactions.get("eyes")
    assert calls(slack) == ["reactions.add", "reactions.remove"]


async def test_what_a_workspace_does_not_have_is_asked_for_once(slack: LoopbackSlack) -> None:
    slack.app.scopes -= {"reactions:write"}
    slack.fault("assistant.threads.setStatus", "error", error="access_denied")
    status = Status(Api(slack.app.bot_token, slack.url), "auto")
    said = await slack.say("alice", "general", "hello")
    async with status.shown(message_of(said)):
        await slack.until(lambda: len(slack.calls) == 2)
    async with status.shown(message_of(said)):
        pass
    assert calls(slack) == ["assistant.threads.setStatus", "reactions.add"]


async def test_switched_off_nothing_is_asked(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", "general", "hello")
    async with Status(Api(slack.app.bot_token, slack.url), "off").shown(message_of(said)):
        pass
    assert slack.calls == []


async def test_a_command_has_no_message_to_react_to(slack: LoopbackSlack) -> None:
    where = Conversation("slack", slack.team.id, slack.channel("general").id)
    command = Message("command:1.2.3", where, User("U1"), "/status", 0.0)
    async with Status(Api(slack.app.bot_token, slack.url), "auto").shown(command):
        pass
    assert slack.calls == []
