"""Checks of a store: what was accepted stays until it is answered, and one process at a time has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from botkit.events import TurnFailed, TurnFinished, Usage
from botkit.model import Conversation, Entry, MessageRef, ReplyState
from botkit.protocols import Store
from botkit.testing.store_values import NASTY, NOW, TTL, WITHIN, admission, entry, session

LATE = NOW + 3600


class JournalContract:
    async def test_an_entry_comes_back_as_it_was_without_the_platforms_payload(self, store: Store) -> None:
        kept = entry("turn-1")
        await store.admit(admission("turn-1"), "me")
        (found,) = await store.take_over("helper", "you", ["me"], NOW)
        assert found == kept
        assert found.message.raw is None
        assert found.message.author.name == "Ada"
        assert found.message.context == "said before"

    async def test_an_update_replaces_the_entry(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        changed = _worked_on(entry("turn-1"))
        await store.update(changed, "me")
        assert list(await store.take_over("helper", "you", ["me"], NOW)) == [changed]

    async def test_entries_are_found_by_their_ids_while_they_are_in_the_journal(
        self, store: Store, another_store: Store
    ) -> None:
        for id in ("turn-1", "turn-2", "turn-3"):
            await store.admit(admission(id), "me")
        await store.update(_worked_on(entry("turn-1")), "me")
        await store.settle("turn-2", "me")
        await store.bury("turn-3", "me", "enough")
        found = await another_store.entries(["turn-1", "turn-2", "turn-3", "turn-4", NASTY])
        assert list(found) == [_worked_on(entry("turn-1"))]
        assert list(await store.entries([])) == []

    async def test_an_update_saves_the_session(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        assert await store.update(entry("turn-1"), "me", session(used=NOW + 1))
        assert await store.session("helper/here") == session(used=NOW + 1)

    async def test_a_settled_entry_stays_settled(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        await store.settle("turn-1", "me")
        await store.settle("turn-1", "me")
        assert not await store.update(entry("turn-1"), "me")
        assert not await store.take_over("helper", "you", ["me"], LATE)
        assert not await store.owners()

    async def test_who_comes_late_does_not_overwrite_the_newer_session(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        newer = session(used=NOW + 9)
        await store.update(entry("turn-1"), "me", newer)
        await store.settle("turn-1", "me")
        assert not await store.update(entry("turn-1"), "me", session(used=NOW + 1))
        assert await store.find_session("s-1") == newer

    async def test_who_lost_an_entry_to_another_process_can_no_longer_touch_it(
        self, store: Store, another_store: Store
    ) -> None:
        await store.admit(admission("turn-1"), "me")
        await another_store.take_over("helper", "you", ["me"], NOW)
        changed = _worked_on(entry("turn-1"))
        assert await another_store.update(changed, "you", session(used=NOW + 9))
        assert not await store.update(entry("turn-1"), "me", session(used=NOW + 1))
        await store.settle("turn-1", "me")
        await store.bury("turn-1", "me", "late")
        assert list(await store.entries(["turn-1"])) == [changed]
        assert await store.find_session("s-1") == session(used=NOW + 9)
        assert not await store.dead()
        assert (await store.admit(admission("turn-1"), "me")).repeat, "the other one's, not lost by the store"
        await another_store.settle("turn-1", "you")
        assert not await store.entries(["turn-1"])

    async def test_an_entry_that_came_back_to_its_first_process_is_its_own_again(
        self, store: Store, another_store: Store
    ) -> None:
        await store.admit(admission("turn-1"), "me")
        await another_store.take_over("helper", "you", ["me"], NOW)
        assert not await store.update(entry("turn-1"), "me")
        assert [each.id for each in await store.take_over("helper", "me", ["you"], NOW)] == ["turn-1"]
        assert await store.update(entry("turn-1"), "me")
        assert not await store.take_over("helper", "me", [], NOW), "it is known to be ours"

    async def test_a_buried_entry_is_a_dead_letter(self, store: Store) -> None:
        for id, accepted in (("turn-2", NOW + 2), ("turn-1", NOW + 1)):
            await store.admit(admission(id, now=accepted), "me")
            await store.bury(id, "me", f"gave up {id} ✗")
        await store.bury("turn-1", "me", "a second time")
        await store.update(entry("turn-1"), "me")
        letters = [(letter.id, why) for letter, why in await store.dead()]
        assert letters == [("turn-1", "gave up turn-1 ✗"), ("turn-2", "gave up turn-2 ✗")]
        assert not await store.take_over("helper", "you", ["me"], LATE)

    async def test_what_a_living_process_holds_is_left_alone(self, store: Store) -> None:
        await store.beat("me", NOW, TTL)
        await store.admit(admission("turn-1"), "me")
        assert not await store.take_over("helper", "you", [], NOW + TTL - 1)

    async def test_a_process_that_has_not_beaten_yet_is_alive(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        assert not await store.take_over("helper", "you", [], NOW + 1)

    async def test_what_a_silent_process_held_is_taken_over_oldest_first(
        self, store: Store, another_store: Store
    ) -> None:
        for id, accepted in (("turn-3", NOW + 3), ("turn-1", NOW + 1), ("turn-2", NOW + 2)):
            await store.admit(admission(id, now=accepted), "me")
        await store.beat("me", NOW + 4, TTL)
        taken = await another_store.take_over("helper", "you", [], NOW + 4 + TTL + 1)
        assert [each.id for each in taken] == ["turn-1", "turn-2", "turn-3"]
        assert set(await store.owners()) == {"you"}

    async def test_beating_keeps_what_was_admitted_before(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        for beat in range(1, 100):
            await store.beat("me", NOW + beat, TTL)
        assert not await store.take_over("helper", "you", [], NOW + 100)

    async def test_what_a_process_that_is_gone_held_is_taken_over_at_once(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        await store.beat("me", NOW, TTL)
        assert [each.id for each in await store.take_over("helper", "you", ["me", "nobody"], NOW)] == ["turn-1"]

    async def test_a_process_that_stops_gives_everything_up_at_once(self, store: Store, another_store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        await store.lease("thing", "me", NOW, TTL)
        await store.beat("me", NOW + 1, TTL)
        await store.beat("me", NOW + 2, 0.0)
        assert [each.id for each in await another_store.take_over("helper", "you", [], NOW + 2)] == ["turn-1"]
        assert await another_store.lease("thing", "you", NOW + 2, TTL) is not None

    async def test_what_was_taken_over_belongs_to_its_new_owner(self, store: Store, another_store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        await another_store.take_over("helper", "you", ["me"], NOW)
        assert not await store.take_over("helper", "she", ["me"], NOW + 1)
        await store.beat("me", NOW + 1, 1000.0)
        assert [each.id for each in await store.take_over("helper", "she", [], LATE)] == ["turn-1"]

    async def test_a_process_takes_over_only_its_bots_entries_and_none_of_its_own(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        await store.admit(admission("turn-2", bot="other"), "gone")
        assert not await store.take_over("helper", "me", ["gone", "me"], LATE)
        assert [each.id for each in await store.take_over("other", "me", ["gone"], NOW)] == ["turn-2"]

    async def test_taking_over_does_not_count_as_an_attempt(self, store: Store) -> None:
        await store.admit(admission("turn-1"), "me")
        await store.update(replace(entry("turn-1"), attempts=2), "me")
        (found,) = await store.take_over("helper", "you", ["me"], NOW)
        assert found.attempts == 2

    async def test_two_that_take_over_at_once_never_get_the_same_entry(
        self, store: Store, another_store: Store
    ) -> None:
        ids = [f"turn-{i:02}" for i in range(40)]
        for id in ids:
            await store.admit(admission(id), f"gone-{id}")
        gone = [f"gone-{id}" for id in ids]
        async with asyncio.timeout(WITHIN):
            taken = await asyncio.gather(
                *((store, another_store)[i % 2].take_over("helper", f"taker-{i}", gone, NOW) for i in range(8))
            )
        assert sorted(each.id for part in taken for each in part) == ids

    async def test_one_process_that_takes_over_twice_at_once_gets_each_entry_once(self, store: Store) -> None:
        for i in range(10):
            await store.admit(admission(f"turn-{i}"), "gone")
        async with asyncio.timeout(WITHIN):
            taken = await asyncio.gather(*(store.take_over("helper", "me", ["gone"], NOW) for _ in range(4)))
        assert sorted(each.id for part in taken for each in part) == [f"turn-{i}" for i in range(10)]

    async def test_owners_are_those_that_hold_something(self, store: Store) -> None:
        await store.beat("idle", NOW, TTL)
        assert set(await store.owners()) == set()
        await store.admit(admission("turn-1"), "writer")
        await store.lease("thing", f"holder {NASTY}", NOW, TTL)
        assert set(await store.owners()) == {"writer", f"holder {NASTY}"}

    async def test_dead_letters_go_when_they_are_old(self, store: Store) -> None:
        for id, accepted in (("old", NOW), ("new", NOW + 10)):
            await store.admit(admission(id, now=accepted), "me")
            await store.bury(id, "me", "gave up")
        assert await store.purge(seen=NOW + 5, sessions=0.0) == 2, "a dead letter and the memory of its message"
        assert [letter.id for letter, _ in await store.dead()] == ["new"]

    async def test_repeats_and_idle_buckets_are_forgotten_but_nothing_unfinished(self, store: Store) -> None:
        await store.admit(admission("turn-1", key="same"), "me")
        assert await store.purge(seen=NOW, sessions=0.0) == 0, "as old as asked for is not older"
        assert await store.purge(seen=NOW + 1, sessions=0.0) == 1
        assert not (await store.admit(admission("turn-2", key="same", now=NOW + 2), "me")).repeat
        found = await store.take_over("helper", "you", ["me"], NOW + 2)
        assert [each.id for each in found] == ["turn-1", "turn-2"]


def _worked_on(before: Entry) -> Entry:
    ref = MessageRef(Conversation("slack", "T1", "C1", "1.2"), "1.3")
    return replace(
        before,
        attempts=1,
        session="s-1",
        reply=ReplyState((ref,), (ref, ref), "6 × 7 = **42**"),
        tools=("Bash: ls", "Read: a.py"),
        finished=TurnFinished("42", Usage(input_tokens=3, cost=0.5), "s-1", ("Bash",)),
        failed=TurnFailed("crashed", "exit 1", retryable=True),
    )
