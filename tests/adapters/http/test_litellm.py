"""LiteLLM routes to the gateway with the configuration that deploy/ shows."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from tests.adapters.http.desk import Desk

ROOT = Path(__file__).parents[3]
WITHIN = 90.0
"""Seconds; importing LiteLLM takes many of them on a busy machine."""


async def test_litellm_completes_and_streams_through_both_apis(gateway: Desk) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(gateway.root / "home"),
        "BOTKIT_URL": gateway.v1,
        "BOTKIT_ROOT_URL": gateway.url,
        "BOTKIT_API_KEY": gateway.token,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "NO_PROXY": "127.0.0.1",
    }
    command = (sys.executable, "-m", "tests.adapters.http.litellm_client", str(ROOT / "deploy" / "litellm.yaml"))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(WITHIN):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = said.decode().splitlines()
    for model in ("claude-code", "claude-code-messages"):
        assert f"{model} whole word1 word2 word3 True" in lines, said.decode()
        assert f"{model} stream word1 word2 word3 True" in lines, said.decode()
    assert "failed" in lines[-1]
    assert "502" in lines[-1]
