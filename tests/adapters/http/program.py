"""A program that uses botkit's own API, and knows nothing of botkit but what it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.adapters.http.desk import PATIENCE, Desk


@dataclass
class Program:
    """Calls `url` with its key."""

    http: aiohttp.ClientSession
    url: str
    token: str

    async def ask(
        self, method: str, path: str, json: Any = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[int, Any]:
        """The status and the JSON of the answer; its text where it is none."""
        head = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if json is not None:
            more["json"] = json
        async with asyncio.timeout(PATIENCE), self.http.request(method, self.url + path, headers=head, **more) as said:
            return said.status, await (said.json() if said.content_type == "application/json" else said.text())

    async def get(self, path: str, **more: Any) -> Any:
        status, body = await self.ask("GET", path, **more)
        assert status == 200, (status, body)
        return body

    async def post(self, path: str, json: Any = None, *, expected: int = 200, **more: Any) -> Any:
        status, body = await self.ask("POST", path, json, **more)
        assert status == expected, (status, body)
        return body

    async def put(self, path: str, json: Any, **more: Any) -> Any:
        status, body = await self.ask("PUT", path, json, **more)
        assert status == 200, (status, body)
        return body

    async def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str, str]:
        """The status, the code and the field of an error."""
        status, body = await self.ask(method, path, json, **more)
        assert status >= 400, (status, body)
        return status, body["error"]["code"], body["error"].get("field", "")

    async def session(self, **wishes: Any) -> str:
        """A new session's id."""
        made = await self.post("/api/sessions", {"bot": "main", **wishes}, expected=201)
        return str(made["id"])

    async def say(self, session: str, text: str, **more: Any) -> Any:
        return await self.post(f"/api/sessions/{session}/messages", {"text": text, **more})

    async def begin(self, session: str, text: str, **more: Any) -> str:
        """The id of a run."""
        body = {"text": text, "mode": "async", **more}
        return str((await self.post(f"/api/sessions/{session}/messages", body, expected=202))["id"])

    async def ended(self, run: str) -> Any:
        """A run that has ended."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.get(f"/api/runs/{run}"))["ended"] is None:  # noqa: ASYNC110 (that signals nothing)
                await asyncio.sleep(0.02)
        return found

    async def until_told(self, path: str, json: Any, head: Mapping[str, str]) -> Any:
        """The answer to a request with an Idempotency-Key, sent again while it is at work."""
        async with asyncio.timeout(PATIENCE):
            while (said := await self.ask("POST", path, json, headers=head))[0] == 409:
                assert said[1]["error"]["code"] == "in_progress", said
                await asyncio.sleep(0.05)
        assert said[0] < 300, said
        return said[1]

    @asynccontextmanager
    async def streamed(self, session: str, text: str, **more: Any) -> AsyncGenerator[AsyncIterator[dict[str, Any]]]:
        """The events of a message; each with the id it stood under."""
        head, body = {"Authorization": f"Bearer {self.token}"}, {"text": text, "mode": "stream", **more}
        url = f"{self.url}/api/sessions/{session}/messages"
        async with asyncio.timeout(PATIENCE), self.http.post(url, json=body, headers=head) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "text/event-stream"
            yield events(answer)


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Those of a stream, each with the id it stood under."""
    event: dict[str, Any] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        match name:
            case "id":
                event["under"] = value
            case "data":
                event |= json.loads(value)
            case "" if event:
                yield event
                event = {}
            case _:
                pass


async def program(desk: Desk, **key: Any) -> Program:
    """One with a key of its own."""
    token = await desk.key(**key) if key else desk.token
    return Program(desk.http, desk.url, token)


async def listed(me: Program, path: str, **query: Any) -> list[str]:
    """The ids of all pages of a list."""
    ids: list[str] = []
    while True:
        found = await me.get(path, params=query)
        ids += [each["id"] for each in found["data"]]
        if found["next"] is None:
            return ids
        query["after"] = found["next"]
