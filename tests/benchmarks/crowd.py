"""Very many sessions: a thousand with a live process, a hundred thousand parked, and what real workers weigh."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil

from botkit.claude.options import PoolLimits, Profile
from botkit.claude.pool import Pool
from botkit.claude.process import use_pidfd_watcher
from botkit.claude.reap import resident
from botkit.claude.runner import ClaudeRunner
from botkit.claude.scales import TYPICAL
from botkit.claude.worker import Worker
from botkit.model import Session
from botkit.protocols import Store
from botkit.stores import open_store
from botkit.testing.model import LoopbackModel
from tests.benchmarks.desk import PATIENCE, claude
from tests.benchmarks.live import new_session, pooled, turn
from tests.benchmarks.peer import ROOT, bare_environ
from tests.benchmarks.rows import Row, median_ms

STUB = Path(__file__).with_name("stub.sh")
BATCH = 200
"""Sessions saved at once."""
SAMPLES = 30
KB, MB = 1024, 1024 * 1024


class _Crowd(msgspec.Struct):
    """What the process of its own found. Times in seconds, sizes in bytes for each session."""

    start: float
    live_size: float
    next_turn: list[float]
    all_at_once: float
    frozen_turn: list[float]
    parked_size: float
    row_size: float
    looked_up: list[float]
    parked_turn: list[float]


async def measure(live: int = 1000, parked: int = 100_000, real: Sequence[int] = (1, 5, 20)) -> list[Row]:
    return [*_crowd_rows(await _crowd(live, parked), live, parked), *await _weigh(real)]


def _crowd_rows(found: _Crowd, live: int, parked: int) -> list[Row]:
    return [
        Row(f"{live:,} live sessions on a stub: botkit's own memory for each", found.live_size / KB, "KB", most=60),
        Row("— start of all, one after the other", found.start, "s"),
        Row("— next turn of one, the others silent", median_ms(found.next_turn), "ms"),
        Row("— next turn of a frozen one", median_ms(found.frozen_turn), "ms"),
        Row("— a turn of all of them at once, the last outcome", found.all_at_once * 1000, "ms"),
        Row(f"{parked:,} parked sessions, SQLite: botkit's own memory for each", found.parked_size / KB, "KB", most=1),
        Row("— on disk for each", found.row_size / KB, "KB"),
        Row("— one is looked up", median_ms(found.looked_up), "ms"),
        Row("— its next turn, a stub started and resumed", median_ms(found.parked_turn), "ms"),
    ]


async def _crowd(live: int, parked: int) -> _Crowd:
    """In a process that has nothing else in its memory, and ends all of its workers by ending itself."""
    with tempfile.TemporaryDirectory() as place:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.crowd", str(live), str(parked), place),
            env={**bare_environ(Path(place)), "PYTHONPATH": str(ROOT)},
            stdout=PIPE,
        )
        said, _ = await child.communicate()
    return msgspec.json.decode(said, type=_Crowd)


async def _alone(live: int, parked: int, root: Path) -> _Crowd:
    parked_size, row_size, looked_up = await _park(parked, root)
    before, began = _resident(), time.monotonic()
    async with pooled(root, STUB, live) as (pool, runner, made):
        start, live_size = time.monotonic() - began, (_resident() - before) / live
        some = made[:: max(1, live // SAMPLES)][:SAMPLES]
        next_turn = [await _timed(runner, each) for each in some]
        began = time.monotonic()
        await asyncio.gather(*(turn(runner, each, "one word") for each in made))
        all_at_once = time.monotonic() - began
        frozen: list[float] = []
        for each in some:
            worker = pool.find(each.id)
            assert worker is not None
            await _freeze(worker)
            frozen.append(await _timed(runner, each))
        resumed: list[float] = []
        for each in some:
            await runner.park(each.id)
            resumed.append(await _timed(runner, each))
        found = _Crowd(start, live_size, next_turn, all_at_once, frozen, parked_size, row_size, looked_up, resumed)
        os.write(1, msgspec.json.encode(found))
        # A polite end looks through all processes of the machine for each of them; the keeper needs one look.
        os.kill(os.getpid(), signal.SIGKILL)
    return found


async def _park(parked: int, root: Path) -> tuple[float, float, list[float]]:
    """Bytes of memory and of disk for each parked session, and seconds to find one of them."""
    path = root / "crowd.db"
    async with open_store(f"sqlite:///{path}") as store:
        await store.save_session(new_session(root))
        before = _resident()
        keys: list[str] = []
        for _ in range(max(1, parked // BATCH)):
            keys.append(await _save(store, root))
        size = (_resident() - before) / (len(keys) * BATCH)
        looked_up: list[float] = []
        for key in keys[:: max(1, len(keys) // SAMPLES)]:
            began = time.monotonic()
            assert await store.session(key) is not None
            looked_up.append(time.monotonic() - began)
    return max(0.0, size), path.stat().st_size / (len(keys) * BATCH), looked_up


async def _save(store: Store, root: Path) -> str:
    """One batch; returns one of its conversations."""
    batch = [new_session(root) for _ in range(BATCH)]
    await asyncio.gather(*map(store.save_session, batch))
    return batch[0].conversation


async def _weigh(counts: Sequence[int]) -> list[Row]:
    """Real workers that have answered once: what they hold together, and how fast a frozen one wakes."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "work").mkdir()
        async with LoopbackModel() as model, _real(root, model, max(counts)) as (pool, runner):
            made: list[Session] = []
            for count in counts:
                fresh = [new_session(root / "work") for _ in range(count - len(made))]
                await asyncio.gather(*(turn(runner, each, "hello", fresh=True) for each in fresh))
                made += fresh
                pids = [worker.pid for worker in pool.workers]
                own, shared = _weight(pids)
                what = f"{count} real workers: resident together" if count > 1 else "a real worker: resident"
                rows.append(Row(what, (own + shared) / MB, "MB"))
                rows.append(Row("— of it their own, not shared", own / MB, "MB"))
            rows += await _thaw(pool, runner, made[0])
        async with LoopbackModel() as model:
            rows += await _below(root, model, max(counts))
    return rows


