"""What becomes of a turn: its outcome, what a crash left of it, and what was never asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from botkit.errors import NotAllowed, StoreError
from botkit.events import (
    ApprovalAsked,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    Usage,
)
from botkit.model import Admission, Entry, Session, Turn
from botkit.protocols import Store
from botkit.stores.memory import MemoryStore
from botkit.testing.scripted_runner import ScriptedRunner
from tests.botkit.bots import Parts


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


async def left_behind(parts: Parts, change: Callable[[Entry], Entry], text: str = "build it") -> Entry:
    """An entry that a process of this host wrote before it died."""
    message = parts.adapter.message(text)
    key = f"main/{message.conversation.key}"
    entry = change(Entry(f"turn-{message.id}", "main", key, message, message.sent_at))
    await parts.store.admit(Admission(f"main/memory/{message.id}", (), entry, message.sent_at), "dead-host|1|1|x")
    await parts.store.update(entry, "dead-host|1|1|x")
    await parts.store.beat("dead-host|1|1|x", 0.0, 0.0)
    return entry


async def unfinished(store: Store) -> list[Entry]:
    """What the journal still holds, seen by the next process when all others are gone."""
    return list(await store.take_over("main", "next", await store.owners(), 0.0))


async def test_what_waited_in_the_queue_is_answered_in_its_order(parts: Parts) -> None:
    for text in ("one", "two", "three"):
        await left_behind(parts, lambda entry: entry, text)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.until_text("three")
    assert [turn.prompt.split()[-1] for turn in parts.runner.turns] == ["one", "two", "three"]
    assert not any("interrupted" in turn.prompt for turn in parts.runner.turns), "they had not begun"
    assert await unfinished(parts.store) == []


async def test_what_was_finished_but_not_delivered_is_shown_and_not_run_again(parts: Parts) -> None:
    await left_behind(parts, lambda entry: replace(entry, attempts=1, finished=TurnFinished("It is built.")))
    await left_behind(parts, lambda entry: replace(entry, attempts=1, failed=TurnFailed("budget")))
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.until_text("It is built.")
        await parts.adapter.until_text("budget is spent")
    assert parts.runner.turns == []
    assert await unfinished(parts.store) == []


@pytest.mark.parametrize(("recovery", "said"), [("ask", "write “continue”"), ("drop", "Interrupted")])
async def test_the_policy_may_leave_cut_off_turns_to_the_people(parts: Parts, recovery: str, said: str) -> None:
    parts.settings["recovery"] = recovery
    await left_behind(parts, lambda entry: replace(entry, attempts=1))
    await left_behind(parts, lambda entry: entry, "waited")
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.until_text(said)
        await parts.adapter.until_text("waited")
    assert len(parts.runner.turns) == 1, "what had not begun is answered all the same"


async def test_claude_is_told_which_tools_had_been_started(parts: Parts) -> None:
    await left_behind(parts, lambda entry: replace(entry, attempts=1, tools=("Bash: make deploy",)))
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.until_text("make deploy")
    assert "- Bash: make deploy" in parts.runner.turns[0].prompt


async def test_who_is_no_longer_allowed_is_not_answered_after_a_restart(parts: Parts) -> None:
    await left_behind(parts, lambda entry: entry)
    parts.access = replace(parts.access, deny_users=frozenset({"ann"}))
    async with asyncio.timeout(5), parts.bot():
        pass
    assert parts.adapter.texts() == []
    assert [why for _, why in await parts.store.dead()] == ["its adapter, route or author is no longer allowed"]


class FailsOnce(MemoryStore):
    """Does not answer the first question for a session after taking entries over."""

    failed = False

    async def session(self, conversation: str) -> Session | None:
        if not self.failed:
            self.failed = True
            raise StoreError("silent")
        return await super().session(conversation)


async def test_a_store_that_fails_while_turns_are_taken_up_loses_none(parts: Parts) -> None:
    parts.store = FailsOnce()
    async with asyncio.timeout(5), parts.bot() as bot:
        parts.store.failed = True
        for text in ("one", "two"):
            await left_behind(parts, lambda entry: entry, text)
        parts.store.failed = False
        with pytest.raises(StoreError):
            await bot.recover()
        await bot.recover()
        await parts.adapter.until_text("two")
    assert len(parts.runner.turns) == 2


async def test_a_running_turn_at_shutdown_stays_in_the_journal_and_the_next_start_takes_it_up(parts: Parts) -> None:
    parts.runner.gate.clear()
    parts.settings["drain"] = 0.0
    async with asyncio.timeout(5):
        async with parts.bot():
            await parts.adapter.say("build it")
            await parts.adapter.until_text("build it")
        again = Parts(parts.workdir, store=parts.store, adapter=parts.adapter)
        async with again.bot():
            await parts.adapter.until_text("was interrupted")
    assert again.runner.turns[0].session.id == parts.runner.turns[0].session.id
    assert await unfinished(parts.store) == []


async def test_a_running_turn_may_finish_within_the_drain(parts: Parts) -> None:
    parts.runner.gate.clear()
    parts.settings["drain"] = 5.0
    async with asyncio.timeout(5):
        async with parts.bot():
            await parts.adapter.say("build it")
            await parts.adapter.until_text("build it")
            asyncio.get_running_loop().call_later(0.05, parts.runner.gate.set)
        assert await unfinished(parts.store) == []


async def test_nothing_is_taken_while_botkit_stops(parts: Parts) -> None:
    async with asyncio.timeout(5):
        async with parts.bot() as bot:
            pass
        with pytest.raises(StoreError):
            await bot.deliver(parts.adapter.message("too late"))
    assert await unfinished(parts.store) == []


async def test_a_reply_that_can_never_be_delivered_is_buried(parts: Parts) -> None:
    parts.adapter.memory.fail("send", *[NotAllowed("not in the channel")] * 9)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("hello")
    assert [why for _, why in await parts.store.dead()] == ["the reply could not be delivered"]
    assert await unfinished(parts.store) == []


class DownFor(MemoryStore):
    """Does not answer so many times when it should drop a line."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def settle(self, entry: str, owner: str) -> None:
        await self._maybe()
        await super().settle(entry, owner)

    async def bury(self, entry: str, owner: str, why: str) -> None:
        await self._maybe()
        await super().bury(entry, owner, why)

    async def _maybe(self) -> None:
        if self.times:
            self.times -= 1
            raise StoreError("silent")


