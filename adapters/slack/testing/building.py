"""Puts a loopback Slack together and opens its doors: one for Slack, one that plays another host."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from adapters.slack.testing.clock import Clock
from adapters.slack.testing.delivery import Courier
from adapters.slack.testing.desk import Desk
from adapters.slack.testing.directory import Directory
from adapters.slack.testing.faults import Faults
from adapters.slack.testing.hooks import Hooks
from adapters.slack.testing.limits import Budgets
from adapters.slack.testing.people import People, event_of
from adapters.slack.testing.record import Record
from adapters.slack.testing.rooms import Rooms
from adapters.slack.testing.site import Site
from adapters.slack.testing.sockets import Sockets
from adapters.slack.testing.web import Front
from adapters.slack.testing.wire import Json
from adapters.slack.testing.world import App

MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Building:
    """An open loopback Slack's inside."""

    site: Site
    people: People
    hooks: Hooks


@asynccontextmanager
async def opened(
    clock: Clock, directory: Directory, record: Record, faults: Faults, ack_seconds: float, *, limits: bool
) -> AsyncGenerator[Building]:
    """Serves from entering to leaving; on leaving, silent requests and deliveries under way are ended."""
    async with AsyncExitStack() as stack:
        doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        origin, elsewhere = (f"http://127.0.0.1:{door.getsockname()[1]}" for door in doors)
        hooks = Hooks(await stack.enter_async_context(aiohttp.ClientSession()), ack_seconds)
        sockets = Sockets(directory, record, ack_seconds)
        courier = Courier(clock, faults, record, sockets, hooks)

        def tell(app: App, event: Json) -> None:
            courier.send(event_of(app, event))

        rooms = Rooms(directory, clock, record, tell)
        budgets = Budgets(clock, limits)
        site = Site(origin, elsewhere, clock, directory, rooms, record, budgets, sockets, courier)
        closing = asyncio.Event()
        front = Front(site, faults, closing)
        desk = Desk(site, faults, front)
        runner = web.AppRunner(_routes(site, front, desk), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        for door in doors:
            await web.SockSite(runner, door).start()
        stack.push_async_callback(courier.close)
        stack.push_async_callback(sockets.close)
        stack.callback(closing.set)
        yield Building(site, People(site, desk), hooks)


def _routes(site: Site, front: Front, desk: Desk) -> web.Application:
    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_get("/api/{method}", front.api)
    application.router.add_post("/api/{method}", front.api)
    application.router.add_get("/link/", site.sockets.serve)
    application.router.add_post("/upload/v1/{file}", desk.upload)
    application.router.add_get("/files-pri/{file}/{name:.+}", desk.download)
    application.router.add_get("/elsewhere/{file}/{name:.+}", desk.elsewhere)
    application.router.add_post("/actions/{team}/{mark}", desk.respond)
    return application
