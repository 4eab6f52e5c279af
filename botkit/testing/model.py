"""A Messages API on this machine that the real Claude Code CLI completes real turns against, without an account.

    async with LoopbackModel() as model:
        environment = model.environment(home)      # give this, and nothing else, to the CLI

What it answers is steered by directives in the prompt, all listed in `botkit.testing.model_directives`
(`!words 120 20ms`, `!tool Bash {"command": "ls"}`, `!status 529 2` …), or by a `script` of one's own, which turns an
`Ask` into steps (`botkit.testing.model_script`). A request that only carries on after a tool goes on in the script.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from botkit.testing.model_directives import directives
from botkit.testing.model_script import Ask, Cut, Delay, Fail, Hang, Script, Text, Think, Tool, parse, rest, segment
from botkit.testing.model_wire import Builder, Event, error, sse

BIGGEST = 256 * 1024 * 1024
"""Largest request taken, in bytes: prompts with images and huge answers grow."""
CHARS = 4
"""Characters of a token, about."""
KEPT = 200
"""Requests remembered."""


class LoopbackModel:
    """A loopback Messages API. `requests` holds the decoded bodies, `asks` what they asked; both keep the last 200."""

    def __init__(self, script: Script = directives, *, free: bool = False) -> None:
        """`free`: say that no tokens were used, so that nothing has a price."""
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.asks: deque[Ask] = deque(maxlen=KEPT)
        self.url = ""
        self._script, self._free = script, free
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._closing = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> LoopbackModel:
        app = web.Application(client_max_size=BIGGEST)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count)
        app.router.add_route("*", "/{rest:.*}", self._anything)
        self._closing.clear()
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing.set()
        if self._runner:
            await self._runner.cleanup()

    def environment(self, home: Path) -> dict[str, str]:
        """All the environment the CLI needs to talk to this model; `home` is where it keeps its sessions."""
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "loopback",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            # Newer models are not offered the task list unless asked for; TodoWrite carries the whole list each time.
            "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1",
            "CLAUDE_CODE_ENABLE_TASKS": "0",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "HOME": str(home),
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
        }

    async def asked(self, text: str) -> Ask:
        """Wait until a request whose prompt contains `text` has arrived; the newest such."""
        async with self._arrived:
            while not (found := [ask for ask in self.asks if text in ask.prompt]):
                await self._arrived.wait()
        return found[-1]

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        ask = parse(body)
        self.requests.append(body)
        self.asks.append(ask)
        async with self._arrived:
            self._arrived.notify_all()
        builder = Builder(ask.model, request.content_length or 0, 0 if self._free else CHARS)
        async with aclosing(self._play(ask, builder)) as events:
            return await (
                self._stream(request, events) if body.get("stream") else self._whole(request, events, builder)
            )

    async def _stream(self, request: web.Request, events: AsyncIterator[Event]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        try:
            async for event in events:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(sse(event))
        except _Failed as failed:
            if not response.prepared or not failed.status:
                return _failure(request, failed)
            await response.write(sse(error(failed.status, failed.message)))
        return response

    async def _whole(self, request: web.Request, events: AsyncIterator[Event], builder: Builder) -> web.StreamResponse:
        try:
            async for _ in events:
                pass
        except _Failed as failed:
            return _failure(request, failed)
        return web.json_response(builder.message)

    async def _play(self, ask: Ask, builder: Builder) -> AsyncGenerator[Event]:
        """The events of one response, at the pace of its steps; the first one when there is something to say."""
        begun = False
        steps = segment(self._script(ask), ask.round)
        for step in rest(steps) if ask.resumed else steps:
            match step:
                case Text() | Think() | Tool():
                    if not begun:
                        yield builder.start()
                    begun = True
                    pause = 0.0 if isinstance(step, Tool) else step.pause
                    for event in builder.events(step):
                        yield event
                        if pause and event["type"] == "content_block_delta":
                            await self._rest(pause)
                case Delay():
                    await self._rest(step.seconds)
                case Hang():
                    await self._closing.wait()
                case Fail() | Cut():
                    if self._due(ask, step):
                        raise _Failed(step)
        if not begun:
            yield builder.start()
        for event in builder.end():
            yield event

    def _due(self, ask: Ask, step: Fail | Cut) -> bool:
        """Whether a failure that happens `times` times happens once more; a repeated request is the same request."""
        if step.times == 0:
            return True
        key = repr((ask.body.get("metadata"), ask.prompt, len(ask.history), ask.round, step))
        self._failures[key] = self._failures.pop(key, 0) + 1
        while len(self._failures) > KEPT:
            self._failures.popitem(last=False)
        return self._failures[key] <= step.times

    async def _rest(self, seconds: float) -> None:
        """A pause is over early when the model closes."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass

    async def _count(self, request: web.Request) -> web.Response:
        return web.json_response({"input_tokens": max(1, len(await request.read()) // CHARS)})

    async def _anything(self, _: web.Request) -> web.Response:
        return web.json_response({})


class _Failed(Exception):
    """The script fails the request: an HTTP status, or 0 for a dropped connection."""

    def __init__(self, step: Fail | Cut) -> None:
        self.status, self.message = (step.status, step.message) if isinstance(step, Fail) else (0, "")
        super().__init__(self.status)


def _failure(request: web.Request, failed: _Failed) -> web.Response:
    if failed.status:
        return web.json_response(error(failed.status, failed.message), status=failed.status)
    if request.transport:
        request.transport.abort()
    return web.Response()
