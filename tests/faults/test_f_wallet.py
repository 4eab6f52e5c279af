"""Row F51 of the fault list, over HTTP: whoever has a key cannot spend more than it may, whatever they try."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from botkit.keys import KeyLimits, Scopes
from tests.adapters.http.desk import PATIENCE, Desk, desk

TOOLS = "\n".join(f'!tool Bash {{"command": "echo {number}"}}' for number in range(40))
"""A turn that would call the model forty times."""


async def ask(desk: Desk, token: str, text: str, **more: object) -> tuple[int, Any]:
    body = {"model": "main", "messages": [{"role": "user", "content": text}], **more}
    headers = {"Authorization": f"Bearer {token}"}
    async with desk.http.post(f"{desk.v1}/chat/completions", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_f51_a_hundred_sessions_of_one_key_run_no_more_than_its_places(tmp_path: Path) -> None:
    """Two at once: 98 are refused with the limit's name and a time, and no process is started for them."""
    async with desk(tmp_path) as it, asyncio.timeout(3 * PATIENCE):
        token = await it.key(limits=KeyLimits(concurrent_runs=2))
        asking = [
            asyncio.create_task(ask(it, token, "!delay 3s\n!say done", user=f"u{n}", conversation=f"c{n}"))
            for n in range(100)
        ]
        done = [await each for each in asyncio.as_completed(asking)]
        statuses = Counter(status for status, _ in done)
        assert statuses == {200: 2, 429: 98}
        assert {body["error"]["code"] for status, body in done if status == 429} == {"concurrent_runs"}
        assert len(it.model.asks) == 2
        assert (await ask(it, token, "!say there is room again"))[0] == 200


async def test_f51_a_day_has_as_many_requests_as_the_key_may(tmp_path: Path) -> None:
    """By whatever way they come, and whoever the program says that it asks for."""
    async with desk(tmp_path) as it, asyncio.timeout(2 * PATIENCE):
        token = await it.key(limits=KeyLimits(requests_per_day=3))
        headers = {"Authorization": f"Bearer {token}"}
        ways = {
            "/v1/chat/completions": {
                "model": "main",
                "messages": [{"role": "user", "content": "!say hi"}],
                "user": "a",
            },
            "/v1/messages": {"model": "main", "max_tokens": 9, "messages": [{"role": "user", "content": "!say hi"}]},
            "/v1/responses": {"model": "main", "input": "!say hi", "user": "b"},
            "/chat": {"text": "!say hi", "user_id": "c"},
        }
        statuses, wait = list[int](), 0
        for path, body in ways.items():
            async with it.http.post(it.url + path, json=body, headers=headers) as answer:
                statuses.append(answer.status)
                wait = int(answer.headers.get("Retry-After", 0))
        assert statuses == [200, 200, 200, 429]
        assert 0 < wait <= 86_400
        assert len(it.model.asks) == 3


async def test_f51_what_was_spent_stops_what_comes_next(tmp_path: Path) -> None:
    """US dollars and tokens: the request that reaches the limit is answered, those after it are not."""
    async with desk(tmp_path) as it, asyncio.timeout(2 * PATIENCE):
        for limits, code in (
            (KeyLimits(usd_per_day=1e-6), "usd_per_day"),
            (KeyLimits(usd_per_month=1e-6), "usd_per_month"),
            (KeyLimits(tokens_per_day=1), "tokens_per_day"),
        ):
            token, before = await it.key(limits=limits), len(await it.records(0))
            assert (await ask(it, token, "!say dear"))[0] == 200
            await it.records(before + 1)
            asked = len(it.model.asks)
            for _ in range(3):
                status, body = await ask(it, token, "!say more")
                assert (status, body["error"]["code"]) == (429, code)
            assert len(it.model.asks) == asked, "nothing was asked of the model"


async def test_f51_a_turn_ends_at_its_budget(tmp_path: Path) -> None:
    """A turn that goes on and on is ended by what it may cost, and leaves nothing behind that runs."""
    async with desk(tmp_path, bot={"turn_budget": 0.00001, "allowed_tools": ["Bash"]}) as it, asyncio.timeout(PATIENCE):
        status, body = await ask(it, it.token, TOOLS)
        assert (status, body["error"]["code"]) == (429, "budget_exceeded")
        assert len(it.model.asks) < 40
        assert await it.bot.tasks.drain(PATIENCE)
        (record,) = await it.records()
        assert record.error == "budget_exceeded"
        assert record.cost > 0, "what it cost counts"


async def test_f51_a_turn_ends_by_the_clock(tmp_path: Path) -> None:
    """A request has so much time; then its turn is stopped, and so are its tools."""
    endless = tmp_path / "endless"
    endless.touch()
    tail = f"tail -f {endless}"
    async with desk(tmp_path, gateway={"request_time": 2}, bot={"allowed_tools": ["Bash"]}) as it:
        async with asyncio.timeout(PATIENCE):
            began = time.monotonic()
            status, body = await ask(it, it.token, f'!tool Bash {{"command": "{tail}"}}', conversation="c")
            assert (status, body["error"]["code"]) == (504, "request_timeout")
            assert time.monotonic() - began < 10
            assert await it.bot.tasks.drain(PATIENCE)
        running = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"])]
        assert tail.split() not in running


async def test_f51_a_call_may_not_ask_for_more_than_its_key_allows(tmp_path: Path) -> None:
    async with desk(tmp_path) as it, asyncio.timeout(PATIENCE):
        token = await it.key(scopes=Scopes(max_tokens=100, models=()))
        for more, status in (({"max_tokens": 101}, 400), ({"model": "main/claude-opus-4-6"}, 404)):
            assert (await ask(it, token, "!say hi", **more))[0] == status
        assert not it.model.asks
