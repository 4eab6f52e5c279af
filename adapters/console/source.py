"""Lines from a pipe or a file, as they come, without a thread that outlives the chat."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncGenerator, Sequence

CHUNK = 64 * 1024


async def lines_of(fd: int) -> AsyncGenerator[str]:
    """The lines of a file descriptor until its end. The descriptor's flags are left as they are."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    while data := await _read(fd):
        *whole, rest = (rest + decoder.decode(data)).split("\n")
        for line in whole:
            yield line
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


async def lines_in(script: Sequence[str]) -> AsyncGenerator[str]:
    for line in script:
        yield line


async def _read(fd: int) -> bytes:
    # O_NONBLOCK would be shared with whoever else holds this terminal or pipe, so wait until there is something.
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # a regular file or /dev/null: epoll does not take it, and it never makes us wait
        return os.read(fd, CHUNK)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
    return os.read(fd, CHUNK)
