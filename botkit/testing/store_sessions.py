"""Checks of a store: a conversation has one session, an old one can be found, and marks outlive the process."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from botkit.model import Overrides
from botkit.protocols import Store
from botkit.testing.store_values import NASTY, NOW, WITHIN, session


class SessionsContract:
    async def test_a_session_comes_back_as_it_was(self, store: Store, another_store: Store) -> None:
        assert await store.session("helper/here") is None
        assert await store.find_session("s-1") is None
        await store.save_session(session())
        assert await another_store.session("helper/here") == session()
        assert await another_store.find_session("s-1") == session()

    async def test_saving_again_replaces_it(self, store: Store) -> None:
        await store.save_session(session())
        later = replace(session(), used=NOW + 5, turns=3, cost=0.5, rules=(), title="")
        await store.save_session(later)
        assert await store.session("helper/here") == later
        assert list(await store.list_sessions("helper")) == [later]

    async def test_a_new_session_unbinds_the_one_before(self, store: Store) -> None:
        await store.save_session(session("s-1"))
        await store.save_session(session("s-2"))
        assert await store.session("helper/here") == session("s-2")
        assert await store.find_session("s-1") == session("s-1", conversation="")
        assert {each.conversation for each in await store.list_sessions("helper")} == {"helper/here", ""}

    async def test_a_conversation_gets_one_new_session_however_many_begin_at_once(
        self, store: Store, another_store: Store
    ) -> None:
        async with asyncio.timeout(WITHIN):
            made = await asyncio.gather(
                *((store, another_store)[i % 2].new_session(session(f"s-{i}")) for i in range(20))
            )
        assert made.count(True) == 1
        first = session(f"s-{made.index(True)}")
        assert list(await store.list_sessions("helper")) == [first]
        assert await another_store.session("helper/here") == first
        await store.save_session(replace(first, conversation=""))
        assert await store.new_session(session("s-next"))
        assert await store.new_session(session("nowhere", conversation=""))
        assert await store.new_session(session("nowhere either", conversation=""))

    async def test_a_session_that_was_left_is_no_conversations(self, store: Store) -> None:
        await store.save_session(session())
        await store.save_session(session(conversation=""))
        assert await store.session("helper/here") is None
        assert await store.session("") is None
        assert await store.find_session("s-1") == session(conversation="")

    async def test_a_session_that_moves_leaves_its_old_conversation(self, store: Store) -> None:
        await store.save_session(session("s-1"))
        await store.save_session(session("s-2", conversation="helper/there"))
        await store.save_session(session("s-1", conversation="helper/there"))
        assert await store.session("helper/here") is None
        assert await store.session("helper/there") == session("s-1", conversation="helper/there")
        assert await store.find_session("s-2") == session("s-2", conversation="")

    async def test_a_session_can_be_resumed_and_left_again(self, store: Store) -> None:
        await store.save_session(session("s-1"))
        await store.save_session(session("s-2"))
        await store.save_session(session("s-1"))
        assert await store.session("helper/here") == session("s-1")
        assert await store.find_session("s-2") == session("s-2", conversation="")

    async def test_sessions_are_listed_newest_use_first(self, store: Store) -> None:
        for id, used in (("s-1", NOW + 1), ("s-3", NOW + 3), ("s-2", NOW + 2)):
            await store.save_session(session(id, conversation=f"helper/{id}", used=used))
        await store.save_session(replace(session("s-9"), bot="other", conversation="other/x"))
        assert [each.id for each in await store.list_sessions("helper")] == ["s-3", "s-2", "s-1"]
        assert [each.id for each in await store.list_sessions("helper", since=NOW + 1.5)] == ["s-3", "s-2"]
        assert [each.id for each in await store.list_sessions("other")] == ["s-9"]
        assert not await store.list_sessions("nobody")

    async def test_a_persons_own_sessions_can_be_listed(self, store: Store) -> None:
        for id, owner in (("s-1", "U1"), ("s-2", "U2"), ("s-3", f"U1/{NASTY}")):
            await store.save_session(session(id, conversation=f"helper/{id}", owner=owner))
        assert [each.id for each in await store.list_sessions("helper", owner="U1")] == ["s-1"]
        assert [each.id for each in await store.list_sessions("helper", owner=f"U1/{NASTY}")] == ["s-3"]

    async def test_a_list_has_a_hundred_sessions_at_most(self, store: Store) -> None:
        for i in range(120):
            await store.save_session(session(f"s-{i}", conversation="", used=NOW + i))
        listed = await store.list_sessions("helper")
        assert [each.used for each in listed] == [NOW + i for i in range(119, 19, -1)]

    async def test_sessions_can_be_read_page_by_page(self, store: Store) -> None:
        for i in range(130):
            await store.save_session(session(f"s-{i:03}", conversation="", used=NOW + i // 3 + 0.1234567))
        first = await store.list_sessions("helper")
        for at in (99, 50, 51, 52):
            rest = await store.list_sessions("helper", before=(first[at].used, first[at].id))
            assert [each.id for each in rest][:3] == [f"s-{129 - at - i:03}" for i in range(1, 4)]
        last = await store.list_sessions("helper", owner="U1", before=(first[99].used, first[99].id))
        assert [each.id for each in last] == [f"s-{i:03}" for i in range(29, -1, -1)]
        assert not await store.list_sessions("helper", before=(last[-1].used, last[-1].id))

    async def test_a_sessions_own_wishes_come_back(self, store: Store, another_store: Store) -> None:
        wishes = Overrides(tools=("Read",), disallowed_tools=("Bash(rm:*)",), thinking=0, agent="poet")
        own = replace(session(), overrides=wishes, metadata={"ticket": "Ü-1"})
        await store.save_session(own)
        found = await another_store.find_session("s-1")
        assert found == own
        assert found is not None
        assert found.metadata == own.metadata

    async def test_sessions_unused_for_long_are_forgotten(self, store: Store) -> None:
        await store.save_session(session("bound", used=NOW))
        await store.save_session(session("unbound", conversation="", used=NOW))
        await store.save_session(session("fresh", conversation="helper/there", used=NOW + 10))
        assert await store.purge(seen=0.0, sessions=NOW + 5) == 2
        assert await store.session("helper/here") is None
        assert [each.id for each in await store.list_sessions("helper")] == ["fresh"]
        assert await store.session("helper/there") is not None

    async def test_conversations_and_ids_may_hold_any_character(self, store: Store) -> None:
        for key in (NASTY, f"{NASTY}\n", "*", "a:b", "a"):
            await store.save_session(session(f"id {key}", conversation=key))
        for key in (NASTY, f"{NASTY}\n", "*", "a:b", "a"):
            assert await store.session(key) == session(f"id {key}", conversation=key)
            assert await store.find_session(f"id {key}") is not None


class MarksContract:
    async def test_a_mark_is_set_changed_and_forgotten(self, store: Store, another_store: Store) -> None:
        assert await store.mark("muted/x") is None
        await store.set_mark("muted/x", "yes")
        assert await another_store.mark("muted/x") == "yes"
        await store.set_mark("muted/x", "")
        assert await store.mark("muted/x") == ""
        await store.set_mark("muted/x", None)
        await store.set_mark("muted/x", None)
        assert await store.mark("muted/x") is None

    async def test_a_mark_is_changed_only_as_it_was_known(self, store: Store, another_store: Store) -> None:
        assert not await store.change_mark("list", "", "nothing")
        assert await store.change_mark("list", None, "ä")
        assert not await another_store.change_mark("list", None, "again")
        assert await another_store.change_mark("list", "ä", "")
        assert await store.change_mark("list", "", "b")
        assert await store.mark("list") == "b"
        async with asyncio.timeout(WITHIN):
            changed = await asyncio.gather(
                *((store, another_store)[i % 2].change_mark("list", "b", f"c{i}") for i in range(20))
            )
        assert changed.count(True) == 1
        assert await store.mark("list") == f"c{changed.index(True)}"

    async def test_marks_may_hold_any_character(self, store: Store) -> None:
        for key in (NASTY, f"{NASTY}\n", "*", "a:b", "a"):
            await store.set_mark(key, f"value of {key}")
        for key in (NASTY, f"{NASTY}\n", "*", "a:b", "a"):
            assert await store.mark(key) == f"value of {key}"

    async def test_a_store_says_in_one_line_what_it_is(self, store: Store) -> None:
        line = await store.check()
        assert line
        assert "\n" not in line
