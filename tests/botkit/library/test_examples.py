"""The programs in the README run as they stand there, with the real CLI."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer

from botkit.testing.model import LoopbackModel
from tests.test_readme import blocks, module

PATIENCE = 40.0


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the README's programs."""
    for block in blocks("README.md", "python"):
        (tmp_path / f"{module(block)}.py").write_text(block, encoding="utf-8")
    return tmp_path


@pytest.fixture
def here(programs: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In that folder, with those surroundings, the programs can be imported."""
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(programs)
    monkeypatch.setattr(sys, "path", [str(programs), *sys.path])
    yield
    for path in programs.glob("*.py"):
        sys.modules.pop(path.stem, None)


def run(program: str, folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, program],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_the_first_example(programs: Path, elsewhere: dict[str, str]) -> None:
    out = run("ask.py", programs, elsewhere)
    assert re.search(r"You said: What is this project\? \(\d+\.\d s, \$\d+\.\d\d\)", out)
    assert "You said: And how is it tested?" in out
    assert "4 messages so far" in out


def test_the_example_without_an_event_loop(programs: Path, elsewhere: dict[str, str]) -> None:
    assert "You said: What happened this week?" in run("ask_sync.py", programs, elsewhere)


@pytest.mark.usefixtures("here")
async def test_the_example_with_aiohttp(model: LoopbackModel) -> None:
    example = importlib.import_module("ask_aiohttp")
    async with asyncio.timeout(PATIENCE), TestClient(TestServer(example.application())) as client:
        async with client.post("/ask/ann", data="!say Hello, Ann.") as answer:
            assert await answer.json() == {"answer": "Hello, Ann."}
        async with client.post("/ask/ann", data="!history") as answer:
            assert "Hello, Ann." in (await answer.json())["answer"]


@pytest.mark.usefixtures("here")
async def test_the_example_with_fastapi(model: LoopbackModel) -> None:
    example = importlib.import_module("ask_fastapi")
    async with asyncio.timeout(PATIENCE), example.app.router.lifespan_context(example.app):
        transport = httpx.ASGITransport(app=example.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            answer = await client.post("/ask/ann", params={"text": "!say Hello, Ann."}, timeout=PATIENCE)
            assert answer.json() == {"answer": "Hello, Ann."}
