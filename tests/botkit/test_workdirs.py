"""The folder Claude works in, from `botkit init` to the first turn."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import pytest

PATIENCE = 20.0
CONFIG = """
[http]
port = 0

[store]
url = "memory://"

[claude.pool]
spares = 0

[bots.main]
workdir = "{workdir}"

[bots.main.access]
allow_users = ["U1"]
"""


async def botkit(where: Path, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "botkit", *arguments),
        cwd=where,
        env={"PATH": os.environ["PATH"], "HOME": str(where), "LANG": "C.UTF-8"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )


async def test_a_workdir_that_is_not_there_is_made_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "bots.toml").write_text(CONFIG.format(workdir="workspace"), encoding="utf-8")
    process = await botkit(tmp_path, "run")
    assert process.stderr is not None
    said = ""
    try:
        async with asyncio.timeout(PATIENCE):
            while '"ready"' not in said:
                line = await process.stderr.readline()
                assert line, said
                said += line.decode()
        assert f"{tmp_path}/workspace is made: the workdir of main" in said
        assert "not a folder" not in said
        assert (tmp_path / "workspace").is_dir()
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("command", [("run",), ("chat", "-c", "bots.toml", "Hello")])
async def test_a_workdir_that_cannot_be_made_is_said_with_its_key(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "bots.toml").write_text(CONFIG.format(workdir="no/such/place"), encoding="utf-8")
    process = await botkit(tmp_path, *command)
    async with asyncio.timeout(PATIENCE):
        _, errors = await process.communicate()
    assert process.returncode == 2
    wanted = f"bots.toml: bots.main.workdir: {tmp_path}/no/such/place is no folder and cannot be made"
    assert wanted in errors.decode()


async def test_check_says_that_a_workdir_will_be_made(tmp_path: Path) -> None:
    (tmp_path / "bots.toml").write_text(CONFIG.format(workdir="workspace"), encoding="utf-8")
    process = await botkit(tmp_path, "check")
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert "workspace is not a folder yet; `botkit run` makes it" in out.decode()
    assert not (tmp_path / "workspace").exists(), "check touches nothing"


async def test_the_version_is_said(tmp_path: Path) -> None:
    process = await botkit(tmp_path, "--version")
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert out.decode().startswith("botkit 0.")
