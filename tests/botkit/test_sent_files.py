"""Files that Claude sends, as one reply shows them: once, in time, and never at the cost of the answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.clock import Pulse
from botkit.display import Display
from botkit.errors import AdapterError, NotAllowed, RateLimited, TooLong, Unreachable
from botkit.events import FileOffered, TextDelta, TurnFinished
from botkit.model import Capabilities, Conversation, Outgoing, ReplyState
from botkit.pacing import Pacer
from botkit.record import Record
from botkit.reply import EditReply
from botkit.stores.codec import entry_bytes, entry_from
from botkit.stores.memory import MemoryStore
from botkit.testing.messengers import MemoryMessenger
from botkit.testing.noted import Noted
from botkit.testing.store_values import entry
from botkit.testing.virtual import virtual

THREAD = Conversation("fake", "T1", "C1", "1.0")
FILE = FileOffered(Path("/srv/report.txt"), "report.txt", "Look", Path("/srv/.botkit/uploads/s/sent-1"), "1")
NONCE = "turn1.file.1"


def reply_on(messenger: MemoryMessenger, states: Noted | None = None, resume: ReplyState | None = None) -> EditReply:
    return EditReply(
        messenger,
        THREAD,
        nonce="turn1",
        pacer=Pacer({}),
        display=Display(footer=False),
        resume=resume,
        checkpoint=states,
    )


def seen(messenger: MemoryMessenger) -> list[tuple[str, tuple[str, ...]]]:
    return [(shown.text, shown.files) for shown in messenger.seen(THREAD)]


@virtual
async def test_a_file_is_a_message_of_its_own_at_once() -> None:
    messenger, states = MemoryMessenger(), Noted()
    async with reply_on(messenger, states) as reply:
        reply.push(TextDelta("Writing"))
        await messenger.until(lambda: len(messenger.messages) == 1)
        reply.push(FILE)
        reply.push(FILE)
        async with asyncio.timeout(0.5):
            await messenger.until(lambda: len(messenger.messages) == 2)
        reply.push(TurnFinished("Written."))
    assert seen(messenger) == [("Written.", ()), ("Look", ("report.txt",))]
    assert messenger.messages[1].nonce == NONCE
    assert states[-1].sent == ("1",)
    assert not messenger.breaches


@virtual
async def test_a_platform_without_files_names_the_path() -> None:
    messenger = MemoryMessenger(Capabilities(max_chars=4000, files=False))
    async with reply_on(messenger) as reply:
        reply.push(FILE)
        reply.push(TurnFinished("Written."))
    assert seen(messenger) == [("Look\n\n📎 `report.txt`: `/srv/report.txt`", ()), ("Written.", ())]
    assert not messenger.breaches


@virtual
@pytest.mark.parametrize("edits", [True, False])
@pytest.mark.parametrize(
    "problem",
    [
        NotAllowed("add the scope files:write", code="missing_scope"),
        TooLong("the file is too large", code="file_upload_size_restricted"),
        AdapterError("something else"),
    ],
)
async def test_a_file_that_is_refused_is_said_in_the_answer(problem: AdapterError, edits: bool) -> None:
    messenger, states = MemoryMessenger(Capabilities(max_chars=4000, edits=edits)), Noted()
    messenger.fail("send", problem)
    async with reply_on(messenger, states) as reply:
        reply.push(FILE)
        reply.push(TurnFinished("Written."))
    assert reply.delivered
    ((text, files),) = seen(messenger)
    assert text == f"Written.\n\n⚠️ The file `report.txt` could not be sent: `{problem}`"
    assert files == ()
    assert states[-1].sent == ("1",), "a restart does not try it again"


@virtual
async def test_a_file_that_does_not_get_through_holds_up_the_answer_for_seconds_only() -> None:
    messenger = MemoryMessenger()
    messenger.fail("send", *(Unreachable("no way", acted=False) for _ in range(3)))
    async with reply_on(messenger) as reply:
        reply.push(FILE)
        reply.push(TurnFinished("Written."))
    assert asyncio.get_running_loop().time() < 5
    assert reply.delivered
    assert "Written." in seen(messenger)[0][0]
    assert "could not be sent" in seen(messenger)[0][0]


@virtual
async def test_a_file_is_not_sent_twice_when_the_answer_got_lost_or_the_platform_wants_a_rest() -> None:
    messenger = MemoryMessenger()
    messenger.fail("send", RateLimited("slow down", retry_after=3), Unreachable("lost", acted=True))
    async with reply_on(messenger) as reply:
        reply.push(FILE)
        reply.push(TurnFinished("Written."))
    assert seen(messenger) == [("Look", ("report.txt",)), ("Written.", ())]
    assert [call for _, call, _ in messenger.calls] == ["send", "send", "find", "send"]


@virtual
@pytest.mark.parametrize("there", [False, True])
async def test_after_a_crash_a_file_is_looked_for_before_it_is_sent(there: bool) -> None:
    messenger = MemoryMessenger()
    if there:
        await messenger.send(THREAD, Outgoing("Look", files=(FILE.copy,), names=("report.txt",), nonce=NONCE))
    async with reply_on(messenger, resume=ReplyState(files=(FILE,))) as reply:
        reply.push(FILE)  # Claude does it again
        reply.push(TurnFinished("Written."))
    assert seen(messenger) == [("Look", ("report.txt",)), ("Written.", ())]
    assert ("find", NONCE) in [(call, text) for _, call, text in messenger.calls]


@virtual
async def test_a_file_known_to_be_there_is_not_even_looked_for() -> None:
    messenger = MemoryMessenger()
    async with reply_on(messenger, resume=ReplyState(files=(FILE,), sent=("1",))) as reply:
        reply.push(FILE)
        reply.push(TurnFinished("Written."))
    assert seen(messenger) == [("Written.", ())]
    assert reply.state.sent == ("1",)


async def test_the_journal_holds_a_file_before_it_goes_out_and_whatever_the_reply_says() -> None:
    store, before = MemoryStore(), entry()
    record = Record(store, before, "me", Pulse())
    await record.offers(FILE)
    assert record.entry.reply.files == (FILE,)
    record.shown(ReplyState(text="so far"))
    await record.offers(FILE)
    assert record.entry.reply == ReplyState(files=(FILE,), text="so far")
    await record.close()


def test_files_can_be_written_down() -> None:
    before = replace(entry(), reply=ReplyState(files=(FILE,), sent=("1",)), accepted=time.time())
    assert entry_from(entry_bytes(before)) == before
