"""Gateways without features: what aiohttp, and CLIs that live on or are started for each request, allow at best."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from aiohttp import web


class _Cli(asyncio.SubprocessProtocol):
    """One CLI process; nothing is done with what it says."""

    def __init__(self) -> None:
        self._said = b""
        self._over = asyncio.Event()
        self._stdin: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._said = (self._said + data)[-2000:]
        if b'"result"' in self._said:
            self._over.set()

    async def turn(self, prompt: str) -> None:
        self._said = b""
        self._over.clear()
        assert self._stdin is not None
        self._stdin.write(msgspec.json.encode({"type": "user", "message": {"content": prompt}}) + b"\n")
        await self._over.wait()


@asynccontextmanager
async def _cli(path: str) -> AsyncGenerator[_Cli]:
    transport, cli = await asyncio.get_running_loop().subprocess_exec(_Cli, path, stderr=None)
    try:
        yield cli
    finally:
        transport.close()  # ends it as well


@asynccontextmanager
async def serving(cli: str, live: int) -> AsyncGenerator[int]:
    """A server's port. It answers from so many live CLIs; with 0 it starts one for each request; '' is an echo."""
    async with AsyncExitStack() as stack:
        free = [await stack.enter_async_context(_cli(cli)) for _ in range(live)]

        async def chat(request: web.Request) -> web.Response:
            text = msgspec.json.decode(await request.read())["messages"][-1]["content"]
            if live:
                one = free.pop()
                await one.turn(text)
                free.append(one)
            elif cli:
                async with _cli(cli) as one:
                    await one.turn(text)
            return _json({"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": text}}]})

        async def models(_: web.Request) -> web.Response:
            return _json({"object": "list", "data": []})

        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        app.router.add_get("/v1/models", models)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])


def _json(said: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(said), content_type="application/json")
