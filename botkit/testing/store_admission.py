"""Checks of a store: each message is admitted once, within its limits, all or nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from botkit.model import Admitted
from botkit.protocols import Store
from botkit.testing.store_runs import run
from botkit.testing.store_values import NASTY, NOW, WITHIN, admission, entry, limit, session


class AdmissionContract:
    async def test_a_new_message_is_admitted_and_written_down(self, store: Store) -> None:
        assert await store.admit(admission("turn-1"), "me") == Admitted()
        assert await _journal(store) == ["turn-1"]

    async def test_a_message_that_is_not_kept_takes_its_token_and_is_not_written_down(self, store: Store) -> None:
        wanted = admission("turn-1", limit())
        passing = replace(wanted, entry=replace(wanted.entry, message=replace(wanted.entry.message, kept=False)))
        assert await store.admit(passing, "me") == Admitted()
        assert await _journal(store) == []
        assert await store.take_over("main", "me", [], NOW + 999) == []
        assert (await store.admit(admission("turn-2", limit()), "me")).refused is not None

    async def test_a_message_delivered_again_is_a_repeat_and_writes_nothing(self, store: Store) -> None:
        await store.admit(admission("turn-1", key="same"), "me")
        assert await store.admit(admission("turn-2", key="same"), "me") == Admitted(repeat=True)
        assert await _journal(store) == ["turn-1"]

    async def test_a_repeat_is_recognised_through_another_connection(self, store: Store, another_store: Store) -> None:
        await store.admit(admission("turn-1", key="same"), "me")
        assert (await another_store.admit(admission("turn-2", key="same"), "you")).repeat

    async def test_a_repeat_is_recognised_after_the_answer(self, store: Store) -> None:
        await store.admit(admission("turn-1", key="same"), "me")
        await store.settle("turn-1", "me")
        assert (await store.admit(admission("turn-2", key="same"), "me")).repeat

    async def test_of_many_deliveries_at_once_one_is_admitted(self, store: Store, another_store: Store) -> None:
        async with asyncio.timeout(WITHIN):
            answers = await asyncio.gather(
                *(
                    (store, another_store)[i % 2].admit(admission(f"turn-{i}", key="same"), f"p{i % 2}")
                    for i in range(50)
                )
            )
        assert [answer.repeat for answer in answers].count(False) == 1
        assert len(await _journal(store)) == 1

    async def test_a_turn_that_is_given_again_by_its_id_is_a_repeat(self, store: Store) -> None:
        """A request that is sent again finds the turn of the first, also while that is being admitted."""
        wanted = admission("turn-1", key="same")
        async with asyncio.timeout(WITHIN):
            answers = await asyncio.gather(*(store.admit(wanted, "me") for _ in range(20)))
        assert [answer.repeat for answer in answers].count(False) == 1
        assert (await store.admit(wanted, "me")).repeat
        assert await store.take_over("helper", "me", [], NOW) == [], "it is known to be ours"

    async def test_a_run_is_known_as_soon_as_its_message_is_admitted(self, store: Store, another_store: Store) -> None:
        await store.admit(replace(admission("turn-1", limit(), key="same"), run=run("turn-1")), "me")
        assert await another_store.runs.get("turn-1") == run("turn-1")
        assert [each.id for each in await another_store.runs.list("k1")] == ["turn-1"]
        assert (await store.admit(replace(admission("turn-2", key="same"), run=run("turn-2")), "me")).repeat
        assert await store.runs.get("turn-2") is None
        refused = replace(admission("turn-3", limit()), run=run("turn-3"))
        assert (await store.admit(refused, "me")).refused is not None
        assert await store.runs.get("turn-3") == run("turn-3"), "how it ends will be told"

    async def test_a_repeat_takes_no_token(self, store: Store) -> None:
        await store.admit(admission("turn-1", limit(burst=2.0), key="same"), "me")
        await store.admit(admission("turn-2", limit(burst=2.0), key="same"), "me")
        assert (await store.admit(admission("turn-3", limit(burst=2.0)), "me")).refused is None

    async def test_a_message_over_the_limit_is_refused_and_told_when_to_come_back(self, store: Store) -> None:
        bucket = limit(burst=2.0, per_second=0.1)
        for turn in ("turn-1", "turn-2"):
            assert (await store.admit(admission(turn, bucket), "me")).refused is None
        refused = await store.admit(admission("turn-3", bucket, now=NOW + 4), "me")
        assert refused.refused == bucket
        assert abs(refused.retry_after - 6.0) < 0.01
        assert await _journal(store) == ["turn-1", "turn-2"]

    async def test_a_refused_message_delivered_again_is_a_repeat(self, store: Store) -> None:
        await store.admit(admission("turn-1", limit()), "me")
        assert (await store.admit(admission("turn-2", limit(), key="same"), "me")).refused is not None
        assert (await store.admit(admission("turn-3", limit(), key="same", now=NOW + 60), "me")).repeat

    async def test_after_the_time_it_was_told_a_message_passes(self, store: Store) -> None:
        bucket = limit(burst=1.0, per_second=0.3)
        await store.admit(admission("turn-1", bucket), "me")
        refused = await store.admit(admission("turn-2", bucket), "me")
        later = NOW + refused.retry_after
        assert (await store.admit(admission("turn-3", bucket, now=later - 0.1), "me")).refused is not None
        assert (await store.admit(admission("turn-4", bucket, now=later + 0.001), "me")).refused is None

    async def test_a_bucket_never_holds_more_than_its_burst(self, store: Store) -> None:
        bucket = limit(burst=2.0, per_second=10.0)
        await store.admit(admission("turn-0", bucket), "me")
        answers = [await store.admit(admission(f"turn-{i}", bucket, now=NOW + 3600), "me") for i in (1, 2, 3)]
        assert [answer.refused is None for answer in answers] == [True, True, False]

    async def test_a_clock_that_goes_back_gives_no_tokens_and_takes_none(self, store: Store) -> None:
        bucket = limit(burst=2.0, per_second=1.0)
        await store.admit(admission("turn-1", bucket), "me")
        assert (await store.admit(admission("turn-2", bucket, now=NOW - 60), "me")).refused is None
        assert (await store.admit(admission("turn-3", bucket, now=NOW - 60), "me")).refused is not None

    async def test_a_bucket_that_is_never_refilled_gives_its_burst_once(self, store: Store) -> None:
        bucket = limit(burst=1.0, per_second=0.0)
        await store.admit(admission("turn-1", bucket), "me")
        answer = await store.admit(admission("turn-2", bucket, now=NOW + 1e6), "me")
        assert answer.refused == bucket
        assert answer.retry_after > 1e6

    async def test_a_refusal_by_one_limit_takes_nothing_from_the_others(self, store: Store) -> None:
        wide, narrow = limit("wide", burst=2.0), limit("narrow", burst=1.0)
        await store.admit(admission("turn-1", wide, narrow), "me")
        for i in range(5):
            refused = await store.admit(admission(f"refused-{i}", wide, narrow), "me")
            assert refused.refused == narrow
        assert (await store.admit(admission("turn-2", wide), "me")).refused is None
        assert (await store.admit(admission("turn-3", wide), "me")).refused == wide

    async def test_of_a_thousand_messages_at_once_exactly_the_burst_passes(
        self, store: Store, another_store: Store
    ) -> None:
        bucket = limit(burst=10.0, per_second=0.001)
        async with asyncio.timeout(WITHIN):
            answers = await asyncio.gather(
                *((store, another_store)[i % 2].admit(admission(f"turn-{i}", bucket), "me") for i in range(1000))
            )
        assert sum(answer.refused is None for answer in answers) == 10
        assert len(await _journal(store)) == 10

    async def test_admission_tells_the_conversations_session(self, store: Store) -> None:
        known = session(conversation=entry().conversation)
        await store.save_session(known)
        assert (await store.admit(admission("turn-1"), "me")).session == known
        await store.save_session(replace(known, conversation=""))
        assert (await store.admit(admission("turn-2"), "me")).session is None

    async def test_no_id_can_be_taken_for_another(self, store: Store) -> None:
        ids = [NASTY, NASTY + "\n", "*", ":", "a:b", "a", "botkit:seen", ""]
        for id in ids:
            first = admission(f"turn-{id}", limit(id), key=id, conversation=f"helper/{id}", bot=id)
            assert await store.admit(first, f"owner {id}") == Admitted(), id
        for id in ids:
            assert (await store.admit(admission("again", key=id), "me")).repeat
            assert [each.id for each in await store.take_over(id, "me", [f"owner {id}"], NOW)] == [f"turn-{id}"]


async def _journal(store: Store) -> list[str]:
    """The unfinished turns, seen by making them somebody else's."""
    return sorted(each.id for each in await store.take_over("helper", "reader", await store.owners(), NOW))