async def test_an_answered_message_is_settled_once_the_store_is_back(parts: Parts) -> None:
    parts.store = DownFor(1)
    parts.settings["drain"] = 5.0
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("hello")
        await parts.adapter.until_text("hello")
    assert await unfinished(parts.store) == []


async def test_a_lost_reply_is_buried_once_the_store_is_back(parts: Parts) -> None:
    parts.store = DownFor(1)
    parts.settings["drain"] = 5.0
    parts.adapter.memory.fail("send", *[NotAllowed("not in the channel")] * 9)
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("hello")
    assert len(await parts.store.dead()) == 1


async def test_the_store_failing_before_a_turn_means_it_is_not_begun(parts: Parts) -> None:
    class NoLease(MemoryStore):
        async def lease(self, key: str, owner: str, now: float, ttl: float) -> None:
            raise StoreError("silent")

    parts.store = NoLease()
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("hello")
        await parts.adapter.until_text("store did not answer")
    assert parts.runner.turns == []


async def test_cost_and_turns_add_up_in_the_session(parts: Parts) -> None:
    def play(turn: Turn) -> Iterable[TurnEvent]:
        yield TurnFinished("ok", Usage(cost=0.25, total=turn.session.cli_cost + 0.25))

    parts.runner = ScriptedRunner(play)
    async with asyncio.timeout(5), parts.bot():
        for text in ("one", "two"):
            await parts.adapter.say(text)
        await parts.adapter.memory.until(lambda: parts.adapter.texts() == ["ok", "ok"])
        await parts.adapter.say("/status")
        await parts.adapter.until_text("turns: 2, cost: $0.5000")
    session = await parts.store.find_session(parts.runner.turns[0].session.id)
    assert session is not None
    assert (session.cost, session.cli_cost) == (0.5, 0.5)


