"""Puts a loopback Discord together and opens its doors: one for the API and the gateway, one for the CDN."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from adapters.discord.testing.cdn import Cdn
from adapters.discord.testing.clock import Clock
from adapters.discord.testing.directory import Directory
from adapters.discord.testing.faults import Faults
from adapters.discord.testing.front import Front
from adapters.discord.testing.gateway import Gateway
from adapters.discord.testing.interactions import Interactions
from adapters.discord.testing.limits import Budgets
from adapters.discord.testing.payloads import Payloads
from adapters.discord.testing.people import People
from adapters.discord.testing.record import Record
from adapters.discord.testing.rooms import Rooms
from adapters.discord.testing.sessions import Sessions
from adapters.discord.testing.site import Site
from adapters.discord.testing.troubles import Silence

MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take: deadlines of people and clients in real seconds."""

    speed: float
    ack_seconds: float
    heartbeat_seconds: float
    identify_seconds: float
    limits: bool


@dataclass(frozen=True, slots=True)
class Building:
    """An open loopback Discord's inside."""

    site: Site
    people: People


@asynccontextmanager
async def opened(
    clock: Clock, directory: Directory, record: Record, faults: Faults, timing: Timing
) -> AsyncGenerator[Building]:
    """Serves from entering to leaving; on leaving, connections and silent requests are ended."""
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    origin, elsewhere = (f"http://127.0.0.1:{door.getsockname()[1]}" for door in doors)
    silence = Silence()
    site = _assembled(origin, Cdn(elsewhere, clock, record, faults, silence), directory, timing)
    api, files = (web.Application(client_max_size=MAX_BODY) for _ in range(2))
    Front(site, faults, silence).open(api)
    for path in ("/gateway", "/gateway/", "/resume", "/resume/"):
        api.router.add_get(path, site.gateway.serve)
    files.router.add_get("/attachments/{channel}/{attachment}/{name}", site.cdn.serve)
    async with AsyncExitStack() as stack:
        for application, door in zip((api, files), doors, strict=True):
            runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, door).start()
        stack.push_async_callback(site.gateway.close)
        stack.callback(silence.closing.set)
        yield Building(site, People(site))


def _assembled(origin: str, cdn: Cdn, directory: Directory, timing: Timing) -> Site:
    clock, record, payloads = cdn.clock, cdn.record, Payloads(cdn)
    sessions = Sessions(directory, clock, record, cdn.faults)
    sessions.resume_url = f"{origin.replace('http', 'ws', 1)}/resume"
    gateway = Gateway(sessions, record, timing.heartbeat_seconds)
    gateway.identify_seconds = timing.identify_seconds
    sessions.cut = gateway.cut
    return Site(
        origin=origin,
        clock=clock,
        directory=directory,
        record=record,
        budgets=Budgets(clock, timing.limits),
        rooms=Rooms(directory, record, payloads, sessions),
        payloads=payloads,
        cdn=cdn,
        sessions=sessions,
        gateway=gateway,
        interactions=Interactions(sessions, payloads, clock, record, timing.ack_seconds),
    )
