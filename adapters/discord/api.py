"""Calls Discord's REST API, each within a deadline; only here do its failures become botkit's own errors.

Not through discord.py: its client waits out a rate limit inside the call, holding a text that is old by then (twelve
edits took ten seconds), repeats calls by itself, and has its address in a class, the same for every bot of a process.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from adapters.discord.buckets import GUESS, Route
from adapters.discord.pace import Gate
from adapters.discord.wire import Json, read, snowflake
from botkit import halves
from botkit.budget import Rank
from botkit.errors import AdapterError, Gone, NotAllowed, RateLimited, TooLong, Unreachable

DEADLINE = 15.0
"""Seconds for one call."""
UPLOAD_DEADLINE = 120.0
FREE = ("/interactions/", "/webhooks/")
"""Answers to slash commands and buttons do not count against the account's limit, and have three seconds."""
LOST = (aiohttp.ClientError, AssertionError, TimeoutError, OSError)
"""What a call without an answer ends with. aiohttp asserts that its session is open, and ours closes when we leave."""
USER_AGENT = "DiscordBot (https://github.com/botkit, 0.1)"
"""Discord wants this form, https://docs.discord.com/developers/reference#user-agent."""

_GONE = frozenset({10003, 10004, 10008, 10015, 50083, 160005})
_TOO_LONG = frozenset({40005, 50006, 50035, 50109})
_RATE = frozenset({20016, 20022, 20028, 20029, 30046, 31001, 31002, 40062})
_BUSY = frozenset({130000})
_TOKEN = "the bot's token is wrong or was reset: Developer Portal -> Bot -> Reset Token"
_HINTS = {
    40001: _TOKEN,
    50001: "the bot cannot see the channel: give it View Channels there",
    50007: "the person takes no direct messages from the bot",
    50013: "the bot lacks a permission in the channel: invite it again with the link that `botkit doctor` shows",
}

Named = tuple[Path, str]
"""A file, and what people see it called."""


class Api:
    """One bot's view of the REST API. Never retries: whoever calls knows better what a repeat would do."""

    def __init__(self, token: str, base_url: str) -> None:
        self._token, self._base_url = token, base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self.gate = Gate()

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[aiohttp.ClientSession]:
        """Keep connections open while inside; outside each call makes its own."""
        async with _session() as session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None if self._session is session else self._session

    async def call(
        self,
        method: str,
        template: str,
        *ids: str,
        json: object = None,
        query: Mapping[str, str] | None = None,
        files: Sequence[Named] = (),
        within: float = DEADLINE,
        rank: Rank | None = "urgent",
    ) -> Any:
        """The decoded answer; None where there is none. `{}` in the template stand for `ids`. Raises AdapterErrors.

        `rank`: how it waits at the account's gate; None: whoever calls has waited there.
        """
        path = template.format(*(quote(id, safe="@") for id in ids))
        route = self.route(method, template, *ids)
        if "/channels/{}" in template and not all(snowflake(id) for id in ids):
            raise Gone(f"{method} {path}: there is no such channel or message", code="10003")
        headers = {"User-Agent": USER_AGENT, "Authorization": f"Bot {self._token}"}
        data = await _body(json, files)
        if isinstance(data, bytes):
            headers["Content-Type"] = "application/json"
        if rank is not None and not template.startswith(FREE):
            await self._enter(route, rank, within)
        self.gate.buckets.going(route)
        try:
            async with (
                asyncio.timeout(UPLOAD_DEADLINE if files else within),
                self._opened() as session,
                session.request(method, self._base_url + path, params=query, data=data, headers=headers) as response,
            ):
                return self._heard(route, response, await response.read())
        except LOST as problem:
            raise translate(problem, f"{method} {template}") from problem

    async def _enter(self, route: Route, rank: Rank, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await self.gate.enter(route, rank)
        except TimeoutError:
            left = self.gate.wait(route, urgent=rank == "urgent")
            says = f"{route.method} {route.template}: other requests go first"
            raise RateLimited(says, retry_after=left or GUESS, code="waiting") from None

    @staticmethod
    def route(method: str, template: str, *ids: str) -> Route:
        """The call as rate limits count it."""
        major = template.startswith(("/channels/{}", "/guilds/{}", "/webhooks/{}"))
        return Route(method, template, ids[0] if major and ids else "")

    def _heard(self, route: Route, response: aiohttp.ClientResponse, raw: bytes) -> Any:
        now = asyncio.get_running_loop().time()
        self.gate.buckets.heard(route, response.headers, now)
        says = f"{route.method} {route.template}"
        if response.status == 204:
            return None
        try:
            answer = halves.decode(raw, object)
        except msgspec.DecodeError:
            answer = None
        if 200 <= response.status < 300:
            if answer is None:
                raise Unreachable(f"{says}: not an answer of Discord's", acted=True)
            return answer
        problem = refused(response.status, response.headers, read(answer, Json) or {}, says)
        if isinstance(problem, RateLimited):
            everywhere = "X-RateLimit-Global" in response.headers or problem.code in ("global", "cloudflare")
            self.gate.buckets.limited(route, problem.retry_after, now, everywhere=everywhere)
        raise problem

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[aiohttp.ClientSession]:
        if self._session is not None:
            yield self._session
            return
        async with _session() as session:
            yield session


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=DEADLINE),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,  # proxies, and which hosts need none
    )


