"""What is old is forgotten: received files, and nothing that lies behind a link."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from structlog.testing import capture_logs

from botkit.config import build
from botkit.errors import StoreError
from botkit.expand import Toml
from botkit.retention import forget, remove_uploads, retain
from botkit.stores.memory import MemoryStore
from botkit.testing.store_meter import ANY, record
from botkit.testing.store_runs import act, run
from botkit.testing.store_values import NOW


def upload(workdir: Path, name: str, *, age: float, session: str = "s1") -> Path:
    path = workdir / ".botkit" / "uploads" / session / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x", encoding="utf-8")
    os.utime(path, (1000.0 - age, 1000.0 - age))
    return path


def test_old_files_go_with_the_folders_they_leave_empty(tmp_path: Path) -> None:
    old, young = upload(tmp_path, "old", age=50), upload(tmp_path, "young", age=5)
    alone = upload(tmp_path, "old", age=50, session="s2")
    assert remove_uploads([tmp_path], 990.0) == 2
    assert not old.exists()
    assert young.exists()
    assert not alone.parent.exists()


def test_an_empty_folder_stays_for_the_file_that_is_on_its_way(tmp_path: Path) -> None:
    young, old = (tmp_path / ".botkit" / "uploads" / name for name in ("young", "old"))
    for folder in (young, old):
        folder.mkdir(parents=True)
    os.utime(old, (950.0, 950.0))
    assert remove_uploads([tmp_path], 990.0) == 0
    assert young.exists()
    assert not old.exists()


def test_nothing_behind_a_link_is_touched(tmp_path: Path) -> None:
    elsewhere, workdir = tmp_path / "elsewhere", tmp_path / "work"
    kept = upload(elsewhere, "old", age=50)
    upload(workdir, "old", age=50)
    (workdir / ".botkit" / "uploads" / "linked").symlink_to(kept.parent)
    (tmp_path / "third" / ".botkit").mkdir(parents=True)
    (tmp_path / "third" / ".botkit" / "uploads").symlink_to(elsewhere / ".botkit" / "uploads")
    assert remove_uploads([workdir, tmp_path / "third", tmp_path / "none"], 990.0) == 1
    assert kept.exists()


async def test_what_programs_used_ran_and_administrators_did_is_forgotten_in_its_time(tmp_path: Path) -> None:
    tree: dict[str, Toml] = {
        "store": {"keep_usage": "10d", "keep_runs": "2d", "keep_audit": "5d"},
        "bots": {"main": {"workdir": str(tmp_path), "console": {}}},
    }
    config = build(tree, {}, root=tmp_path)
    store, day = MemoryStore(), 86_400.0
    for age in (1, 3, 7, 20):
        at = NOW - age * day
        await store.meter.end([record(f"r{age}", at=at)])
        await store.runs.save(run(f"t{age}", created=at))
        await store.acts.add(act(f"a{age}", at=at))
        await store.keys.use_nonce("k1", f"n{age}", at, at + 300)
    assert await forget(store, config.store, NOW) == 1 + 3 + 2 + 4
    assert [each.id for each in await store.meter.records(ANY)] == ["r7", "r3", "r1"]
    assert [each.id for each in await store.runs.list("k1")] == ["t1"]
    assert [each.id for each in await store.acts.list()] == ["a1", "a3"]


async def test_a_silent_store_does_not_end_the_rounds(tmp_path: Path) -> None:
    purged = asyncio.Event()

    class Silent(MemoryStore):
        async def purge(self, *, seen: float, sessions: float) -> int:
            purged.set()
            raise StoreError("silent")

    config = build({"bots": {"main": {"workdir": str(tmp_path), "console": {}}}}, {}, root=tmp_path)
    with capture_logs() as lines:
        async with asyncio.timeout(5):
            task = asyncio.create_task(retain(Silent(), config))
            await purged.wait()
            await asyncio.sleep(0)
            assert not task.done()
            task.cancel()
            await asyncio.wait([task])
    assert [line["event"] for line in lines] == ["retention_failed"]
