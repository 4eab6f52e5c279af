"""The gateway's benchmarks run and give numbers; how good they are is no test's business."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

from tests.benchmarks import gateway, gateway_turns, gateway_watching
from tests.benchmarks.gateway_desk import server
from tests.benchmarks.gateway_load import closed, paced, request
from tests.benchmarks.gateway_server import Wanted
from tests.benchmarks.rows import Row

PATIENCE = 90.0
"""Seconds on a busy machine; each of them starts several processes."""


def _judge(rows: list[Row]) -> None:
    assert rows
    for row in rows:
        assert math.isfinite(row.value), row.what
        assert row.value >= 0, row.what
        assert row.ratio is None or row.ratio > 0, row.what


async def test_requests_are_counted_beside_bare_aiohttp() -> None:
    async with asyncio.timeout(PATIENCE):
        _judge([*await gateway.requests(40, None), *await gateway.calm(10)])


async def test_turns_through_workers_are_timed_beside_gateways_without_features() -> None:
    async with asyncio.timeout(PATIENCE):
        _judge(await gateway_turns.measure(12))


async def test_streams_and_sockets_all_stay_open_to_their_end() -> None:
    async with asyncio.timeout(PATIENCE):
        rows = await gateway_watching.measure(streams=3, sessions=4, sockets=5, deltas=12)
    _judge(rows)
    assert rows[-1].value == 0, "something was cut off"


async def test_each_request_is_timed_from_when_it_was_due(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE), server(Wanted("floor", str(tmp_path))) as ready:
        right, wrong = request("GET", "/v1/models"), request("GET", "/nowhere")
        load = await closed(ready.port, [right, wrong], 20, at_once=2)
        calm = await paced(ready.port, [right], 10, 100.0)
    assert (len(load.latencies), load.failed) == (20, 10)
    assert len(calm.latencies) == 10
    assert calm.seconds >= 0.09
    assert 0 < calm.percentile(50) <= calm.percentile(99) == max(calm.latencies)
