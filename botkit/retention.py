"""Forgets what is old: seen messages, dead letters, unused sessions, files, usage, runs, the audit log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from botkit.config import Config
from botkit.errors import StoreError
from botkit.folders import FOLDER, UPLOADS
from botkit.protocols import Store
from botkit.settings import Store as Keep

log = structlog.get_logger("botkit")

EVERY = 3600.0
"""Seconds between two rounds; the first is at the start."""


async def retain(store: Store, config: Config) -> None:
    """Go round until cancelled. A store that does not answer is asked again the next time."""
    while True:
        now = time.time()
        keep = config.store
        try:
            rows = await forget(store, keep, now)
            folders = {bot.profile.workdir for bot in config.bots.values()}
            files = await asyncio.to_thread(remove_uploads, folders, now - keep.keep_uploads)
        except (StoreError, OSError) as problem:
            log.warning("retention_failed", problem=str(problem))
        else:
            if rows or files:
                log.info("forgotten", rows=rows, files=files)
        await asyncio.sleep(EVERY)


async def forget(store: Store, keep: Keep, now: float) -> int:
    """Forget what the store holds longer than configured; returns how many rows went. Raises StoreError."""
    rows = await store.purge(seen=now - keep.keep_seen, sessions=now - keep.keep_sessions)
    rows += await store.keys.purge(now)
    rows += await store.meter.purge(now - keep.keep_usage, now)
    rows += await store.runs.purge(now - keep.keep_runs, now)
    return rows + await store.acts.purge(now - keep.keep_audit)


def remove_uploads(workdirs: Iterable[Path], before: float) -> int:
    """Delete received and sent files older than `before` (Unix seconds) and the folders they leave empty.

    Returns how many.
    """
    removed = 0
    for workdir in workdirs:
        root = workdir / FOLDER / UPLOADS
        if root.is_symlink() or not root.is_dir():
            continue
        for folder in root.iterdir():
            if folder.is_symlink() or not folder.is_dir():
                continue
            try:
                removed += _clear(folder, before)
            except OSError as problem:
                log.warning("uploads_not_removed", folder=str(folder), problem=str(problem))
    return removed


def _clear(folder: Path, before: float) -> int:
    removed, made = 0, folder.lstat().st_mtime
    for file in folder.iterdir():
        if file.lstat().st_mtime < before and (file.is_symlink() or not file.is_dir()):
            file.unlink(missing_ok=True)
            removed += 1
    # An empty folder that is young was made for a file that is on its way.
    if (removed or made < before) and not any(folder.iterdir()):
        folder.rmdir()
    return removed
