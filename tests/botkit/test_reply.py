"""Journeys of one reply over a strict platform, on virtual time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from botkit import texts
from botkit.budget import Rate
from botkit.display import Display
from botkit.errors import Gone, NotAllowed, RateLimited, TooLong, Unreachable
from botkit.events import (
    ApprovalAsked,
    Choice,
    Notice,
    Question,
    QuestionAsked,
    RequestClosed,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
    Waiting,
)
from botkit.model import Capabilities, Conversation, MessageRef, Outgoing, ReplyState
from botkit.pacing import Pacer
from botkit.reply import LAST_WORDS, TICK, EditReply
from botkit.testing.messengers import MemoryMessenger
from botkit.testing.noted import Noted
from botkit.testing.virtual import virtual

THREAD = Conversation("fake", "T1", "C1", "1.0")
BARE = Display(footer=False)


@dataclass
class Stage:
    """One reply and the platform under it."""

    messenger: MemoryMessenger = field(default_factory=MemoryMessenger)
    pacer: Pacer = field(default_factory=lambda: Pacer({}))
    display: Display = BARE
    resume: ReplyState | None = None
    states: Noted = field(default_factory=Noted)

    def reply(self, conversation: Conversation = THREAD, *, patience: float = 600.0) -> EditReply:
        return EditReply(
            self.messenger,
            conversation,
            nonce="turn1",
            pacer=self.pacer,
            display=self.display,
            resume=self.resume,
            checkpoint=self.states,
            patience=patience,
        )

    def texts(self, conversation: Conversation = THREAD) -> list[str]:
        return [shown.text for shown in self.messenger.seen(conversation)]

    async def posted(self, count: int = 1) -> None:
        await self.messenger.until(lambda: len(self.messenger.messages) >= count)

    async def calls(self, count: int) -> None:
        await self.messenger.until(lambda: len(self.messenger.calls) >= count)


@virtual
async def test_an_answer_grows_in_place_and_ends_with_the_outcomes_text() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        for word in ("Hello", " from", " the", " other", " side"):
            reply.push(TextDelta(word))
            await asyncio.sleep(0.7)
        reply.push(TurnFinished("Hello from the other side."))
    assert stage.texts() == ["Hello from the other side."]
    assert reply.delivered
    history = [text for _, text in stage.messenger.messages[0].history]
    assert history[0].startswith("Hello\n")
    assert 3 <= len(history) <= 5
    assert not stage.messenger.breaches


@virtual
async def test_a_short_answer_is_posted_at_once_and_not_edited() -> None:
    stage = Stage()
    async with asyncio.timeout(60):
        async with stage.reply() as reply:
            reply.push(TextDelta("4"))
            reply.push(TurnFinished("4"))
        assert asyncio.get_running_loop().time() < 0.1
    assert [call for _, call, _ in stage.messenger.calls] == ["send"]
    assert stage.texts() == ["4"]


@virtual
async def test_the_end_of_an_answer_does_not_wait_for_the_pace_after_its_first_post() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("Hello"))
        await stage.posted()
        await asyncio.sleep(0.2)
        reply.push(TurnFinished("Hello world."))
        ended = asyncio.get_running_loop().time()
    assert stage.texts() == ["Hello world."]
    assert stage.messenger.calls[-1][0] < ended + 0.1


@virtual
async def test_nothing_is_posted_before_there_is_something_worth_showing() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TurnStarted("s", "m"))
        await asyncio.sleep(3)
        assert not stage.messenger.messages
        reply.push(Waiting(2))
        await stage.posted()
        assert stage.texts() == [texts.waiting(2)]
        reply.push(Waiting(0))
        await stage.calls(2)
        assert stage.texts() == [texts.WORKING]
        reply.push(TurnFinished("done"))
    assert stage.texts() == ["done"]


@virtual
async def test_an_unchanged_view_is_not_sent_again() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        for _ in range(20):
            reply.push(TextDelta(""))
            await asyncio.sleep(0.5)
        reply.push(TurnFinished("one"))
    assert len(stage.messenger.calls) == 2


@virtual
async def test_30000_characters_with_code_and_a_table_arrive_complete_in_several_messages() -> None:
    code = "\n".join(f"value_{number} = {number}" for number in range(700))
    rows = "\n".join(f"| row {number} | some text for it |" for number in range(300))
    prose = "\n\n".join(f"Paragraph {number} says **something** of interest." for number in range(220))
    answer = f"{prose}\n\n```python\n{code}\n```\n\nA table:\n\n| name | text |\n|---|---|\n{rows}\n\nThe end."
    assert len(answer) > 28_000
    stage = Stage()
    async with stage.reply() as reply:
        for start in range(0, len(answer), 300):
            reply.push(TextDelta(answer[start : start + 300]))
            await asyncio.sleep(0.1)
        reply.push(TurnFinished(answer))
    shown = stage.texts()
    everything = "\n".join(shown)
    assert 8 <= len(shown) <= 14
    assert all(f"value_{number} = {number}\n" in everything for number in range(700))
    assert all(everything.count(f"| row {number} | some text for it |") == 1 for number in range(300))
    assert all(part.count("```") % 2 == 0 for part in shown)
    assert texts.WORKING not in everything
    assert not stage.messenger.breaches
    assert len(stage.messenger.calls) < 60


@virtual
async def test_earlier_messages_rest_once_the_answer_has_moved_on() -> None:
    stage = Stage()
    answer = "\n\n".join(f"Paragraph {number} of a long answer, which goes on and on." for number in range(300))
    async with stage.reply() as reply:
        for start in range(0, len(answer), 200):
            reply.push(TextDelta(answer[start : start + 200]))
            await asyncio.sleep(0.2)
        reply.push(TurnFinished(answer))
    first, second = stage.messenger.messages[0], stage.messenger.messages[1]
    assert first.history[-1][0] < second.history[1][0]


@virtual
async def test_a_shorter_final_text_leaves_no_stale_message_behind() -> None:
    stage = Stage(MemoryMessenger(Capabilities(max_chars=300, edit_interval=1.0)))
    async with stage.reply() as reply:
        reply.push(TextDelta("word " * 100))
        await stage.posted(2)
        reply.push(TurnFinished("short"))
    assert stage.texts() == ["short", texts.SUPERSEDED]


@virtual
async def test_a_failed_turn_keeps_its_partial_text_and_says_why() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("Half an ans"))
        await stage.posted()
        reply.push(TurnFailed("crashed", detail="exit code 1"))
    (text,) = stage.texts()
    assert text.startswith("Half an ans\n")
    assert texts.CUT in text
    assert texts.FAILURES["crashed"] in text
    assert "`exit code 1`" in text


@virtual
async def test_a_reply_left_without_an_outcome_is_marked_as_interrupted() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("Half"))
    assert stage.texts() == [f"Half\n\n{texts.INTERRUPTED}"]


@virtual
async def test_the_final_view_is_delivered_although_the_turn_was_cancelled() -> None:
    stage = Stage(MemoryMessenger(latency=0.5))
    inside = asyncio.Event()

    async def turn() -> None:
        async with stage.reply() as reply:
            reply.push(TextDelta("Half"))
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(60):
        task = asyncio.create_task(turn())
        await inside.wait()
        task.cancel()
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert stage.texts() == [f"Half\n\n{texts.INTERRUPTED}"]


@virtual
async def test_a_429_waits_as_told_and_then_shows_the_newest_view() -> None:
    stage = Stage()
    stage.messenger.fail("edit", RateLimited("slow down", retry_after=30))
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        reply.push(TextDelta(" two"))
        await stage.calls(2)
        reply.push(TextDelta(" three"))
        await stage.calls(3)
        reply.push(TurnFinished("one two three four"))
    times = [at for at, call, _ in stage.messenger.calls if call == "edit"]
    assert times[1] - times[0] >= 30
    assert stage.messenger.calls[2][2].startswith("one two three")
    assert stage.texts() == ["one two three four"]


@virtual
async def test_a_429_on_the_final_edit_only_delays_it() -> None:
    stage = Stage()
    stage.messenger.fail("edit", *[RateLimited("slow down", retry_after=20) for _ in range(3)])
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        reply.push(TurnFinished("final"))
    assert stage.texts() == ["final"]
    assert reply.delivered


@virtual
async def test_an_unreachable_platform_is_tried_again_with_growing_pauses() -> None:
    stage = Stage()
    stage.messenger.fail("send", *[Unreachable("refused", acted=False) for _ in range(4)])
    async with stage.reply() as reply:
        reply.push(TurnFinished("answer"))
    times = [at for at, _, _ in stage.messenger.calls]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == pytest.approx([0.5, 1, 2, 4], abs=0.01)
    assert stage.texts() == ["answer"]


@virtual
async def test_a_post_that_may_have_arrived_is_looked_for_and_not_doubled() -> None:
    stage = Stage()
    stage.messenger.fail("send", Unreachable("timeout", acted=True))
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.calls(2)
        reply.push(TurnFinished("one two"))
    assert [call for _, call, _ in stage.messenger.calls][:2] == ["send", "find"]
    assert stage.texts() == ["one two"]
    assert len(stage.messenger.messages) == 1


@virtual
async def test_a_post_that_never_arrived_is_sent_again_with_the_same_nonce() -> None:
    class Lossy(MemoryMessenger):
        async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
            if not self.calls:
                await self._call("send", conversation.key, outgoing.nonce)
                raise Unreachable("timeout", acted=True)
            return await super().send(conversation, outgoing)

    stage = Stage(Lossy())
    async with stage.reply() as reply:
        reply.push(TurnFinished("answer"))
    assert [call for _, call, _ in stage.messenger.calls] == ["send", "find", "send"]
    assert [shown.nonce for shown in stage.messenger.messages] == ["turn1.0"]
    assert stage.texts() == ["answer"]


@virtual
async def test_a_platform_that_never_answers_counts_as_unreachable() -> None:
    class Silent(MemoryMessenger):
        async def edit(self, ref: MessageRef, outgoing: Outgoing) -> None:
            self.calls.append((0, "edit", outgoing.text))
            await asyncio.Event().wait()

    stage = Stage(Silent())
    async with stage.reply(patience=200) as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        reply.push(TurnFinished("two"))
    assert not reply.delivered
    assert 2 <= len(stage.messenger.calls) - 1 <= 5


@virtual
async def test_text_that_the_platform_refuses_goes_out_plain() -> None:
    stage = Stage()
    stage.messenger.fail("send", TooLong("invalid_blocks"))
    async with stage.reply() as reply:
        reply.push(TurnFinished("Some **bold** words and [a link](http://x.y/)."))
    assert stage.texts() == ["Some bold words and a link (http://x.y/)."]
    assert reply.delivered


@virtual
async def test_text_that_is_too_long_after_all_goes_out_in_smaller_parts() -> None:
    class Narrow(MemoryMessenger):
        async def send(self, conversation: Conversation, outgoing: Outgoing) -> MessageRef:
            if len(outgoing.text) > 1200:
                raise TooLong("msg_too_long")
            return await super().send(conversation, outgoing)

    stage = Stage(Narrow())
    answer = "\n\n".join(f"**Paragraph** {number}" for number in range(150))
    async with stage.reply() as reply:
        reply.push(TurnFinished(answer))
    shown = "\n\n".join(stage.texts())
    assert all(f"Paragraph {number}\n" in shown + "\n" for number in range(150))
    assert reply.delivered


@virtual
async def test_text_that_is_refused_in_every_form_is_given_up() -> None:
    stage = Stage()
    stage.messenger.fail("send", *[TooLong("no") for _ in range(50)])
    async with stage.reply() as reply:
        reply.push(TurnFinished("words"))
    assert not reply.delivered
    assert len(stage.messenger.calls) == 5


@virtual
async def test_a_deleted_reply_gets_its_final_text_in_a_new_message_once() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        stage.messenger.delete(stage.messenger.messages[0].ref)
        reply.push(TextDelta(" two"))
        await stage.calls(2)
        reply.push(TextDelta(" three"))
        await asyncio.sleep(20)
        assert len(stage.messenger.calls) == 2
        reply.push(TurnFinished("one two three"))
    assert stage.texts() == ["one two three"]
    assert [shown.nonce for shown in stage.messenger.messages] == ["turn1.0", "turn1.0.again"]
    assert reply.state.refs == (stage.messenger.messages[1].ref,)
    assert reply.delivered


@pytest.mark.parametrize("problem", [Gone("archived"), NotAllowed("token revoked")])
@virtual
async def test_a_closed_channel_ends_the_reply_without_endless_tries(problem: Gone | NotAllowed) -> None:
    stage = Stage()
    stage.messenger.fail("send", *[problem for _ in range(50)])
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.calls(1)
        reply.push(TextDelta("two"))
        await asyncio.sleep(20)
        reply.push(TurnFinished("one two"))
    assert not reply.delivered
    assert len(stage.messenger.calls) == 2


@virtual
async def test_a_platform_that_stays_away_is_given_up_in_the_end() -> None:
    stage = Stage()
    stage.messenger.fail("send", *[Unreachable("down", acted=False) for _ in range(500)])
    async with stage.reply(patience=60) as reply:
        reply.push(TurnFinished("answer"))
    assert not reply.delivered
    assert 8 <= len(stage.messenger.calls) <= 14


@virtual
async def test_an_approval_is_asked_with_buttons_and_closed_without_them() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("Let me look."))
        reply.push(ApprovalAsked("r1", "Bash", "rm -rf build", "rm -rf build", ("Bash(rm:*)",)))
        await stage.posted(2)
        ask = stage.messenger.messages[0]
        assert [action.command for action in ask.actions] == ["/allow r1", "/allow r1 session", "/deny r1"]
        assert "`rm -rf build`" in ask.text
        assert "`Bash(rm:*)`" in ask.text
        assert reply.state.asks == (ask.ref,)
        reply.push(RequestClosed("r1", allowed=True, text="Allowed by Ada."))
        await stage.messenger.until(lambda: not ask.actions)
        assert ask.text.endswith("✅ Allowed by Ada.")
        reply.push(TurnFinished("Done."))
    assert stage.texts()[-1] == "Done."
    assert not reply.state.asks
    assert not stage.messenger.breaches


@virtual
async def test_a_question_offers_its_choices() -> None:
    question = Question("Which colour?", "Colour", (Choice("Red"), Choice("Blue", "like the sea")))
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(QuestionAsked("q1", (question,)))
        await stage.posted(1)
        ask = stage.messenger.messages[0]
        assert [(action.label, action.command) for action in ask.actions] == [
            ("Red", "/answer q1 0 0"),
            ("Blue", "/answer q1 0 1"),
        ]
        assert "like the sea" in ask.text
        reply.push(RequestClosed("q1", allowed=True, text="Red, says Ada."))
        reply.push(TurnFinished("Red it is."))
    assert ask.text.endswith("✅ Red, says Ada.")


@virtual
async def test_a_platform_without_buttons_says_what_to_type() -> None:
    able = Capabilities(max_chars=2000, buttons=False, command_prefix="!")
    stage = Stage(MemoryMessenger(able))
    async with stage.reply() as reply:
        reply.push(ApprovalAsked("r1", "Bash", "ls", "x" * 5000))
        reply.push(QuestionAsked("q1", (Question("Which?", choices=(Choice("A"),)),)))
        await stage.posted(2)
        reply.push(TurnFinished("Done."))
    first = stage.messenger.messages[0].history[0][1]
    assert "`!allow r1`" in first
    assert "`!deny r1 reason`" in first
    assert "more characters are not shown" in first
    assert "`!answer q1 1`" in stage.messenger.messages[1].history[0][1]
    assert all(texts.CLOSED_WITH_TURN in shown.text for shown in stage.messenger.messages[:2])
    assert not stage.messenger.breaches


@virtual
async def test_an_approval_that_the_platform_refuses_is_asked_in_plain_words() -> None:
    stage = Stage()
    stage.messenger.fail("send", TooLong("invalid_blocks"))
    async with stage.reply() as reply:
        reply.push(ApprovalAsked("r1", "Bash", "ls", "ls -la"))
        await stage.posted()
        assert "Claude asks to use Bash: ls" in stage.texts()[0]
        assert stage.messenger.messages[0].actions
        reply.push(TurnFinished("done"))
    assert stage.texts()[1] == "done"
    assert reply.delivered


@virtual
async def test_an_approval_that_cannot_be_shown_at_all_does_not_cost_the_answer() -> None:
    stage = Stage()
    stage.messenger.fail("send", *[TooLong("invalid_blocks") for _ in range(5)])
    async with stage.reply() as reply:
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await stage.calls(6)
        reply.push(TurnFinished("done"))
    assert stage.texts() == ["done"]
    assert reply.delivered


@virtual
async def test_a_deleted_approval_does_not_stop_the_answer() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await stage.posted()
        stage.messenger.delete(stage.messenger.messages[0].ref)
        reply.push(RequestClosed("r1", allowed=True, text="Allowed."))
        reply.push(TurnFinished("done"))
    assert stage.texts() == ["done"]
    assert reply.delivered


@virtual
async def test_several_long_questions_are_cut_to_one_message() -> None:
    stage = Stage(MemoryMessenger(Capabilities(max_chars=500)))
    question = Question("Which? " * 60, choices=(Choice("A"), Choice("B")), several=True)
    async with stage.reply() as reply:
        reply.push(QuestionAsked("q1", (question, question)))
        await stage.posted()
        ask = stage.messenger.messages[0]
        assert [action.label for action in ask.actions] == ["1: A", "1: B", "2: A", "2: B"]
        assert ask.text.endswith("…")
        reply.push(RequestClosed("q1", allowed=False, text="Nobody answered."))
        reply.push(TurnFinished("done"))
    assert ask.text.startswith("🚫 Nobody answered.")


@virtual
async def test_an_approval_does_not_wait_behind_progress() -> None:
    stage = Stage(pacer=Pacer({"edit": Rate(per_minute=1, burst=1)}))
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        reply.push(TextDelta(" two"))
        await stage.calls(2)
        reply.push(TextDelta(" three"))
        await asyncio.sleep(5)
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        before = asyncio.get_running_loop().time()
        await stage.posted(2)
        assert asyncio.get_running_loop().time() - before < 1
        reply.push(TurnFinished("done"))


@virtual
async def test_a_platform_without_edits_gets_only_final_messages() -> None:
    stage = Stage(MemoryMessenger(Capabilities(max_chars=2000, edits=False)))
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await stage.posted()
        reply.push(RequestClosed("r1", allowed=False, text="Denied."))
        await stage.posted(2)
        reply.push(TurnFinished("one two"))
    assert stage.texts()[1].endswith("🚫 Denied.")
    assert stage.texts()[2:] == ["one two"]
    assert {call for _, call, _ in stage.messenger.calls} == {"send"}
    assert reply.delivered


async def _shown_before_a_crash(stage: Stage) -> ReplyState:
    """A process that posts and then is never heard of again."""
    text = await stage.messenger.send(THREAD, Outgoing("Half an answer", nonce="turn1.0"))
    ask = await stage.messenger.send(THREAD, Outgoing("May I?", nonce="turn1.ask.r1"))
    return ReplyState((text,), (ask,), "Half an answer")


@virtual
async def test_after_a_restart_the_same_message_goes_on_and_open_questions_are_closed() -> None:
    stage = Stage()
    stage.resume = await _shown_before_a_crash(stage)
    async with stage.reply() as reply:
        reply.push(TurnStarted("s", "m"))
        await stage.calls(4)
        assert texts.RESUMED in stage.texts()[0]
        reply.push(TextDelta("and the other half"))
        reply.push(TurnFinished("and the other half"))
    assert stage.texts() == [f"Half an answer\n\n{texts.RESUMED}\n\nand the other half", texts.CLOSED_BY_RESTART]
    assert reply.state.refs == stage.resume.refs
    assert reply.state.asks == ()
    assert reply.state.text == stage.texts()[0]


@virtual
async def test_an_outcome_known_before_the_restart_is_shown_as_it_was() -> None:
    stage = Stage()
    stage.resume = await _shown_before_a_crash(stage)
    async with stage.reply() as reply:
        reply.push(TurnFinished("Half an answer and the rest"))
    assert stage.texts()[0] == "Half an answer and the rest"


@virtual
async def test_a_message_posted_just_before_a_crash_is_found_again() -> None:
    stage = Stage(resume=ReplyState())
    await stage.messenger.send(THREAD, Outgoing("Half", nonce="turn1.0"))
    async with stage.reply() as reply:
        reply.push(TurnFinished("Whole"))
    assert stage.texts() == ["Whole"]


@virtual
async def test_where_nobody_may_look_the_answer_is_posted_all_the_same() -> None:
    stage = Stage(resume=ReplyState())
    stage.messenger.fail("find", NotAllowed("the app may not read here", code="missing_scope"))
    async with stage.reply() as reply:
        reply.push(TurnFinished("Whole"))
    assert reply.delivered
    assert stage.texts() == ["Whole"]


@virtual
async def test_all_messages_posted_just_before_a_crash_are_found_again() -> None:
    stage = Stage(MemoryMessenger(Capabilities(max_chars=100)), resume=ReplyState())
    for number in range(2):
        await stage.messenger.send(THREAD, Outgoing("Half", nonce=f"turn1.{number}"))
    async with stage.reply() as reply:
        reply.push(TurnFinished("A long answer. " * 24))
    assert len(stage.texts()) == 4
    assert [call for _, call, _ in stage.messenger.calls].count("find") == 3, "what comes after a new one is new"
    assert "Half" not in "".join(stage.texts())


@virtual
async def test_a_reply_that_is_cut_off_does_not_wait_for_a_platform_that_is_down() -> None:
    stage = Stage()
    reply = stage.reply()
    await reply.__aenter__()
    reply.push(TextDelta("Hello"))
    await stage.posted()
    for _ in range(100):
        stage.messenger.fail("edit", Unreachable("down", acted=False))
    began, cut = asyncio.get_running_loop().time(), asyncio.CancelledError()
    with suppress(asyncio.CancelledError):
        await reply.__aexit__(type(cut), cut, None)
    assert asyncio.get_running_loop().time() - began < 2 * LAST_WORDS
    assert not reply.delivered
    assert stage.texts()[0].startswith("Hello")


@virtual
async def test_every_new_message_and_more_text_reach_the_journal() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TextDelta("one"))
        await stage.posted()
        reply.push(TextDelta(" two"))
        await stage.calls(2)
        reply.push(TurnFinished("one two three"))
    assert [state.text for state in stage.states] == ["one", "one two", "one two three"]
    assert all(len(state.refs) == 1 for state in stage.states)


@virtual
async def test_tools_are_shown_while_they_run_and_counted_at_the_end() -> None:
    stage = Stage(display=Display())
    async with stage.reply() as reply:
        reply.push(ToolStarted("t1", "Bash", "ls -la"))
        await stage.posted()
        assert "- ⏳ Bash `ls -la`" in stage.texts()[0]
        reply.push(ToolFinished("t1", ok=True))
        await stage.calls(2)
        assert "- ✓ Bash `ls -la`" in stage.texts()[0]
        reply.push(Notice("**Mind this.**"))
        reply.push(TurnFinished("Listed.", Usage(cost=0.0123, seconds=4.25, tools=1)))
    assert stage.texts() == ["Listed.\n\n**Mind this.**\n\n_4.2 s · $0.01 · 1 tool_"]


@virtual
async def test_the_time_is_shown_with_other_edits_and_alone_only_when_nothing_else_is_heard() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TurnStarted("s", "m"))
        reply.push(ToolStarted("t1", "Bash", "make"))
        await stage.posted()
        await asyncio.sleep(15)
        reply.push(TextDelta("Half way."))
        await stage.calls(2)
        assert texts.working(15) in stage.texts()[0]
        await asyncio.sleep(3 * TICK)
        assert len(stage.messenger.calls) == 4
        assert texts.working(15 + 2 * TICK) in stage.texts()[0]
        reply.push(TurnFinished("Done."))
    assert stage.texts() == ["Done."]


@virtual
async def test_while_people_are_asked_the_time_stands_still_and_costs_no_edit() -> None:
    stage = Stage()
    async with stage.reply() as reply:
        reply.push(TurnStarted("s", "m"))
        reply.push(TextDelta("May I?"))
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await stage.posted(2)
        await asyncio.sleep(2)
        before = len(stage.messenger.calls)
        await asyncio.sleep(20 * TICK)
        assert len(stage.messenger.calls) == before
        reply.push(RequestClosed("r1", allowed=True, text="ok"))
        await asyncio.sleep(12)
        reply.push(TextDelta(" Thanks."))
        await asyncio.sleep(2)
        assert any(texts.working(12) in text for text in stage.texts())
        reply.push(TurnFinished("Done."))


@virtual
async def test_a_quiet_reply_posts_its_end_and_what_people_are_asked() -> None:
    stage = Stage(display=Display("quiet", footer=False))
    async with stage.reply() as reply:
        for event in (TurnStarted("s", "m"), TextDelta("Let me see. "), ToolStarted("t1", "Bash", "ls")):
            reply.push(event)
        await asyncio.sleep(5 * TICK)
        assert stage.messenger.calls == []
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await stage.posted()
        reply.push(RequestClosed("r1", allowed=True, text="allowed by Ann"))
        reply.push(TurnFinished("Done."))
    assert [call for _, call, _ in stage.messenger.calls] == ["send", "edit", "send"]
    assert stage.texts()[1] == "Done."


@virtual
async def test_ten_replies_share_one_budget_and_finals_go_first() -> None:
    stage = Stage(pacer=Pacer({"edit": Rate(per_minute=50, burst=5, reserve=2)}))
    threads = [Conversation("fake", "T1", "C1", str(number)) for number in range(10)]
    finals: dict[str, float] = {}

    async def turn(number: int) -> None:
        loop = asyncio.get_running_loop()
        async with stage.reply(threads[number]) as reply:
            for word in range(30 if number else 10):
                reply.push(TextDelta(f"word{word} "))
                await asyncio.sleep(2)
            asked = loop.time()
            reply.push(TurnFinished("final"))
            await stage.messenger.until(lambda: stage.texts(threads[number]) == ["final"])
            finals[threads[number].key] = loop.time() - asked

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(turn(number))
    edits = [at for at, call, _ in stage.messenger.calls if call == "edit"]
    assert all(sum(start <= at < start + 60 for at in edits) <= 55 for start in edits)
    assert finals[threads[0].key] < 3
    assert sorted(finals.values())[-1] < 15
    shares = [len(stage.messenger.seen(thread)[0].history) for thread in threads[1:]]
    assert max(shares) - min(shares) <= 2
    assert not stage.messenger.breaches


@virtual
async def test_a_request_that_was_posted_but_not_noted_is_found_and_closed_after_a_restart() -> None:
    stage = Stage()
    await stage.messenger.send(THREAD, Outgoing("May I?", nonce="turn1.ask.r1"))
    stage.resume = ReplyState(requests=("r1", "never-posted"))
    async with stage.reply() as reply:
        reply.push(TurnFinished("done"))
    assert stage.texts() == [texts.CLOSED_BY_RESTART, "done"]


async def test_a_reply_that_another_process_goes_on_with_is_left_as_it_is() -> None:
    stage = Stage()
    async with asyncio.timeout(5):
        async with stage.reply() as reply:
            reply.push(TextDelta("so far"))
            await stage.messenger.until(lambda: any("so far" in text for text in stage.texts()))
            before = stage.texts()
            stage.states.mine = False
            reply.push(TurnFinished("the answer"))
    assert stage.texts() == before
    assert not reply.delivered
