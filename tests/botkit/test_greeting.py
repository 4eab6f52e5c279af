"""What somebody reads who opens `botkit chat` for the first time, without an account."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

from botkit import texts
from botkit.commands import Command

PATIENCE = 20.0
"""Seconds; the CLI says within two whether it is logged in, later on a busy machine."""


def surroundings(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}


async def test_the_chat_says_where_one_is_and_how_to_leave(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "botkit", "chat"),
        cwd=tmp_path,
        env=surroundings(tmp_path),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    said, more = bytearray(), asyncio.Event()

    def read() -> None:
        try:
            said.extend(os.read(master, 65536))
        except OSError:  # the program has gone
            asyncio.get_running_loop().remove_reader(master)
        more.set()

    asyncio.get_running_loop().add_reader(master, read)
    try:
        async with asyncio.timeout(PATIENCE):
            while "❯".encode() not in said:
                more.clear()
                await more.wait()
            os.write(master, b"\x04")
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)
    words = said.decode()
    assert f"Claude Code works in {tmp_path}" in words
    assert "/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves." in words
    assert "the rehearsal model answers" in words
    assert "claude auth login" in words, "also where no `claude` is on PATH: the whole path is given"


def test_a_command_stands_apart_from_what_it_does() -> None:
    shown = texts.help_text("!", [Command("stop", "stop what runs", "[all]")])
    assert "- `!stop [all]`: stop what runs" in shown
