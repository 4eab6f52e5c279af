"""What people see of a bot: real handlers and middleware over a memory platform and a scripted runner."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from botkit.access import Access
from botkit.errors import StoreError
from botkit.events import (
    ApprovalAsked,
    Choice,
    Deny,
    Question,
    QuestionAsked,
    TextDelta,
    TurnEvent,
    TurnFinished,
)
from botkit.limits import Limits, Rate
from botkit.model import Admission, Admitted, Attachment, Turn
from botkit.stores.memory import MemoryStore
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


@pytest.fixture(autouse=True)
async def bound() -> None:
    """Every test here ends within 5 s or fails."""


def ask(turn: Turn) -> Iterable[TurnEvent]:
    if "rm" in turn.prompt:
        yield ApprovalAsked("req1", "Bash", "rm -r build", rules=("Bash(rm *)",))
    yield TextDelta("done")
    yield TurnFinished("done")


def question(_turn: Turn) -> Iterable[TurnEvent]:
    yield QuestionAsked("q1", (Question("Which colour?", choices=(Choice("Red"), Choice("Blue"))),))
    yield TurnFinished("painted")


async def test_half_a_character_harms_nobody(parts: Parts) -> None:
    """Platforms' JSON can hold half an emoji, which is no UTF-8: not in the journal, the prompt, nor the answer."""
    async with asyncio.timeout(5), parts.bot():
        assert await parts.adapter.say("broken \ud83d")
        await parts.adapter.until_text("broken ?")
        assert await parts.adapter.say("/model gpt\ud83d")
        await parts.adapter.until_text("gpt?")
    assert [turn.prompt for turn in parts.runner.turns] == ["Ann writes:\n\nbroken ?"]


