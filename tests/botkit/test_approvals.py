"""Who may decide what Claude asks, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from botkit.events import Allow, Answer, ApprovalAsked, Choice, Question, QuestionAsked, TurnEvent, TurnFinished
from botkit.model import Turn
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts


def two_questions(_: Turn) -> Iterable[TurnEvent]:
    colours = Question("Which colours?", choices=(Choice("Red"), Choice("Blue")), several=True)
    yield QuestionAsked("q1", (colours, Question("How many?")))
    yield TurnFinished("painted")


def approval(turn: Turn) -> Iterable[TurnEvent]:
    yield ApprovalAsked(f"req-{turn.conversation.thread}", "Bash", "rm -r build", rules=("Bash(rm *)",))
    yield TurnFinished("removed")


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path, runner=ScriptedRunner(approval))


async def test_the_requester_may_not_decide_from_another_conversation_but_an_approver_may(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("go")
        await parts.adapter.until_text("rm -r build")
        await parts.adapter.say("/allow req-1", thread="2")
        await parts.adapter.until_text("Only the person who asked", "2")
        await parts.adapter.say("/allow req-1", user="boss", thread="2")
        await parts.adapter.until_text("allowed by Boss")
    assert parts.runner.decisions == [("req-1", Allow())]


async def test_every_decision_and_every_refusal_is_logged(parts: Parts) -> None:
    with capture_logs() as lines:
        async with asyncio.timeout(5), parts.bot():
            await parts.adapter.say("go")
            await parts.adapter.until_text("rm -r build")
            await parts.adapter.say("/allow", user="bob")
            await parts.adapter.until_text("Only the person who asked")
            await parts.adapter.say("/allow req-1 session")
            await parts.adapter.until_text("removed")
    about = {line["event"]: line for line in lines if line["event"].startswith("approval_")}
    assert set(about) == {"approval_asked", "approval_refused", "approval_decided"}
    assert about["approval_refused"]["user"] == "bob"
    decided = about["approval_decided"]
    assert (decided["user"], decided["decision"], decided["for_session"]) == ("ann", "allow", True)


async def test_a_button_of_a_request_that_is_over_decides_nothing_else(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("go")
        await parts.adapter.until_text("rm -r build")
        await bot.deliver(parts.adapter.message("/allow req-old", kind="action", reply_to="m1"))
        await parts.adapter.until_text("no longer open")
        assert parts.runner.decisions == []
        await parts.adapter.say("/deny")
        await parts.adapter.until_text("removed")


async def test_an_approval_cannot_be_answered_nor_a_question_allowed(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("go")
        await parts.adapter.until_text("rm -r build")
        await parts.adapter.say("/answer req-1 yes")
        await parts.adapter.until_text("This asks for permission")
        await parts.adapter.say("/deny")
        await parts.adapter.until_text("removed")


async def test_several_questions_are_answered_one_after_the_other(parts: Parts) -> None:
    parts.runner = ScriptedRunner(two_questions)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("paint")
        await parts.adapter.until_text("Which colours?")
        await parts.adapter.say("/allow q1")
        await parts.adapter.until_text("This is a question")
        await parts.adapter.say("/answer 1, blue")
        await parts.adapter.say("/answer as many as you like")
        await parts.adapter.until_text("painted")
    assert parts.runner.decisions == [("q1", Answer((("Red", "Blue"), ("as many as you like",))))]


async def test_a_button_for_a_choice_that_there_is_not_changes_nothing(parts: Parts) -> None:
    parts.runner = ScriptedRunner(two_questions)
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("paint")
        await parts.adapter.until_text("Which colours?")
        for wrong in ("0 7", "9 0"):
            message = parts.adapter.message(f"/answer q1 {wrong}", kind="action", reply_to="m1")
            await bot.deliver(replace(message, id=f"press-{wrong}"))
        await parts.adapter.memory.until(lambda: sum("no longer open" in text for text in parts.adapter.texts()) == 2)
        await parts.adapter.say("/stop")
        await parts.adapter.until_text("Stopped.")
    assert parts.runner.decisions == []
