"""Copies a SQLite store while it is in use, for `botkit doctor --backup`."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from botkit.errors import StoreError
from botkit.stores.database import create

BACKUP_WITHIN = 120.0


async def backup(path: Path, to: Path) -> None:
    """Put a copy of the file, as it is now, in the place of `to`. Raises StoreError, and then `to` is as it was."""
    try:
        async with asyncio.timeout(BACKUP_WITHIN):
            await asyncio.to_thread(_copy, path, to)
    except TimeoutError:
        raise StoreError(f"{to}: the backup took more than {BACKUP_WITHIN:g} s") from None


def _copy(path: Path, to: Path) -> None:
    part = to.with_name(f".{to.name}.part")
    try:
        part.unlink(missing_ok=True)
        create(part)
        source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        target = sqlite3.connect(part)
        try:
            source.backup(target)
        finally:
            target.close()
            source.close()
        part.replace(to)
    except (sqlite3.Error, OSError) as problem:
        part.unlink(missing_ok=True)
        raise StoreError(f"{to}: the backup could not be written: {problem}") from problem
