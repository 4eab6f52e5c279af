"""What Claude's answers cost counts against the key that asked for them."""

from __future__ import annotations

import asyncio
from typing import Any

from botkit.keys import KeyLimits
from tests.adapters.http.desk import PATIENCE, Desk


async def ask(gateway: Desk, token: str, *, stream: bool = False) -> tuple[int, Any]:
    body = {"model": "main", "messages": [{"role": "user", "content": "What is 6 × 7?"}], "stream": stream}
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        asyncio.timeout(PATIENCE),
        gateway.http.post(f"{gateway.v1}/chat/completions", json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text() if stream else await answer.json()


async def test_what_an_answer_cost_is_on_record_and_the_next_is_refused(gateway: Desk) -> None:
    token = await gateway.key(limits=KeyLimits(usd_per_day=0.000001))
    status, body = await ask(gateway, token)
    assert status == 200, body
    async with asyncio.timeout(PATIENCE):
        while (refused := await ask(gateway, token))[0] == 200:
            pass  # it is written with the next group of records
    assert (refused[0], refused[1]["error"]["code"]) == (429, "usd_per_day")
    headers = {"Authorization": f"Bearer {token}"}
    async with gateway.http.get(f"{gateway.url}/api/usage?by=endpoint,bot,status", headers=headers) as answer:
        own = await answer.json()
    answered = next(row for row in own["data"] if row["group"]["status"] == "200")
    assert answered["group"]["endpoint"] == "POST /v1/chat/completions"
    assert answered["group"]["bot"] == "main"
    assert answered["cost"] > 0
    assert answered["output_tokens"] == body["usage"]["completion_tokens"]
    assert own["spent"]["usd_day"] == answered["cost"]
    assert 0 < answered["first_tokens"] <= answered["seconds"]


async def test_a_program_that_streams_one_answer_after_the_other_needs_one_place_only(gateway: Desk) -> None:
    token = await gateway.key(limits=KeyLimits(concurrent_runs=1))
    for _ in range(3):
        status, text = await ask(gateway, token, stream=True)
        assert status == 200, text
        assert "[DONE]" in text


async def test_two_at_once_need_two(gateway: Desk) -> None:
    token = await gateway.key(limits=KeyLimits(concurrent_runs=1))
    answers = await asyncio.gather(*(ask(gateway, token) for _ in range(3)))
    statuses = sorted(status for status, _ in answers)
    assert statuses == [200, 429, 429], "what is refused is refused at once"
