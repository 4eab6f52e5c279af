"""Whether the CLI is logged in, by its own word."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence

import msgspec

from botkit.errors import ClaudeMissing

STATUS_DEADLINE = 10.0
"""Seconds for `claude auth status`."""


class _Status(msgspec.Struct, rename={"logged_in": "loggedIn"}):
    logged_in: bool = False


async def logged_in(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether the CLI has credentials, by its own word. Raises ClaudeMissing when it cannot be started.

    A CLI that does not answer within 10 s, or not in JSON, counts as not logged in.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *(*command, "auth", "status"), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=environment
        )
    except OSError as problem:
        raise ClaudeMissing(f"{' '.join(command)} cannot be started: {problem.strerror}") from problem
    try:
        async with asyncio.timeout(STATUS_DEADLINE):
            said, _ = await process.communicate()
        return msgspec.json.decode(said, type=_Status).logged_in
    except (TimeoutError, msgspec.MsgspecError):
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