async def test_a_message_is_answered_and_its_journal_line_is_gone(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        assert await parts.adapter.say("hello")
        await parts.adapter.until_text("hello")
    assert parts.adapter.texts() == ["Ann writes:\n\nhello"]
    assert await parts.store.take_over("main", "other", [parts.owner], 0.0) == []
    assert not bot.adapters["memory"].messenger.capabilities.max_chars < 1


async def test_the_next_message_of_a_thread_goes_on_in_its_session(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("one")
        await parts.adapter.until_text("one")
        await parts.adapter.say("two", user="bob")
        await parts.adapter.until_text("two")
        await parts.adapter.say("three", thread="2")
        await parts.adapter.until_text("three", "2")
    first, second, third = parts.runner.turns
    assert first.session.id == second.session.id != third.session.id
    assert (first.fresh, second.fresh, third.fresh) == (True, False, True)


async def test_a_message_delivered_twice_is_answered_once(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        message = parts.adapter.message("hello", id="same")
        turn, again = await bot.deliver(message), await bot.deliver(message)
        assert turn
        assert again == ""
        await parts.adapter.until_text("hello")
    assert len(parts.runner.turns) == 1


async def test_a_stranger_is_ignored_and_nothing_is_written(parts: Parts) -> None:
    parts.access = Access(allow_users=frozenset({"bob"}))
    async with asyncio.timeout(5), parts.bot():
        assert not await parts.adapter.say("hello")
    assert parts.adapter.texts() == []


async def test_a_stranger_is_told_once_where_the_config_says_so(parts: Parts) -> None:
    parts.access = Access(allow_users=frozenset({"bob"}), strangers="tell")
    async with asyncio.timeout(5), parts.bot():
        for text in ("hello", "hello?"):
            assert not await parts.adapter.say(text)
        await parts.adapter.until_text("may not answer you")
    assert len(parts.adapter.texts()) == 1


async def test_a_limit_refuses_and_says_when_to_try_again(parts: Parts) -> None:
    parts.limits = Limits({"user": Rate(1, 60.0)})
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("one")
        await parts.adapter.say("two")
        await parts.adapter.say("three", user="bob")
        await parts.adapter.until_text("Try again in")
        await parts.adapter.until_text("three")
    assert len(parts.runner.turns) == 2


async def test_a_busy_conversation_shows_the_place_and_keeps_the_order(parts: Parts) -> None:
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("one")
        await parts.adapter.until_text("one")
        await parts.adapter.say("two")
        await parts.adapter.say("three")
        await parts.adapter.until_text("1 more message waits")
        parts.runner.gate.set()
        await parts.adapter.until_text("three")
    assert [turn.prompt[-5:].strip() for turn in parts.runner.turns] == ["one", "two", "three"]


async def test_a_full_queue_refuses_visibly(parts: Parts) -> None:
    parts.settings["queue"] = 1
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot():
        for text in ("one", "two", "three"):
            await parts.adapter.say(text)
        await parts.adapter.until_text("already wait here")
        parts.runner.gate.set()
        await parts.adapter.until_text("two")
    assert len(parts.runner.turns) == 2


async def test_stop_overtakes_the_running_turn(parts: Parts) -> None:
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("long")
        await parts.adapter.until_text("long")
        await parts.adapter.say("/stop")
        await parts.adapter.until_text("Stopped.")
    assert any("⏹️" in text for text in parts.adapter.texts())


async def test_stop_with_nothing_running_does_not_claim_to_have_stopped(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("/stop")
        await parts.adapter.until_text("Nothing is running")


async def test_a_waiting_message_can_be_edited_and_deleted(parts: Parts) -> None:
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("one")
        await parts.adapter.until_text("one")
        await bot.deliver(parts.adapter.message("two", id="m2"))
        await bot.deliver(parts.adapter.message("three", id="m3"))
        await parts.adapter.until_text("1 more message waits")
        await bot.deliver(parts.adapter.message("two, better", id="m2e", kind="edited", reply_to="m2"))
        await bot.deliver(parts.adapter.message("", id="m3d", kind="deleted", reply_to="m3"))
        await parts.adapter.until_text("deleted")
        parts.runner.gate.set()
        await parts.adapter.until_text("two, better")
    assert [turn.prompt for turn in parts.runner.turns] == ["Ann writes:\n\none", "Ann writes:\n\ntwo, better"]


async def test_deleting_the_message_being_answered_stops_it(parts: Parts) -> None:
    parts.runner.gate.clear()
    async with asyncio.timeout(5), parts.bot() as bot:
        await bot.deliver(parts.adapter.message("one", id="m1"))
        await parts.adapter.until_text("one")
        await bot.deliver(parts.adapter.message("", id="m1d", kind="deleted", reply_to="m1"))
        await parts.adapter.until_text("⏹️")


async def test_the_requester_allows_a_tool(parts: Parts) -> None:
    parts.runner = ScriptedRunner(ask)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("rm it")
        await parts.adapter.until_text("rm -r build")
        await parts.adapter.say("/allow req1 session")
        await parts.adapter.until_text("allowed by Ann for this session")
        await parts.adapter.until_text("done")


async def test_somebody_else_may_not_decide_but_an_approver_may(parts: Parts) -> None:
    parts.runner = ScriptedRunner(ask)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("rm it")
        await parts.adapter.until_text("rm -r build")
        await parts.adapter.say("/allow req1", user="bob")
        await parts.adapter.until_text("Only the person who asked")
        assert parts.runner.decisions == []
        await parts.adapter.say("/deny req1 not today", user="boss")
        await parts.adapter.until_text("denied by Boss: not today")
    assert parts.runner.decisions == [("req1", Deny("not today"))]


async def test_a_decision_counts_once(parts: Parts) -> None:
    parts.runner = ScriptedRunner(ask)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("rm it")
        await parts.adapter.until_text("rm -r build")
        await parts.adapter.say("/deny")
        await parts.adapter.until_text("denied by Ann")
        await parts.adapter.say("/allow req1")
        await parts.adapter.until_text("no longer open")
    assert len(parts.runner.decisions) == 1


async def test_nobody_decides_in_time_and_it_is_denied_visibly(parts: Parts) -> None:
    parts.settings["approval_timeout"] = 0.05
    parts.runner = ScriptedRunner(ask)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("rm it")
        await parts.adapter.until_text("denied: nobody decided within")
        await parts.adapter.until_text("done")


@pytest.mark.parametrize("typed", ["2", "blue", "/answer 2", "/answer q1 Blue"])
async def test_a_question_is_answered_by_number_or_label_with_or_without_a_command(parts: Parts, typed: str) -> None:
    parts.runner = ScriptedRunner(question)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("paint")
        await parts.adapter.until_text("Which colour?")
        await parts.adapter.say(typed)
        await parts.adapter.until_text("answered by Ann: Blue")
        await parts.adapter.until_text("painted")


async def test_what_somebody_else_writes_is_no_answer_to_the_question(parts: Parts) -> None:
    parts.runner = ScriptedRunner(question)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("paint")
        await parts.adapter.until_text("Which colour?")
        await parts.adapter.say("blue", user="bob")
        await parts.adapter.until_text("1 other turn")
        assert parts.runner.decisions == []
        await parts.adapter.say("red")
        await parts.adapter.until_text("answered by Ann: Red")


async def test_new_and_resume_change_the_session_of_a_thread(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("first topic")
        await parts.adapter.until_text("first topic")
        await parts.adapter.say("/new")
        await parts.adapter.until_text("new session begins")
        await parts.adapter.say("second topic")
        await parts.adapter.until_text("second topic")
        await parts.adapter.say("/sessions")
        await parts.adapter.until_text("Your sessions")
        await parts.adapter.say("/resume 2")
        await parts.adapter.until_text("Going on with")
        await parts.adapter.say("third")
        await parts.adapter.until_text("third")
    ids = [turn.session.id for turn in parts.runner.turns]
    assert ids[0] == ids[2] != ids[1]


async def test_nobody_resumes_somebody_elses_session(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("secret topic")
        await parts.adapter.until_text("secret topic")
        session = parts.runner.turns[0].session.id
        await parts.adapter.say(f"/resume {session}", user="bob", thread="2")
        await parts.adapter.until_text("You have no session", "2")


async def test_a_turn_cut_off_by_a_crash_goes_on_in_its_reply_and_is_never_asked_again_bare(parts: Parts) -> None:
    parts.runner.gate.clear()
    async with asyncio.timeout(5):
        crashed = parts.bot()
        await crashed.__aenter__()
        await parts.adapter.say("build it")
        await parts.adapter.until_text("build it")
        await crashed.tasks.drain(0.0)  # a crash leaves no time to finish
        await crashed.__aexit__()
        again = Parts(parts.workdir, store=parts.store, adapter=parts.adapter)
        async with again.bot():
            await parts.adapter.until_text("interrupted by a restart")
            assert again.runner.turns[0].session.id == parts.runner.turns[0].session.id
    assert "was interrupted by a restart" in again.runner.turns[0].prompt
    assert len(parts.adapter.texts()) == 1


async def test_a_turn_cut_off_too_often_is_given_up_visibly(parts: Parts) -> None:
    parts.settings["max_attempts"] = 1
    parts.runner.gate.clear()
    async with asyncio.timeout(5):
        crashed = parts.bot()
        await crashed.__aenter__()
        await parts.adapter.say("build it")
        await parts.adapter.until_text("build it")
        await crashed.__aexit__()
        again = Parts(parts.workdir, store=parts.store, adapter=parts.adapter, settings={"max_attempts": 1})
        async with again.bot():
            await parts.adapter.until_text("Given up")
    assert again.runner.turns == []
    assert [why for _, why in await parts.store.dead()] == ["it was cut off 1 times"]


class SilentStore(MemoryStore):
    """A store that never answers an admission."""

    async def admit(self, admission: Admission, owner: str) -> Admitted:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_silent_store_means_no_acknowledgement(parts: Parts) -> None:
    parts.store = SilentStore()
    async with asyncio.timeout(5), parts.bot():
        with pytest.raises(StoreError, match="within 2 s"):
            await parts.adapter.say("hello")


async def test_files_reach_claude_under_safe_names(parts: Parts) -> None:
    parts.adapter.files = {"f1": b"\x89PNG\r\n\x1a\n....", "f2": b"<!doctype html><title>Log in</title>"}
    sent = (
        Attachment("f1", "../../.bashrc", "image/png", 12),
        Attachment("f2", "report.pdf", "application/pdf", 40),
        Attachment("f3", "gone.txt", "text/plain", 4),
    )
    async with asyncio.timeout(5), parts.bot() as bot:
        await bot.deliver(parts.adapter.message("look", attachments=sent))
        await parts.adapter.until_text("look")
    (upload,) = parts.runner.turns[0].files
    assert upload.image
    assert upload.path.parent.parent == parts.workdir / ".botkit" / "uploads"
    assert upload.path.name.endswith("-bashrc")
    assert (parts.workdir / ".botkit" / ".gitignore").read_text() == "*\n"
