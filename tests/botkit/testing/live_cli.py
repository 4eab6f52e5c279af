"""The real CLI in its persistent mode, driven line by line, for tests of what it is given to talk to."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from botkit.claude.install import bundled_command

CLI = str(bundled_command())
ARGUMENTS = (
    *("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
    *("--include-partial-messages", "--permission-prompt-tool", "stdio"),
)
BOUND = 20.0
"""Seconds a turn may take; starting the CLI on a busy machine is most of it."""

Line = dict[str, object]


class LiveCli:
    """One process; `lines` are all it has said."""

    def __init__(self, process: Process) -> None:
        self.lines: list[Line] = []
        self._process = process

    def send(self, line: Line) -> None:
        assert self._process.stdin
        self._process.stdin.write(msgspec.json.encode(line) + b"\n")

    async def next(self, kind: str) -> Line:
        """The next line of this type."""
        assert self._process.stdout
        async with asyncio.timeout(BOUND):
            while raw := await self._process.stdout.readline():
                line = msgspec.json.decode(raw, type=Line)
                self.lines.append(line)
                if line["type"] == kind:
                    return line
        raise EOFError(kind)

    def prompt(self, text: str) -> None:
        message = {"role": "user", "content": text}
        self.send({"type": "user", "message": message, "parent_tool_use_id": None, "session_id": ""})

    async def turn(self, text: str) -> str:
        """Ask and return the result's text."""
        self.prompt(text)
        return str((await self.next("result"))["result"])

    def allow(self, asked: Line, **changes: object) -> None:
        """Answer a `control_request` for a tool with yes."""
        request = msgspec.convert(asked["request"], Line)
        answer = {"behavior": "allow", "updatedInput": msgspec.convert(request["input"], Line) | changes}
        response = {"subtype": "success", "request_id": asked["request_id"], "response": answer}
        self.send({"type": "control_response", "response": response})

    def interrupt(self) -> None:
        self.send({"type": "control_request", "request_id": "stop", "request": {"subtype": "interrupt"}})

    def deltas(self, kind: str) -> list[str]:
        """The pieces of text or thinking that were streamed."""
        events = [msgspec.convert(line["event"], Line) for line in self.lines if line["type"] == "stream_event"]
        pieces = [msgspec.convert(event["delta"], Line) for event in events if event["type"] == "content_block_delta"]
        return [str(piece[kind]) for piece in pieces if piece["type"] == f"{kind}_delta"]


@asynccontextmanager
async def live_cli(environment: Mapping[str, str], workdir: Path, *more: str) -> AsyncGenerator[LiveCli]:
    """Start the CLI, have it initialized, and end it by closing its input."""
    process = await asyncio.create_subprocess_exec(
        *(CLI, *ARGUMENTS, *more), stdin=PIPE, stdout=PIPE, env=environment, cwd=workdir, limit=64 * 1024 * 1024
    )
    cli = LiveCli(process)
    assert process.stdin
    try:
        cli.send({"type": "control_request", "request_id": "init", "request": {"subtype": "initialize"}})
        await cli.next("control_response")
        yield cli
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