async def _below(root: Path, model: LoopbackModel, turns: int) -> list[Row]:
    """More turns at once than the memory allows workers."""
    ceiling = max(2, turns // 4) * TYPICAL * MB
    most, workers = 0, 0
    async with _real(root, model, turns, memory=ceiling // MB) as (pool, runner):
        asked = asyncio.gather(
            *(turn(runner, new_session(root / "work"), "!words 20 20ms", fresh=True) for _ in range(turns))
        )
        while not asked.done():
            pids = [worker.pid for worker in pool.workers]
            most, workers = max(most, resident(pids)), max(workers, len(pids))
            await asyncio.wait([asked], timeout=0.1)
        await asked
    what = f"{turns} turns at once below a ceiling of {ceiling / MB:,.0f} MB: most that {workers} workers held"
    return [Row(what, most / MB, "MB", most=ceiling / MB)]


async def _thaw(pool: Pool, runner: ClaudeRunner, session: Session) -> list[Row]:
    frozen, stopping = list[float](), list[float]()
    worker = pool.find(session.id)
    assert worker is not None
    awake = [await _timed(runner, session) for _ in range(SAMPLES // 6)]
    for _ in range(SAMPLES // 6):
        began = time.monotonic()
        await _freeze(worker)
        stopping.append(time.monotonic() - began)
        frozen.append(await _timed(runner, session))
    return [
        Row("a real worker freezes", median_ms(stopping), "ms"),
        Row("— a short turn, awake", median_ms(awake), "ms"),
        Row("— the same, thawed for it", median_ms(frozen), "ms", statistics.median(frozen) / statistics.median(awake)),
    ]


async def _freeze(worker: Worker) -> None:
    """Until the kernel says that it stands still."""
    worker.freeze()
    process = psutil.Process(worker.pid)
    async with asyncio.timeout(PATIENCE):
        while process.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 (the kernel tells nobody)
            await asyncio.sleep(0)


@asynccontextmanager
async def _real(
    root: Path, model: LoopbackModel, count: int, memory: int = 1_000_000
) -> AsyncGenerator[tuple[Pool, ClaudeRunner]]:
    """`memory`: megabytes."""
    use_pidfd_watcher()
    limits = PoolLimits(max_workers=count, memory=memory, spares=0, freeze_after=0)
    profile = Profile(root / "work", command=(str(claude()),))
    async with Pool(limits, ambient=model.environment(root)) as pool, ClaudeRunner(profile, pool) as runner:
        yield pool, runner


def _weight(pids: Sequence[int]) -> tuple[int, int]:
    """Bytes: their own, and what they share (the sum of the shares)."""
    full = [psutil.Process(pid).memory_full_info() for pid in pids]
    return sum(each.uss for each in full), sum(each.pss - each.uss for each in full)


async def _timed(runner: ClaudeRunner, session: Session) -> float:
    began = time.monotonic()
    await turn(runner, session, "one word")
    return time.monotonic() - began


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    asyncio.run(_alone(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
