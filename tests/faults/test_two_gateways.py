"""Two botkits behind one store: what programs ask of both at once happens once, and neither undoes the other's work."""

from __future__ import annotations

import asyncio

from tests.adapters.http.program import Program
from tests.faults.gateway_office import Office, programs

Offices = tuple[Office, Office]


async def test_the_same_request_to_both_at_once_is_one_run(offices: Offices) -> None:
    async with programs(*offices) as (_, (me, too)):
        await asyncio.gather(*(office.start() for office in offices))
        path = f"/api/sessions/{await me.session()}/messages"
        for number, mode in enumerate(("async", "sync", "async")):
            body, head = {"text": f"!say only {number}", "mode": mode}, {"Idempotency-Key": f"both-{number}"}
            told = await asyncio.gather(
                *(each.ask("POST", path, body, headers=head) for each in (me, too, me, too, me, too))
            )
            assert {status for status, _ in told} <= {200, 202, 409}, told
            final = await too.until_told(path, body, head)
            runs = {run(said) for said in [final, *(said for status, said in told if status != 409)]}
            assert len(runs) == 1
            assert (await me.ended(runs.pop()))["text"] == f"only {number}"
            assert len([ask for ask in offices[0].model.asks if f"only {number}" in ask.prompt]) == 1
        assert len((await too.get("/api/runs"))["data"]) == 3


async def test_a_run_is_seen_waiting_running_and_ended_from_the_other_process(offices: Offices) -> None:
    async with programs(*offices) as (_, (me, watcher)):
        await asyncio.gather(*(office.start() for office in offices))
        id = await me.session()
        running = await me.begin(id, "!delay 1500ms\n!say first")
        waiting = await me.begin(id, "!say second")
        await offices[0].model.asked("first")
        assert [await status(watcher, each) for each in (running, waiting)] == ["running", "queued"]
        listed = {each["id"]: each["status"] for each in (await watcher.get("/api/runs"))["data"]}
        assert listed == {running: "running", waiting: "queued"}
        assert (await watcher.ended(waiting))["text"] == "second"
        assert [await status(watcher, each) for each in (running, waiting)] == ["finished", "finished"]


async def status(me: Program, run: str) -> str:
    return str((await me.get(f"/api/runs/{run}"))["status"])


def run(said: dict[str, str]) -> str:
    return said.get("turn") or said["id"]


async def test_a_session_of_one_name_is_made_once_and_no_agent_is_lost(offices: Offices) -> None:
    async with programs(*offices) as (_, (me, too)):
        await asyncio.gather(*(office.start() for office in offices))
        for name in ("room", "hall", "yard"):
            body = {"bot": "main", "name": name}
            made = await asyncio.gather(*(each.ask("POST", "/api/sessions", body) for each in (me, too) * 4))
            assert sorted(status for status, _ in made) == [201, *[409] * 7]
        assert len((await me.get("/api/sessions"))["data"]) == 3
        agents = [{"name": f"agent-{number}", "description": "helps", "prompt": "Help."} for number in range(16)]
        made = await asyncio.gather(
            *((me, too)[number % 2].ask("POST", "/api/agents?bot=main", each) for number, each in enumerate(agents))
        )
        assert {status for status, _ in made} == {201}
        listed = [each["name"] for each in (await me.get("/api/agents?bot=main"))["data"]]
        assert listed == sorted(each["name"] for each in agents)
