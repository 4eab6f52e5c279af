"""What the journal holds of a turn while it runs."""

from __future__ import annotations

import asyncio

from botkit.clock import TTL, Pulse
from botkit.errors import StoreError
from botkit.events import TurnFailed, TurnFinished
from botkit.model import Admission, Entry, MessageRef, ReplyState, Session
from botkit.record import Record, admission_key
from botkit.stores.memory import MemoryStore
from botkit.testing.memory_adapter import MemoryAdapter


async def opened(store: MemoryStore, pulse: Pulse | None = None) -> Record:
    message = MemoryAdapter().message("hello", id="m1")
    entry = Entry("t1", "main", f"main/{message.conversation.key}", message, 1.0)
    await store.admit(Admission(admission_key(entry), (), entry, 1.0), "me")
    return Record(store, entry, "me", pulse or Pulse())


async def kept(store: MemoryStore) -> list[Entry]:
    return list(await store.take_over("main", "next", ["me"], 0.0))


def session() -> Session:
    return Session("s1", "main", "main/memory/space/channel/1", "/", "ann", 1.0, 1.0)


async def test_what_was_posted_and_which_tools_began_is_in_the_journal_when_the_record_closes() -> None:
    store = MemoryStore()
    async with asyncio.timeout(5):
        record = await opened(store)
        await record.begin(session())
        record.tool("Bash: make")
        record.shown(ReplyState((MessageRef(MemoryAdapter().place(), "p1"),), text="So far"))
        await record.asks("req1")
        await record.close()
    (entry,) = await kept(store)
    assert (entry.attempts, entry.session, entry.tools, entry.reply.text) == (1, "s1", ("Bash: make",), "So far")
    assert entry.reply.requests == ("req1",), "also after the reply has shown something"


async def test_the_outcome_is_durable_before_it_is_shown() -> None:
    store = MemoryStore()
    async with asyncio.timeout(5):
        record = await opened(store)
        await record.conclude(TurnFinished("done"), session())
        (entry,) = await kept(store)
        assert entry.finished == TurnFinished("done")
        await record.settle()
    assert await kept(store) == []


async def test_a_silent_store_never_stops_the_turn() -> None:
    class Silent(MemoryStore):
        async def update(self, entry: Entry, owner: str, session: Session | None = None) -> bool:
            raise StoreError("silent")

    async with asyncio.timeout(5):
        record = await opened(Silent())
        await record.asks("req1")
        record.tool("Bash: make")
        await record.conclude(TurnFailed("stopped"), session())
        await record.close()


class Watch:
    """A pulse whose process stands still when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pulse = Pulse(self.now, self.now)

    def now(self) -> float:
        return self.seconds

    def stand_still(self) -> None:
        self.seconds += TTL + 1


async def test_after_a_pause_a_reply_goes_on_only_when_the_store_says_that_the_turn_is_still_ours() -> None:
    class Deaf(MemoryStore):
        deaf = 0

        async def update(self, entry: Entry, owner: str, session: Session | None = None) -> bool:
            if self.deaf:
                self.deaf -= 1
                raise StoreError("silent")
            return await super().update(entry, owner, session)

    store, watch, ended = Deaf(), Watch(), list[str]()
    async with asyncio.timeout(5):
        record = await opened(store, watch.pulse)
        record.on_lost = lambda: ended.append("lost")
        store.deaf = 1
        assert await record.ours(), "without a pause nobody is asked"
        watch.stand_still()
        assert await record.ours(), "asked again until it answers"
        assert store.deaf == 0
        await store.take_over("main", "next", ["me"], 0.0)
        assert await record.ours(), "nobody can know that yet"
        watch.stand_still()
        assert not await record.ours()
        assert not await record.ours()
        await record.settle()
        await record.bury("late")
    assert ended == ["lost"]
    assert [entry.id for entry in await store.entries(["t1"])] == ["t1"], "the other process has it"


async def test_an_entry_the_store_forgot_is_admitted_anew_with_its_session() -> None:
    empty, watch = MemoryStore(), Watch()
    message = MemoryAdapter().message("hello", id="m1")
    entry = Entry("t1", "main", f"main/{message.conversation.key}", message, 1.0)
    async with asyncio.timeout(5):
        record = Record(empty, entry, "me", watch.pulse)
        await record.conclude(TurnFinished("done"), session())
        assert not record.lost
        assert await empty.find_session("s1") == session()
        assert (await empty.admit(Admission(admission_key(entry), (), entry, 2.0), "me")).repeat
    assert [each.finished for each in await kept(empty)] == [TurnFinished("done")]
