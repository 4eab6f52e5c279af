"""The sign that work goes on: shown while it does, taken away in the end, and in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from adapters.slack.testing import LoopbackSlack, Post
from botkit.events import TurnFinished
from botkit.model import Conversation, Message, User
from tests.adapters.slack.rig import Bot, adapter_for


@pytest.fixture
async def slack() -> AsyncGenerator[LoopbackSlack]:
    async with LoopbackSlack(speed=6_000, ack_seconds=1.0, limits=False) as loopback:
        yield loopback


def message_of(post: Post, *, thread: bool = True) -> Message:
    where = Conversation("slack", post.channel.team.id, post.channel.id, post.ts if thread else "")
    return Message(f"{post.channel.id}:{post.ts}", where, User(post.author.id), post.text, float(post.ts))


def calls(slack: LoopbackSlack) -> list[str]:
    """The calls about signs."""
    return [call.method for call in slack.calls if call.method.startswith(("reactions.", "assistant."))]


async def test_a_thread_says_so_and_stops_saying_so(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", "general", "hello")
    async with adapter_for(slack, status="assistant").reply_to(message_of(said), nonce="n") as reply:
        await slack.until(lambda: calls(slack))
        reply.push(TurnFinished("done"))
    last = slack.calls[-1]
    assert (last.method, last.arguments["status"]) == ("assistant.threads.setStatus", "")
    assert not slack.violations


async def test_outside_threads_a_reaction_says_so(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", slack.dm("alice"), "hello")
    async with adapter_for(slack).reply_to(message_of(said, thread=False), nonce="n") as reply:
        await slack.until(lambda: said.reactions.get("eyes"))
        reply.push(TurnFinished("done"))
    assert not said.reactions.get("eyes")
    assert calls(slack) == ["reactions.add", "reactions.remove"]


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_sign_that_slack_does_not_let_go_of_at_once_goes_later(slack: LoopbackSlack, stopped: bool) -> None:
    adapter = adapter_for(slack, status="reaction")
    slack.fault("reactions.remove", "429", retry_after=2)
    said = await slack.say("alice", "general", "hello")

    async def answer() -> None:
        async with adapter.reply_to(message_of(said), nonce="n") as reply:
            await slack.until(lambda: said.reactions.get("eyes"))
            if stopped:
                await asyncio.Event().wait()
            reply.push(TurnFinished("done"))

    async with adapter.connect(Bot(slack)):
        task = asyncio.create_task(answer())
        if stopped:
            await slack.until(lambda: said.reactions.get("eyes"))
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        assert said.reactions.get("eyes"), "the reply waits for it a second at most"
        await slack.until(lambda: not said.reactions.get("eyes"))


async def test_a_status_that_slack_does_not_let_go_of_at_once_goes_later(slack: LoopbackSlack) -> None:
    adapter = adapter_for(slack, status="assistant")
    slack.fault("assistant.threads.setStatus", "429", retry_after=2, where=lambda given: given.get("status") == "")
    said = await slack.say("alice", "general", "hello")
    async with adapter.connect(Bot(slack)):
        async with adapter.reply_to(message_of(said), nonce="n") as reply:
            await slack.until(lambda: calls(slack))
            reply.push(TurnFinished("done"))
        await slack.until(lambda: [call for call in slack.calls if call.ok and call.arguments.get("status") == ""])


async def test_a_reaction_that_an_earlier_process_left_is_taken_away(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", "general", "hello")
    said.reactions["eyes"] = {slack.app.bot.id}
    async with adapter_for(slack, status="reaction").reply_to(message_of(said), nonce="n") as reply:
        await slack.until(lambda: calls(slack))
        reply.push(TurnFinished("done"))
    assert not said.reactions.get("eyes")


async def test_what_a_workspace_does_not_have_is_asked_for_once(slack: LoopbackSlack) -> None:
    slack.app.scopes -= {"reactions:write"}
    slack.fault("assistant.threads.setStatus", "error", error="access_denied")
    adapter = adapter_for(slack)
    for number in range(2):
        said = await slack.say("alice", "general", "hello")
        async with adapter.reply_to(message_of(said), nonce=f"n{number}") as reply:
            await slack.until(lambda: len(calls(slack)) == 2)
            reply.push(TurnFinished("done"))
    assert calls(slack) == ["assistant.threads.setStatus", "reactions.add"]


async def test_switched_off_nothing_is_asked(slack: LoopbackSlack) -> None:
    said = await slack.say("alice", "general", "hello")
    async with adapter_for(slack, status="off").reply_to(message_of(said), nonce="n") as reply:
        reply.push(TurnFinished("done"))
    assert calls(slack) == []


async def test_a_command_has_no_message_to_react_to(slack: LoopbackSlack) -> None:
    where = Conversation("slack", slack.team.id, slack.channel("general").id)
    command = Message("command:1.2.3", where, User("U1"), "/status", 0.0)
    async with adapter_for(slack).reply_to(command, nonce="n") as reply:
        reply.push(TurnFinished("done"))
    assert calls(slack) == []
