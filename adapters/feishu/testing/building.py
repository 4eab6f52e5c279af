"""Puts a loopback Feishu together and opens its door."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from adapters.feishu.testing.clock import Clock
from adapters.feishu.testing.delivery import Courier
from adapters.feishu.testing.directory import Directory
from adapters.feishu.testing.faults import Faults
from adapters.feishu.testing.front import Front
from adapters.feishu.testing.hooks import Hooks
from adapters.feishu.testing.limits import Budgets
from adapters.feishu.testing.people import People
from adapters.feishu.testing.record import Record
from adapters.feishu.testing.rooms import Rooms
from adapters.feishu.testing.site import Site
from adapters.feishu.testing.sockets import Sockets
from adapters.feishu.testing.wire import Json
from adapters.feishu.testing.world import App

MAX_BODY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Building:
    """An open loopback Feishu's inside."""

    site: Site
    people: People
    hooks: Hooks


@dataclass(frozen=True, slots=True)
class Timing:
    """How the real world is shortened for tests; see `LoopbackFeishu`."""

    ack_seconds: float
    fragment: int
    client: Json
    limits: bool


@asynccontextmanager
async def opened(
    clock: Clock, directory: Directory, record: Record, faults: Faults, timing: Timing
) -> AsyncGenerator[Building]:
    """Serves from entering to leaving; on leaving, silent requests and deliveries under way are ended."""
    async with AsyncExitStack() as stack:
        door = socket.create_server(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{door.getsockname()[1]}"
        session = await stack.enter_async_context(aiohttp.ClientSession())
        hooks = Hooks(session, clock, record, timing.ack_seconds)
        sockets = Sockets(directory, record, timing.ack_seconds, timing.fragment, timing.client)
        courier = Courier(clock, faults, record, sockets, hooks)

        def tell(app: App, kind: str, event: Json) -> None:
            courier.send(app, kind, event)

        rooms = Rooms(directory, clock, record, tell)
        site = Site(origin, clock, directory, rooms, record, Budgets(clock, timing.limits), sockets, courier)
        front = Front(site, faults)
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_get("/ws/v2", sockets.serve)
        front.mount(application)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, door).start()
        stack.push_async_callback(courier.close)
        stack.push_async_callback(sockets.close)
        stack.callback(front.closing.set)
        yield Building(site, People(site), hooks)
