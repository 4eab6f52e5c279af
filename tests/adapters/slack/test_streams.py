"""Replies as native streams, as people see them on the loopback Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from adapters.slack.adapter import SlackAdapter
from adapters.slack.testing import LoopbackSlack, Post
from botkit.events import (
    ApprovalAsked,
    RequestClosed,
    TextDelta,
    Todo,
    TodoChanged,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Waiting,
)
from botkit.model import Message, ReplyState
from botkit.protocols import Reply
from tests.adapters.slack.rig import Bot, adapter_for


@dataclass
class Stage:
    """Alice has asked something in a thread; `channel` is her direct messages unless a test says otherwise."""

    slack: LoopbackSlack
    adapter: SlackAdapter
    message: Message

    def reply(self, nonce: str = "r1", resume: ReplyState | None = None) -> Reply:
        return self.adapter.reply_to(self.message, nonce=nonce, resume=resume)

    def posts(self) -> list[Post]:
        where = self.message.conversation
        return [
            post for post in self.slack.messages(where.channel, where.thread) if post.app and post.ts != where.thread
        ]

    def shown(self) -> list[str]:
        return [post.shown for post in self.posts()]

    async def until(self, text: str) -> Post:
        await self.slack.until(lambda: any(text in shown for shown in self.shown()))
        return next(post for post in self.posts() if text in post.shown)

    def calls(self) -> list[str]:
        methods = [call.method for call in self.slack.calls if call.method.startswith("chat.")]
        return [method.removeprefix("chat.") for method in methods]

    async def say(self, reply: Reply, text: str) -> None:
        """Claude says it, and it is on the screen but for its last word."""
        reply.push(TextDelta(text))
        words = text.strip().rsplit(" ", 1)
        if len(words) > 1:
            await self.until(words[0])


@asynccontextmanager
async def staged(
    channel: str = "", *, stream: str = "auto", stream_seconds: float = 240.0, status: str = "off"
) -> AsyncGenerator[Stage]:
    async with LoopbackSlack(speed=60.0, ack_seconds=1.0) as slack:
        adapter, bot = adapter_for(slack, stream=stream, stream_seconds=stream_seconds, status=status), Bot(slack)
        async with adapter.connect(bot):
            if channel:
                await slack.say("alice", channel, f"{slack.app.mention} hello")
            else:
                root = await slack.open_assistant("alice")
                await slack.say("alice", slack.dm("alice"), "hello", root)
            await slack.until(lambda: bot.messages)
            yield Stage(slack, adapter, bot.messages[-1])


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as direct:
        yield direct


async def test_in_a_direct_message_the_answer_is_streamed_and_ends_exactly(stage: Stage) -> None:
    async with stage.reply() as reply:
        reply.push(TurnStarted("s", "m"))
        await stage.say(reply, "Hello **dear** world. ")
        await stage.say(reply, "And more of it. ")
        reply.push(TurnFinished("Hello **dear** world. And more of it. Bye."))
    assert reply.delivered
    assert stage.shown() == ["Hello **dear** world. And more of it. Bye."]
    assert stage.calls()[0] == "startStream"
    assert stage.calls()[-1] == "stopStream"
    assert set(stage.calls()) == {"startStream", "appendStream", "stopStream"}
    assert stage.posts()[0].metadata, "it can be found again"
    stage.slack.assert_clean()


async def test_tools_tasks_and_the_status_stand_in_a_plan_beside_the_text(stage: Stage) -> None:
    async with stage.reply() as reply:
        await stage.say(reply, "Let me look. ")
        reply.push(ToolStarted("1", "Bash", "ls -l"))
        reply.push(TodoChanged((Todo("Look", "active"), Todo("Tell", "pending"))))
        await stage.until("◔ Bash: ls -l")
        reply.push(ToolFinished("1", ok=False, output="no such file"))
        shown = (await stage.until("⊗ Bash: ls -l — no such file")).shown
        assert "[Working…]" in shown
        assert "◔ Look" in shown
        reply.push(TodoChanged((Todo("Look", "done"), Todo("Tell", "done"))))
        reply.push(TextDelta("It is not there."))
        reply.push(TurnFinished("Let me look. \n\nIt is not there."))
    (end,) = stage.shown()
    assert set(end.splitlines()[1:4]) == {"● Look", "● Tell", "⊗ Bash: ls -l — no such file"}
    assert end.startswith("[3 steps]\n")
    assert end.endswith("\nLet me look. \n\nIt is not there.")
    stage.slack.assert_clean()


async def test_a_short_answer_is_posted_and_a_wait_in_line_is_no_stream(stage: Stage) -> None:
    async with stage.reply() as reply:
        reply.push(TurnFinished("4"))
    assert stage.calls() == ["postMessage"]
    async with stage.reply("r2") as reply:
        reply.push(Waiting(2))
        await stage.until("2 other turns")
        await stage.say(reply, "Now it goes on. ")
        reply.push(TurnFinished("Now it goes on."))
    assert stage.shown() == ["4", "Now it goes on."]
    assert "startStream" not in stage.calls()
    stage.slack.assert_clean()


async def test_a_stream_goes_on_in_a_new_message_before_slack_closes_it() -> None:
    async with staged(stream_seconds=2.0) as stage:
        async with stage.reply() as reply:
            reply.push(TextDelta("One:\n\n```python\nx = 1\ny = 2\n"))
            await stage.slack.until(lambda: "stopStream" in stage.calls())
            reply.push(TextDelta("z = 3\nend = 4\n"))
            await stage.slack.until(lambda: len(stage.posts()) == 2)
            reply.push(TurnFinished("One:\n\n```python\nx = 1\ny = 2\nz = 3\nend = 4\n```"))
        first, second = stage.shown()
        assert first.startswith("One:\n\n```python\nx = 1")
        assert second.startswith("```python\n")
        assert first.count("```") == second.count("```") == 2
        assert [word for word in (first + second).split() if word in "xyz"] == ["x", "y", "z"]
        assert "update" not in stage.calls()
        stage.slack.assert_clean()


async def test_a_stream_that_slack_closed_goes_on_by_edits_with_nothing_lost(stage: Stage) -> None:
    async with stage.reply() as reply:
        await stage.say(reply, "Before it was closed. ")
        stage.slack.skip(301)
        await stage.say(reply, "After it was closed. ")
        reply.push(ToolStarted("1", "Bash", "ls"))
        await stage.until("`Bash: ls`")
        reply.push(TurnFinished("Before it was closed. After it was closed. End."))
    assert stage.shown() == ["Before it was closed. After it was closed. End."]
    assert stage.posts()[0].stream is None
    async with stage.reply("r2") as reply:
        await stage.say(reply, "Another one is streamed. ")
        reply.push(TurnFinished("Another one is streamed."))
    assert stage.calls().count("startStream") == 2, "an expired stream says nothing about the workspace"
    stage.slack.assert_clean()


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("chat.startStream", "missing_scope"),
        ("chat.startStream", "feature_not_enabled"),
        ("chat.startStream", "unknown_method"),
        ("chat.startStream", "channel_type_not_supported"),
        ("chat.startStream", "invalid_chunks"),
        ("chat.appendStream", "message_not_in_streaming_state"),
        ("chat.appendStream", "streaming_mode_mismatch"),
        ("chat.appendStream", "stopped_by_user"),
        ("chat.stopStream", "message_not_in_streaming_state"),
        ("chat.stopStream", "msg_too_long"),
        ("chat.stopStream", "internal_error"),
    ],
)
async def test_whatever_is_refused_the_answer_arrives_whole_and_once(stage: Stage, method: str, error: str) -> None:
    stage.slack.fault(method, "error", error=error)
    async with stage.reply() as reply:
        await stage.say(reply, "The first words. ")
        await stage.say(reply, "The second words. ")
        reply.push(TurnFinished("The first words. The second words. The end."))
    assert reply.delivered
    assert stage.shown() == ["The first words. The second words. The end."]
    assert all(post.stream is None for post in stage.posts())
    stage.slack.assert_clean()


@pytest.mark.parametrize(("error", "again"), [("feature_not_enabled", 0), ("channel_type_not_supported", 1)])
async def test_a_workspace_without_streams_is_not_asked_again_for_a_while(stage: Stage, error: str, again: int) -> None:
    stage.slack.fault("chat.startStream", "error", error=error)
    for nonce in ("r1", "r2"):
        async with stage.reply(nonce) as reply:
            await stage.say(reply, f"{nonce} has some words. ")
            reply.push(TurnFinished(f"{nonce} has some words."))
    assert stage.calls().count("startStream") == 1 + again


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
@pytest.mark.parametrize("kind", ["act_then_5xx", "5xx", "429"])
async def test_a_lost_answer_doubles_and_loses_nothing(stage: Stage, method: str, kind: str) -> None:
    stage.slack.fault(method, kind)  # type: ignore[arg-type]  # one of `Trouble`
    async with stage.reply() as reply:
        reply.push(TextDelta("The first words. "))
        await stage.until("The first")
        reply.push(TextDelta("The second words. "))
        await stage.until("The second")
        reply.push(TurnFinished("The first words. The second words. The end."))
    assert reply.delivered
    assert stage.shown() == ["The first words. The second words. The end."]
    assert not stage.slack.violations


async def crashed(stage: Stage) -> ReplyState:
    """A reply that was in the middle of a stream when its process died, and what it had noted."""
    reply = stage.reply("r1")
    await reply.__aenter__()
    await stage.say(reply, "Half an answer ")
    await stage.say(reply, "of many words. ")  # so the first message is noted
    (task,) = (task for task in asyncio.all_tasks() if task.get_name().startswith("reply-"))
    task.cancel()
    await asyncio.wait([task])
    return reply.state


@pytest.mark.parametrize("seconds", [0.0, 301.0])
async def test_after_a_crash_the_broken_stream_is_ended_by_the_resumed_reply(stage: Stage, seconds: float) -> None:
    state = await crashed(stage)
    stage.slack.skip(seconds)
    async with stage.reply("r1", state) as reply:
        await stage.say(reply, "It goes on. ")
        reply.push(TurnFinished("It goes on to the end."))
    (end,) = stage.posts()
    assert end.stream is None
    assert end.shown.endswith("It goes on to the end.")
    assert end.metadata


async def test_a_broken_stream_is_ended_also_when_streams_are_no_longer_wanted(stage: Stage) -> None:
    state = await crashed(stage)
    stage.adapter = adapter_for(stage.slack, stream="edit", status="off")
    async with stage.reply("r1", state) as reply:
        reply.push(TurnFinished("The whole answer."))
    assert stage.shown() == ["The whole answer."]
    assert stage.posts()[0].stream is None


async def test_a_stream_nobody_had_noted_is_found_and_used(stage: Stage) -> None:
    await crashed(stage)
    async with stage.reply("r1", ReplyState()) as reply:
        reply.push(TurnFinished("The whole answer."))
    assert stage.shown() == ["The whole answer."]
    async with stage.reply("r2", ReplyState()) as reply:
        reply.push(TurnFinished("Another one."))
    assert stage.shown() == ["The whole answer.", "Another one."]


async def test_an_outcome_with_other_words_replaces_what_was_streamed(stage: Stage) -> None:
    async with stage.reply() as reply:
        await stage.say(reply, "What was streamed before. ")
        reply.push(TurnFinished("Something else."))
    assert stage.shown() == ["Something else."]
    assert stage.calls()[-2:] == ["stopStream", "update"]
    stage.slack.assert_clean()


async def test_approvals_are_messages_of_their_own_as_ever(stage: Stage) -> None:
    async with stage.reply() as reply:
        await stage.say(reply, "May I touch it? ")
        reply.push(ToolStarted("1", "Bash", "touch x"))
        reply.push(ApprovalAsked("a1", "Bash", "touch x"))
        asked = await stage.until("[Allow]")
        await stage.until("Waiting for the answer")
        reply.push(RequestClosed("a1", allowed=True, text="allowed by alice"))
        reply.push(ToolFinished("1", ok=True))
        await stage.until("allowed by alice")
        reply.push(TextDelta("Touched."))
        reply.push(TurnFinished("May I touch it? \n\nTouched."))
    assert "[Allow]" not in asked.shown
    assert [text for text in stage.shown() if text.endswith("May I touch it? \n\nTouched.")]
    stage.slack.assert_clean()


async def test_in_a_channel_everybody_sees_edits_unless_streams_are_wanted() -> None:
    async with staged("general") as stage:
        async with stage.reply() as reply:
            await stage.say(reply, "Everybody sees it grow. ")
            bob = stage.slack.person("bob")
            assert "Everybody sees it" in stage.posts()[0].shown_to(bob)
            reply.push(TurnFinished("Everybody sees it grow."))
        assert "startStream" not in stage.calls()
    async with staged("general", stream="native") as stage:
        async with stage.reply() as reply:
            await stage.say(reply, "Only alice sees ")
            await stage.say(reply, "it grow now. ")
            alice, bob = stage.slack.person("alice"), stage.slack.person("bob")
            await stage.slack.until(lambda: "it grow" in stage.posts()[0].shown_to(alice))
            assert "it grow" not in stage.posts()[0].shown_to(bob)
            reply.push(TurnFinished("Only alice sees it grow now."))
        assert stage.posts()[0].shown_to(bob) == "Only alice sees it grow now."
        stage.slack.assert_clean()


async def test_edit_never_streams_and_final_shows_only_the_end() -> None:
    async with staged(stream="edit") as stage, stage.reply() as reply:
        await stage.say(reply, "It grows by edits. ")
        assert "startStream" not in stage.calls()
        reply.push(TurnFinished("It grows by edits."))
    async with staged(stream="final") as stage:
        async with stage.reply() as reply:
            reply.push(TextDelta("Nothing of this is seen. "))
            reply.push(ApprovalAsked("a1", "Bash", "touch x"))
            await stage.until("[Allow]")
            reply.push(RequestClosed("a1", allowed=True, text="allowed"))
            await stage.until("allowed")
            assert len(stage.posts()) == 1
            reply.push(TurnFinished("Nothing of this is seen. But this."))
        assert stage.shown()[-1] == "Nothing of this is seen. But this."


async def test_many_answers_at_once_stay_within_the_budgets_of_streams() -> None:
    async with staged() as stage:
        replies = [stage.reply(f"r{number}") for number in range(8)]
        for number, reply in enumerate(replies):
            await reply.__aenter__()
            reply.push(TextDelta(f"Answer {number} grows a little. "))
        await stage.slack.until(lambda: len(stage.posts()) == 8, within=4)
        assert "startStream" in stage.calls()
        assert "postMessage" in stage.calls(), "nobody waits for a stream"
        for number, reply in enumerate(replies):
            reply.push(TurnFinished(f"Answer {number} grows a little."))
        await asyncio.gather(*(reply.__aexit__(None, None, None) for reply in replies))
        assert sorted(stage.shown()) == sorted(f"Answer {number} grows a little." for number in range(8))
        stage.slack.assert_clean()


async def test_the_status_of_the_thread_works_beside_a_stream() -> None:
    async with staged(status="auto") as stage:
        where = stage.message.conversation
        async with stage.reply() as reply:
            await stage.slack.until(lambda: stage.slack.status(where.channel, where.thread))
            await stage.say(reply, "Something is said. ")
            reply.push(TurnFinished("Something is said."))
        assert stage.slack.status(where.channel, where.thread) == ""
        assert stage.shown() == ["Something is said."]
