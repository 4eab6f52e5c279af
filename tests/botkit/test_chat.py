"""`botkit chat` where nobody can type and nothing is configured."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path


async def chat(home: Path, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "botkit", "chat", *arguments),
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(40):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_without_credentials_the_rehearsal_answers_and_says_so(tmp_path: Path) -> None:
    code, out = await chat(tmp_path, "Hello!")
    assert code == 0, out
    assert "the rehearsal model answers" in out


async def test_a_bot_that_is_not_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bots.toml").write_text('[bots.main]\nworkdir = "."\n[bots.main.console]\n', encoding="utf-8")
    code, out = await chat(tmp_path, "-c", "bots.toml", "--bot", "other", "Hello!")
    assert code == 2
    assert "bots.other: there is no such bot (there are: main)" in out


async def test_the_display_is_chosen_in_the_chat_and_kept(tmp_path: Path) -> None:
    code, out = await chat(tmp_path, "/display quiet")
    assert (code, "From the next message on you see the answer alone" in out) == (0, True), out
    code, out = await chat(tmp_path, "/display")
    assert (code, "The display here is quiet." in out) == (0, True), out
