"""Checks of a store: runs are found until they are forgotten, a request sent twice is known, acts are listed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from botkit.events import FileOffered, TurnFinished, Usage
from botkit.keys import Act
from botkit.protocols import Store
from botkit.runs import Repeatable, Run
from botkit.testing.store_keys import IDS
from botkit.testing.store_values import NOW, WITHIN


def run(id: str = "turn-1", *, key: str = "k1", created: float = NOW) -> Run:
    return Run(id, key, "helper", "s-1", created, user="ünï", model="opus", webhook="https://example.com/hook")


def finished(run: Run) -> Run:
    file = FileOffered(Path("/srv/a.txt"), "ä.txt", "Look", Path("/srv/sent-1"), "1", 7)
    outcome = TurnFinished("42 😀", Usage(input_tokens=3, cost=0.1), session="s-1", files=(file,))
    return replace(run, status="finished", ended=run.created + 5, finished=outcome)


def repeatable(name: str = "idem", *, key: str = "k1", at: float = NOW, expires: float = NOW + 60) -> Repeatable:
    return Repeatable(key, name, "fingerprint", at, expires)


def act(id: str = "a1", *, at: float = NOW, who: str = "jwt:ada", target: str = "k1") -> Act:
    return Act(id, at, who, "key.create", target, "192.0.2.7", {"name": "Grüße"})


class RunsContract:
    async def test_a_run_comes_back_as_it_is_and_as_it_ended(self, store: Store, another_store: Store) -> None:
        assert await store.runs.get("turn-1") is None
        await store.runs.save(run())
        assert await another_store.runs.get("turn-1") == run()
        await store.runs.save(replace(run(), status="running"))
        await store.runs.save(finished(run()))
        assert await another_store.runs.get("turn-1") == finished(run())

    async def test_a_run_that_ended_stays_as_it_ended(self, store: Store) -> None:
        await store.runs.save(finished(run()))
        await store.runs.save(replace(run(), status="running"))
        await store.runs.save(replace(run(), status="stopped"))
        assert await store.runs.get("turn-1") == finished(run())

    async def test_a_keys_runs_are_listed_newest_first(self, store: Store) -> None:
        for i in range(6):
            await store.runs.save(run(f"turn-{i}", created=NOW + i // 2))
        await store.runs.save(run("other", key="k2"))
        first = await store.runs.list("k1", most=3)
        assert [each.id for each in first] == ["turn-5", "turn-4", "turn-3"]
        rest = await store.runs.list("k1", before=(first[-1].created, first[-1].id))
        assert [each.id for each in rest] == ["turn-2", "turn-1", "turn-0"]
        assert not await store.runs.list("nobody")

    async def test_old_runs_and_requests_are_forgotten(self, store: Store) -> None:
        await store.runs.save(finished(run("old")))
        await store.runs.save(run("new", created=NOW + 10))
        await store.runs.claim(repeatable("early", expires=NOW + 1))
        await store.runs.claim(repeatable("late", expires=NOW + 99))
        assert await store.runs.purge(NOW + 5, NOW + 5) == 2
        assert await store.runs.get("old") is None
        assert [each.id for each in await store.runs.list("k1")] == ["new"]
        assert await store.runs.claim(repeatable("late", at=NOW + 5)) is not None
        await store.runs.save(run("old"))
        assert await store.runs.get("old") == run("old")

    async def test_a_request_sent_again_is_told_of_the_first(self, store: Store, another_store: Store) -> None:
        assert await store.runs.claim(repeatable()) is None
        again = replace(repeatable(at=NOW + 1), fingerprint="another")
        assert await another_store.runs.claim(again) == repeatable()
        answered = replace(
            repeatable(expires=NOW + 86_400), run="turn-1", status=200, media_type="text/plain", body=b"\x00\xff"
        )
        await store.runs.answer(answered)
        assert await another_store.runs.claim(repeatable(at=NOW + 3600)) == answered

    async def test_of_a_request_sent_many_times_at_once_one_is_the_first(
        self, store: Store, another_store: Store
    ) -> None:
        async with asyncio.timeout(WITHIN):
            answers = await asyncio.gather(
                *((store, another_store)[i % 2].runs.claim(repeatable()) for i in range(100))
            )
        assert answers.count(None) == 1

    async def test_a_request_that_was_not_carried_out_may_be_sent_again(self, store: Store) -> None:
        await store.runs.claim(repeatable())
        await store.runs.forget("k1", "idem")
        await store.runs.forget("k1", "idem")
        assert await store.runs.claim(repeatable()) is None

    async def test_a_request_whose_process_died_may_be_sent_again_after_a_while(self, store: Store) -> None:
        await store.runs.claim(repeatable())
        assert await store.runs.claim(repeatable(at=NOW + 61, expires=NOW + 120)) is None
        assert await store.runs.claim(repeatable(at=NOW + 62)) == repeatable(at=NOW + 61, expires=NOW + 120)

    async def test_no_run_and_no_request_can_be_taken_for_another(self, store: Store) -> None:
        for id in IDS:
            await store.runs.save(run(id, key=id))
            assert await store.runs.claim(repeatable("b/c", key=id)) is None
            assert await store.runs.claim(repeatable("c", key=id)) is None
            assert await store.runs.claim(repeatable(id)) is None
        for id in IDS:
            assert await store.runs.get(id) == run(id, key=id)
            assert [each.id for each in await store.runs.list(id)] == [id]


class ActsContract:
    async def test_an_act_comes_back_as_it_was(self, store: Store, another_store: Store) -> None:
        assert not await store.acts.list()
        await store.acts.add(act())
        await store.acts.add(act(who="somebody else"))
        assert list(await another_store.acts.list()) == [act()]

    async def test_acts_are_listed_newest_first_page_by_page(self, store: Store) -> None:
        for i in range(6):
            await store.acts.add(act(f"a{i}", at=NOW + i // 2, who=f"jwt:{i % 2}", target=f"k{i % 3}"))
        first = await store.acts.list(most=4)
        assert [each.id for each in first] == ["a5", "a4", "a3", "a2"]
        assert [each.id for each in await store.acts.list(before=(first[-1].at, "a2"))] == ["a1", "a0"]
        assert [each.id for each in await store.acts.list(who="jwt:1")] == ["a5", "a3", "a1"]
        assert [each.id for each in await store.acts.list(target="k0", most=1)] == ["a3"]
        assert not await store.acts.list(who="jwt:1", target="nothing")

    async def test_old_acts_are_forgotten(self, store: Store) -> None:
        await store.acts.add(act("old"))
        await store.acts.add(act("new", at=NOW + 10))
        assert await store.acts.purge(NOW + 5) == 1
        assert [each.id for each in await store.acts.list()] == ["new"]

    async def test_acts_may_hold_any_text(self, store: Store) -> None:
        for i, id in enumerate(IDS):
            await store.acts.add(act(id, at=NOW + i, who=id, target=id))
        for id in IDS:
            assert [each.id for each in await store.acts.list(who=id, target=id)] == [id]
