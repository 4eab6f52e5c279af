"""All bots of a config, running: what a reload changes and what it leaves for a restart."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from botkit.application import Application, noted
from botkit.config import Config, build
from botkit.errors import ConfigError, InsideClaude


def config(folder: Path, *names: str, queue: int = 10, handlers: tuple[str, ...] = ("chat",)) -> Config:
    (folder / "work").mkdir(exist_ok=True)
    bots = {name: {"workdir": "work", "queue": queue, "handlers": list(handlers)} for name in names}
    tree = {"store": {"url": "memory://"}, "http": {"port": 0}, "claude": {"pool": {"spares": 0}}, "bots": bots}
    return build(tree, {}, root=folder)  # type: ignore[arg-type]


def environ(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "ANTHROPIC_API_KEY": "dummy"}


async def test_a_reload_changes_what_it_can_and_names_the_rest(tmp_path: Path) -> None:
    async with asyncio.timeout(20), Application(config(tmp_path, "one", "two"), environ(tmp_path)) as application:
        assert await application.reload(config(tmp_path, "two", "three", queue=3)) == ["[bots.one]", "[bots.three]"]
        assert application.bots["two"].lanes.queue == 3
        assert application.bots["one"].lanes.queue == 10
        assert await application.reload(config(tmp_path, "one", "two", queue=4)) == []
        assert application.bots["one"].lanes.queue == 4


async def test_a_reload_with_a_mistake_changes_nothing_at_all(tmp_path: Path) -> None:
    async with asyncio.timeout(20), Application(config(tmp_path, "one", "two"), environ(tmp_path)) as application:
        with pytest.raises(ConfigError, match="nobody"):
            await application.reload(config(tmp_path, "one", "two", queue=3, handlers=("chat", "nobody")))
        assert [bot.lanes.queue for bot in application.bots.values()] == [10, 10]


async def test_inside_claude_code_nothing_is_started(tmp_path: Path) -> None:
    with pytest.raises(InsideClaude):
        async with Application(config(tmp_path, "one"), {**environ(tmp_path), "CLAUDECODE": "1"}):
            pass


def test_a_note_of_a_process_that_is_gone_names_nobody(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    assert noted(note) is None
    for text in ("", "nonsense", f"{os.getpid()}\n", f"{os.getpid()}\n1.00\n", "99999999\n1.00\n"):
        note.write_text(text, encoding="utf-8")
        assert noted(note) is None, text
