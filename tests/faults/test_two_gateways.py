"""Two botkits behind one store: what programs ask of both at once happens once, and neither undoes the other's work."""

from __future__ import annotations

import asyncio

from tests.adapters.http.program import Program
from tests.faults.gateway_office import PATIENCE, Office, programs

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


async def test_settings_of_a_session_are_changed_by_both_and_none_is_undone(offices: Offices) -> None:
    """Each change reads, changes and writes all that is known of the session, and so does the end of a turn."""
    async with programs(*offices) as (_, (me, too)):
        await asyncio.gather(*(office.start() for office in offices))
        id = await me.session(name="room")
        await me.say(id, "!say one")
        await too.put(f"/api/sessions/{id}/thinking", {"effort": "low"})
        assert (await me.say(id, "!say two"))["text"] == "two"
        for number in range(3):
            await asyncio.gather(
                settled(me, f"/api/sessions/{id}/thinking", {"effort": ("low", "medium", "high")[number]}),
                settled(too, f"/api/sessions/{id}/tool-permissions", {"disallowed": [f"Bash(rm {number})"]}),
                settled(too, f"/api/sessions/{id}/agent", {"agent": ""}),
                me.say(id, f"!say turn {number}"),
            )
            found = await me.get(f"/api/sessions/{id}")
            assert (found["effort"], found["disallowed"]) == (("low", "medium", "high")[number], [f"Bash(rm {number})"])
            assert found["turns"] == number + 3
        running = await me.begin(id, "!delay 4s\n!say done")
        await offices[0].model.asked("!delay 4s")
        assert (await too.refused("PUT", f"/api/sessions/{id}/thinking", {"effort": "low"}))[:2] == (409, "busy")
        assert (await me.ended(running))["text"] == "done"
        await settled(too, f"/api/sessions/{id}/thinking", {"effort": "low"})


async def settled(me: Program, path: str, json: dict[str, object]) -> None:
    """A change that waits for turns to end, as a program does that is told to come again."""
    async with asyncio.timeout(PATIENCE):
        while (said := await me.ask("PUT", path, json))[0] == 409:
            assert said[1]["error"]["code"] == "busy"
            await asyncio.sleep(0.2)
    assert said[0] == 200, said
