"""`botkit init http` leads from a config to the first answer."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import tomllib
from pathlib import Path

from adapters.http.guide import LOCAL
from botkit.config import build
from botkit.plugins import Setup, setup_of
from tests.adapters.http.desk import PATIENCE, Desk


def test_the_tables_it_shows_are_all_that_is_needed(tmp_path: Path) -> None:
    tables = "\n".join(re.findall(r"(?m)^ +(\[.*\])$", setup_of("http", Setup(()))))
    tree = tomllib.loads(tables.replace("NAME", "main"))
    tree["bots"]["main"]["workdir"] = "."
    config = build(tree, {}, root=tmp_path)
    assert (set(config.sites), set(config.bots["main"].adapters)) == ({"gateway"}, {"http"})
    assert f"http://{config.http.host}:{config.http.port}" == LOCAL


async def test_the_call_it_shows_is_answered(gateway: Desk) -> None:
    steps = setup_of("http", Setup((), f"{gateway.url}/main"))
    (line,) = re.findall(r"(?m)^ +(curl .*)$", steps)
    command = shlex.split(line.replace("$KEY", gateway.token).replace("Hello", "!say hello back"))
    curl = await asyncio.create_subprocess_exec(
        *command, "-s", env={"PATH": os.environ["PATH"]}, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await curl.communicate()
    assert b'"hello back"' in out


def test_programs_elsewhere_are_told_the_public_address() -> None:
    steps = setup_of("http", Setup((), "https://bots.example.com/BOT"))
    assert "curl https://bots.example.com/chat " in steps
    assert "base_url https://bots.example.com/v1" in steps
    assert LOCAL not in steps