async def _body(json: object, files: Sequence[Named]) -> bytes | aiohttp.FormData | None:
    if not files:
        return None if json is None else msgspec.json.encode(json)
    form = aiohttp.FormData(quote_fields=False)  # Discord does not read `files%5B0%5D`
    form.add_field("payload_json", msgspec.json.encode(json).decode(), content_type="application/json")
    for number, (path, name) in enumerate(files):
        try:
            data = await asyncio.to_thread(_bytes, path)
        except OSError as problem:
            raise NotAllowed(f"{name} cannot be read: {problem.strerror}", code="unreadable") from problem
        form.add_field(f"files[{number}]", data, filename=safe_filename(name), content_type="application/octet-stream")
    return form


def _bytes(path: Path) -> bytes:
    # O_NOFOLLOW: a link planted where the file was must not choose what is sent.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def safe_filename(name: str) -> str:
    """A file's name as a header can carry it without quoting."""
    return "".join(letter if letter.isprintable() and letter not in '"\\' else "_" for letter in name)


def translate(problem: Exception, says: str) -> AdapterError:
    """What a call without an answer means."""
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return Unreachable(f"{says}: Discord cannot be reached: {problem}", acted=False)
    return Unreachable(f"{says}: no answer from Discord ({type(problem).__name__})", acted=True)


def refused(status: int, headers: Mapping[str, str], answer: Json, says: str) -> AdapterError:
    """What a refusal means."""
    number = answer.get("code")
    code = number if isinstance(number, int) else 0
    says = f"{says}: {answer.get('message') or f'HTTP {status}'}" + (f" ({code})" if code else "")
    if status == 429 or code in _RATE:
        return _limited(headers, answer, says, code)
    if status >= 500 or code in _BUSY:
        return Unreachable(says, acted=True, code=str(code or status))
    if code in _GONE or (status == 404 and not code):
        return Gone(says, code=str(code or status))
    if code in _TOO_LONG or status == 413:
        return TooLong(says, code=str(code or status))
    hint = _TOKEN if status == 401 else _HINTS.get(code, "")
    return NotAllowed(": ".join(filter(None, (says, hint))), code=str(code or status))


def _limited(headers: Mapping[str, str], answer: Json, says: str, code: int) -> RateLimited:
    said = answer.get("retry_after", headers.get("Retry-After", ""))
    try:
        retry_after = max(0.0, float(said))
    except (TypeError, ValueError):
        retry_after = GUESS
    # Without JSON it was not Discord but Cloudflare in front of it, which counts everything together.
    kind = "cloudflare" if not answer else "global" if answer.get("global") else str(code or 429)
    return RateLimited(says, retry_after=retry_after, code=kind)
