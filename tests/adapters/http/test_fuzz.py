"""The gateway is talked to as its own OpenAPI document says, and as it does not: never a 500, never a stray turn."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from adapters.http.adapter import HttpAdapter
from adapters.http.gateway import Gateway
from adapters.http.openapi import document
from adapters.http.routes import ENDPOINTS
from adapters.http.settings import GatewaySettings, HttpSettings
from botkit.keys import Scopes
from botkit.testing.scripted_runner import ScriptedRunner
from botkit.tokens import new_key
from botkit.web import Web
from tests.adapters.http.gate import BOOTSTRAP, Empty
from tests.botkit.bots import Parts

EXAMPLES = int(os.environ.get("BOTKIT_FUZZ_EXAMPLES", "6"))
"""Of each endpoint and way of being wrong; with more of them they differ from run to run."""
LONG = 45.0 * EXAMPLES / 6
"""Seconds for all of them; what is left out then is another seed's."""
ENDLESS = ("/api/sessions/{id}/events", "/api/sessions/{id}/stream")
"""Streams without an end, where there is something to see."""
_HEALTH: Any = list(HealthCheck)
UNAVAILABLE = (501, 503)
"""What the scripted runner and a machine without some extra may answer."""


@dataclass
class Target:
    """A gateway over a bot whose turns are played, with a session of its own for the one who fuzzes."""

    url: str
    token: str
    session: str
    runner: ScriptedRunner
    taken: int = 0
    """Requests that were not refused."""


@asynccontextmanager
async def target(root: Path) -> AsyncGenerator[Target]:
    parts = Parts(root / "work", settings={"queue": 10_000})
    parts.workdir.mkdir()
    adapter = HttpAdapter("http", HttpSettings())
    bot = replace(parts, adapter=adapter).bot()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    site = Gateway(GatewaySettings.model_validate({"admin": {"bootstrap": BOOTSTRAP}, "failures_per_minute": 100_000}))
    server = Web("127.0.0.1", 0)
    key, token = new_key("fuzz", "tests", time.time())
    key = replace(key, scopes=Scopes(bash=True))
    async with parts.store as store:
        assert await store.keys.put(key)
        house = Empty(store, server, bots={"main": bot})
        async with site.open(house), server, bot:
            here = Target(server.url, token.text, "", parts.runner)
            head = {"Authorization": f"Bearer {here.token}"}
            async with (
                aiohttp.ClientSession() as http,
                http.post(f"{here.url}/api/sessions", json={"bot": "main"}, headers=head) as answer,
            ):
                assert answer.status == 201, await answer.text()
                here.session = (await answer.json())["id"]
            yield here


async def test_nothing_that_is_sent_ends_in_a_500(tmp_path: Path) -> None:
    async with target(tmp_path) as it:
        found = await asyncio.to_thread(_fuzz, it)
        assert len(it.runner.turns) <= it.taken, "a turn was begun for a request that was refused"
    assert not found, "\n".join(found[:20])
    assert it.taken > 20, "too little was right to prove anything"


def _fuzz(it: Target) -> list[str]:
    """What went wrong, one line each."""
    api = document(ENDPOINTS, "1")
    schema: Any = schemathesis.openapi.from_dict(api)
    operations: list[Any] = [each.ok() for each in schema.get_all_operations()]
    random.Random(1).shuffle(operations)
    complaints: list[str] = []
    until = time.monotonic() + LONG
    for operation in operations:
        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            strategy: Any = operation.as_strategy(generation_mode=mode)
            check = _checking(it, mode, complaints)
            bounded = settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=EXAMPLES == 6,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=_HEALTH,
            )
            if time.monotonic() > until:
                return complaints
            try:
                untyped: Any = given(strategy)  # hypothesis does not say what it makes
                bounded(untyped(check))()
            except Exception as problem:  # nothing can be wrong with an endpoint that takes nothing
                if "Unsatisfiable" not in type(problem).__name__ and "Skip" not in type(problem).__name__:
                    raise
    return complaints


def _checking(it: Target, mode: GenerationMode, complaints: list[str]) -> Callable[[Any], None]:
    def check(case: Any) -> None:
        path = case.operation.path
        if "id" in (case.path_parameters or {}) and path not in ENDLESS and case.method != "DELETE":
            case.path_parameters["id"] = it.session
        if mode is GenerationMode.POSITIVE:
            for name in ("bot", "model"):
                with suppress(TypeError):  # a body that is no object
                    if name in case.body:
                        case.body[name] = "main"
        token = BOOTSTRAP if path.startswith("/admin") else it.token
        said = case.call(base_url=it.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        if said.status_code >= 500 and said.status_code not in UNAVAILABLE:
            complaints.append(f"{case.method} {path} {said.status_code} {case.as_curl_command()}")
        it.taken += said.status_code < 300 or said.status_code in UNAVAILABLE
        if 400 <= said.status_code < 500 and case.method != "HEAD" and said.content:
            error: Any = said.json() if "json" in str(said.headers.get("content-type")) else {}
            if "error" not in error and said.status_code not in (400, 404, 405, 413, 431):
                complaints.append(f"{case.method} {path} {said.status_code} says no error: {said.text[:100]}")

    return check
