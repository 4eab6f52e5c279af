"""OpenAI's npm package talks to the gateway; npm fetches it into a folder of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.adapters.http.desk import Desk

SCRIPT = Path(__file__).with_name("openai_client.mjs")
PACKAGE = "openai@>=6 <8"
WITHIN = 120.0
"""Seconds for npm, and for the script."""


async def run(*command: str, cwd: Path) -> tuple[int, str]:
    """Exit code and output."""
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, env=dict(os.environ), stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(WITHIN):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode()


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="NOT TESTED: no node or npm here")
async def test_the_npm_package_completes_streams_and_goes_on(gateway: Desk, tmp_path: Path) -> None:
    code, said = await run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE, cwd=tmp_path)
    if code:
        pytest.skip(f"NOT TESTED: npm cannot fetch {PACKAGE}: {said[-300:]}")
    await asyncio.to_thread(shutil.copy, SCRIPT, tmp_path / SCRIPT.name)
    code, said = await run("node", SCRIPT.name, gateway.v1, gateway.token, cwd=tmp_path)
    assert code == 0, said
    assert said.splitlines() == [
        "models main main/claude-haiku-4-5",
        "whole word1 word2 word3 true",
        "stream word1 word2 word3",
        "response true",
        "refused 400 n",
        "broken model_unavailable",
    ]
