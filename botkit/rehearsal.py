"""The rehearsal model: stands in for Claude on a machine without credentials, and says plainly that it does."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from botkit.errors import ClaudeMissing
from botkit.rehearsal_script import rehearsal
from botkit.testing.model import LoopbackModel

STATUS_DEADLINE = 10.0
"""Seconds for `claude auth status`."""


class Rehearsal:
    """A model on this machine that shows what botkit can do; `words_per_second` 0 streams without pauses."""

    def __init__(self, words_per_second: float = 40.0) -> None:
        self._model = LoopbackModel(rehearsal(1 / words_per_second if words_per_second else 0.0), free=True)

    @property
    def url(self) -> str:
        return self._model.url

    def environment(self, home: Path) -> dict[str, str]:
        """What a worker needs to talk to the rehearsal; its sessions live in `home`, apart from real ones."""
        elsewhere = dict.fromkeys(_ELSEWHERE, "")
        return elsewhere | self._model.environment(home)

    async def __aenter__(self) -> Rehearsal:
        await self._model.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._model.__aexit__(*exc)


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


class _Status(msgspec.Struct, rename={"logged_in": "loggedIn"}):
    logged_in: bool = False


_ELSEWHERE = (
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
"""Variables that would lead the CLI to another model or account."""