async def test_what_happens_in_a_turn_can_be_read_by_others(parts: Parts) -> None:
    events: list[TurnEvent] = [
        ThinkingDelta("hm"),
        ToolStarted("t1", "Bash", "ls"),
        ToolFinished("t1", ok=True, output="a b"),
        Retrying(1, 2.0, 529),
        TextDelta("done"),
        TurnFinished("done"),
    ]
    parts.runner = ScriptedRunner(lambda _: events)
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("go")
        await parts.adapter.until_text("done")
        seen = [event async for _, event in bot.attach(parts.runner.turns[0].id)]
        with pytest.raises(KeyError):
            bot.attach("unknown")
    assert seen[1:] == events


async def test_a_turn_that_ends_closes_what_it_asked(parts: Parts) -> None:
    class Impatient(ScriptedRunner):
        """Ends the turn without waiting for the answer."""

        @asynccontextmanager
        async def start(self, turn: Turn) -> AsyncGenerator[AsyncIterator[TurnEvent]]:
            async def events() -> AsyncIterator[TurnEvent]:
                yield ApprovalAsked("req1", "Bash", "rm -r build")
                yield TurnFailed("crashed")

            yield events()

    parts.runner = Impatient()
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("go")
        await parts.adapter.until_text("ended unexpectedly")
        await parts.adapter.say("/allow req1")
        await parts.adapter.until_text("no longer open")
    assert not any(shown.actions for shown in parts.adapter.memory.messages)


async def begun(*events: TurnEvent) -> AsyncIterator[TurnEvent]:
    for event in events:
        yield event


async def test_a_turn_that_nobody_asked_for_is_shown_where_its_session_lives_and_paid_for(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("watch the build", thread="7")
        await parts.adapter.until_text("watch the build", "7")
        session = parts.runner.turns[0].session.id
        usage = Usage(cost=0.5, total=0.75)
        await bot.unasked(session, begun(TextDelta("It failed."), TurnFinished("It failed.", usage)))
        await parts.adapter.until_text("It failed.", "7")
    known = await parts.store.find_session(session)
    assert known is not None
    assert (known.turns, known.cost, known.cli_cost) == (2, 0.5, 0.75)
    assert await unfinished(parts.store) == []


async def test_what_an_unasked_turn_asks_can_be_decided_by_whoever_owns_the_session(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await parts.adapter.say("watch the build")
        await parts.adapter.until_text("watch the build")
        answered = asyncio.Event()

        async def asking() -> AsyncIterator[TurnEvent]:
            yield ApprovalAsked("req9", "Bash", "make clean")
            await answered.wait()
            yield TurnFinished("cleaned")

        watching = asyncio.create_task(bot.unasked(parts.runner.turns[0].session.id, asking()))
        await parts.adapter.until_text("make clean")
        await parts.adapter.say("/deny req9", user="bob")
        await parts.adapter.until_text("Only the person who asked")
        answered.set()
        await watching
        await parts.adapter.until_text("cleaned")


async def test_a_turn_of_a_session_that_nobody_knows_is_only_logged(parts: Parts) -> None:
    async with asyncio.timeout(5), parts.bot() as bot:
        await bot.unasked("unknown", begun(TurnFinished("hm")))
    assert parts.adapter.texts() == []


async def test_stop_before_claude_was_given_the_turn_means_it_never_begins(parts: Parts) -> None:
    class SlowStore(MemoryStore):
        asked, go = asyncio.Event(), asyncio.Event()

        async def find_session(self, id: str) -> Session | None:
            self.asked.set()
            await self.go.wait()
            return await super().find_session(id)

    store = parts.store = SlowStore()
    async with asyncio.timeout(5), parts.bot():
        await parts.adapter.say("hello")
        await store.asked.wait()
        await parts.adapter.say("/stop")
        await parts.adapter.until_text("Stopped.")
        store.go.set()
        await parts.adapter.until_text("⏹️")
    assert parts.runner.turns == []
