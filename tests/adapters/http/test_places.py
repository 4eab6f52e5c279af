"""How many runs of a key are at work at once: an async one keeps its place until it is over, and no longer."""

from __future__ import annotations

import asyncio

from botkit.keys import KeyLimits
from tests.adapters.http.desk import PATIENCE, Desk
from tests.adapters.http.program import program


async def test_a_key_with_one_run_at_work_may_begin_the_next_when_it_is_over(gateway: Desk) -> None:
    me = await program(gateway, limits=KeyLimits(concurrent_runs=1))
    one, other = await me.session(), await me.session()
    run = await me.begin(one, "!words 2000 20ms")
    second = {"text": "!say two", "mode": "async"}
    assert (await me.refused("POST", f"/api/sessions/{other}/messages", second))[:2] == (429, "concurrent_runs")
    assert (await me.post(f"/api/sessions/{one}/stop"))["stopped"] is True
    assert (await me.ended(run))["status"] == "stopped"
    async with asyncio.timeout(PATIENCE):
        while (status := (await me.ask("POST", f"/api/sessions/{other}/messages", second))[0]) == 429:  # noqa: ASYNC110 (that signals nothing)
            await asyncio.sleep(0.05)
    assert status == 202
    spent = (await me.get("/api/usage"))["spent"]
    assert spent["runs"] <= 1
