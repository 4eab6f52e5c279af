"""Replies where a live message can only be added to, lives for a while, and shows tools beside its text."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from botkit.budget import Rate
from botkit.display import Display
from botkit.errors import NotAllowed, TooLong, Unreachable
from botkit.events import (
    ApprovalAsked,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Waiting,
)
from botkit.markdown import reopened, settled
from botkit.model import Capabilities, Conversation, Outgoing, ReplyState
from botkit.pacing import Pacer
from botkit.reply import EditReply
from botkit.seal import Seal
from botkit.split import split
from botkit.testing.messengers import MemoryMessenger
from botkit.testing.model_directives import markdown
from botkit.testing.virtual import virtual

THREAD = Conversation("fake", "T1", "C1", "1.0")
ABLE = Capabilities(max_chars=1000, edit_interval=1.0, live=True, steps=True, lifetime=240.0)


def stream(messenger: MemoryMessenger, resume: ReplyState | None = None, pacer: Pacer | None = None) -> EditReply:
    display = Display(footer=False)
    return EditReply(messenger, THREAD, nonce="t", pacer=pacer or Pacer({}), display=display, resume=resume)


@virtual
async def test_a_quiet_reply_grows_nowhere_and_asks_all_the_same() -> None:
    messenger = MemoryMessenger(ABLE)
    quiet = Display("quiet", footer=False)
    async with EditReply(messenger, THREAD, nonce="t", pacer=Pacer({}), display=quiet) as reply:
        reply.push(Waiting(1))
        for event in (TurnStarted("s", "m"), TextDelta("Let me see. "), ToolStarted("1", "Bash", "ls")):
            reply.push(event)
        await asyncio.sleep(60)
        assert messenger.messages == []
        reply.push(ApprovalAsked("r1", "Bash", "ls"))
        await asyncio.sleep(60)
        reply.push(TurnFinished("Done."))
    asked, answer = messenger.messages
    assert "Claude asks to use Bash" in asked.text
    assert [text for _, text in answer.history] == ["Done."]


def texts(messenger: MemoryMessenger) -> list[str]:
    return [shown.text for shown in messenger.seen(THREAD)]


@virtual
async def test_text_is_only_added_to_and_tools_stand_beside_it() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        for word in ["Let", "me", "**look", "at**", "the", "files."]:
            reply.push(TextDelta(f"{word} "))
            await asyncio.sleep(0.7)
        reply.push(ToolStarted("1", "Bash", "ls"))
        await asyncio.sleep(2)
        shown = messenger.messages[0]
        assert shown.text == "Let me **look at** the files. \n\n"
        assert shown.steps == ("Bash: ls running",)
        reply.push(ToolFinished("1", ok=True))
        reply.push(TextDelta("Two of them."))
        await asyncio.sleep(2)
        assert shown.steps == ("Bash: ls done",)
        reply.push(TurnFinished("Let me **look at** the files. \n\nTwo of them."))
    (shown,) = messenger.messages
    assert shown.text == "Let me **look at** the files. \n\nTwo of them."
    assert not shown.live
    assert not shown.rewritten
    assert not messenger.breaches


@virtual
async def test_a_message_that_grew_for_long_is_closed_and_the_answer_goes_on_below() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("Look:\n\n```python\n"))
        for number in range(50):
            reply.push(TextDelta(f"value_{number} = {number}\n"))
            await asyncio.sleep(10)
        whole = "Look:\n\n```python\n" + "".join(f"value_{number} = {number}\n" for number in range(50)) + "```"
        reply.push(TurnFinished(whole))
    first, second, third = messenger.messages
    assert first.text.startswith("Look:\n\n```python\nvalue_0")
    assert all(shown.text.count("```") == 2 for shown in (first, second, third))
    assert second.text.startswith("```python\n")
    assert [shown.rewritten for shown in messenger.messages] == [False] * 3
    lasted = [shown.history[-1][0] - shown.history[0][0] for shown in messenger.messages]
    assert all(seconds <= 245 for seconds in lasted)
    joined = "".join(texts(messenger)).replace("```", "").replace("python\n", "")
    assert [line for line in joined.split() if line.startswith("value")] == [f"value_{n}" for n in range(50)]
    assert not messenger.breaches


@virtual
async def test_while_nothing_happens_no_new_message_is_begun() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("Building. "))
        reply.push(ToolStarted("1", "Bash", "make"))
        await asyncio.sleep(3000)
        assert len(messenger.messages) == 1
        assert not messenger.messages[0].live
        reply.push(ToolFinished("1", ok=True))
        await asyncio.sleep(5)
        assert messenger.messages[1].steps == ("Bash: make done",)
        reply.push(TextDelta("Built."))
        reply.push(TurnFinished("Building. \n\nBuilt."))
    assert texts(messenger) == ["Building. \n\n", "Built."]
    assert not messenger.breaches


@virtual
async def test_an_end_that_fits_stands_in_the_message_that_was_closed() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("All is well. "))
        reply.push(ToolStarted("1", "Bash", "sleep"))
        await asyncio.sleep(300)
        reply.push(TurnFailed("stopped"))
    (shown,) = messenger.messages
    assert "All is well." in shown.text
    assert "Stopped" in shown.text


@virtual
async def test_a_long_answer_fills_message_after_message_and_none_takes_anything_back() -> None:
    messenger, answer = MemoryMessenger(ABLE), markdown(12_000)
    async with stream(messenger) as reply:
        for start in range(0, len(answer), 90):
            reply.push(TextDelta(answer[start : start + 90]))
            await asyncio.sleep(0.5)
        reply.push(TurnFinished(answer))
    assert len(messenger.messages) > 10
    assert not messenger.breaches
    assert not any(shown.rewritten for shown in messenger.messages)
    assert all(text.count("```") % 2 == 0 for text in texts(messenger))
    sections = [word for word in "\n".join(texts(messenger)).split() if word.startswith("section_")]
    assert len(sections) == len(set(sections)) == answer.count("def section_")


@virtual
async def test_an_outcome_with_another_text_replaces_what_grew() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("Something quite different. "))
        await asyncio.sleep(3)
        reply.push(TurnFinished("The answer."))
    assert texts(messenger) == ["The answer."]
    assert messenger.messages[0].rewritten


@virtual
async def test_an_open_approval_is_the_status_and_the_answer_goes_on_after_it() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("May I? "))
        reply.push(ToolStarted("1", "Bash", "rm"))
        reply.push(ApprovalAsked("a", "Bash", "rm"))
        await asyncio.sleep(3)
        assert [shown.live for shown in messenger.messages] == [False, True] or len(messenger.messages) == 2
        reply.push(TextDelta("Done."))
        reply.push(TurnFinished("May I? \n\nDone."))
    assert "May I? \n\nDone." in texts(messenger)
    assert not messenger.breaches


@virtual
async def test_a_reply_that_waits_shows_its_place_before_there_is_any_text() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(Waiting(2))
        await asyncio.sleep(2)
        assert len(messenger.messages) == 1
        reply.push(TurnStarted("s", "m"))
        reply.push(TextDelta("Here it is. "))
        await asyncio.sleep(2)
        reply.push(TurnFinished("Here it is."))
    assert texts(messenger) == ["Here it is."]


@virtual
async def test_a_refused_length_is_closed_where_it_is_and_goes_on_below() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("word " * 120))
        await asyncio.sleep(2)
        messenger.fail("edit", TooLong("too long", code="msg_too_long"))
        reply.push(TextDelta("more " * 60))
        await asyncio.sleep(4)
        reply.push(TurnFinished("word " * 120 + "more " * 60))
    assert " ".join(texts(messenger)).split() == ["word"] * 120 + ["more"] * 60
    assert not messenger.breaches


@virtual
async def test_a_lost_answer_to_the_first_post_is_looked_for() -> None:
    messenger = MemoryMessenger(ABLE)
    messenger.fail("send", Unreachable("no answer", acted=True))
    async with stream(messenger) as reply:
        reply.push(TextDelta("Once only. "))
        await asyncio.sleep(5)
        reply.push(TurnFinished("Once only."))
    assert texts(messenger) == ["Once only. "] or texts(messenger) == ["Once only."]


@virtual
async def test_what_cannot_be_finished_is_said_in_a_new_message() -> None:
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger) as reply:
        reply.push(TextDelta("Half an "))
        reply.push(TextDelta("answer "))
        await asyncio.sleep(3)
        messenger.fail("edit", NotAllowed("no", code="block_mismatch"))
        reply.push(TurnFinished("Half an answer and the rest."))
    assert texts(messenger)[-1] == "Half an answer and the rest."
    assert reply.delivered


@virtual
async def test_live_messages_have_budgets_of_their_own_where_a_platform_says_so() -> None:
    slow = Pacer({"start": Rate(60), "grow": Rate(6, burst=1), "end": Rate(60)})
    messenger = MemoryMessenger(ABLE)
    async with stream(messenger, pacer=slow) as reply:
        for _ in range(60):
            reply.push(TextDelta("word "))
            await asyncio.sleep(1)
        reply.push(TurnFinished("word " * 60))
    assert len(messenger.calls) <= 10
    plain = Pacer({"edit": Rate(6, burst=1)})
    assert not plain.pressed("grow", THREAD)
    await plain.ready("end", THREAD, urgent=True)
    assert plain.pressed("grow", THREAD)


WRITTEN = st.text(alphabet="ab *_`[]()|\n-~漢", max_size=120)


@given(WRITTEN, st.data())
@settings(deadline=None)
def test_settled_text_is_a_beginning_that_ends_before_a_word(text: str, data: st.DataObject) -> None:
    part = text[: data.draw(st.integers(min_value=0, max_value=len(text)))]
    shown = settled(part)
    assert part.startswith(shown)
    left = part[len(shown) :]
    assert not shown or not left[:1].isspace() or shown.endswith("\n")


@given(st.integers(min_value=1, max_value=900), st.integers(min_value=60, max_value=300))
@settings(deadline=None)
def test_a_cut_anywhere_leaves_the_rest_to_come(end: int, limit: int) -> None:
    body = markdown(900)
    grown = settled(body[:end])
    seal = Seal().after(grown, Outgoing(grown))
    rest = seal.rest(body)
    assert rest is not None
    assert rest == (reopened(grown) + body[len(grown if reopened(grown) else grown.rstrip("\n")) :]).lstrip("\n")
    parts = split(rest, lambda text: len(text) <= limit)
    if len(parts) > 1:
        later = seal.before(body, parts)
        assert later.rest(body) == parts[-1] + "\n" * (later.rest(body) or "").count("\n", len(parts[-1]))
