"""Calls Slack's Web API, each within a deadline; only here do its failures become botkit's own errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from adapters.slack.methods import READS, Method
from adapters.slack.sdk import Answer, Json, web_client
from botkit.errors import AdapterError, Gone, NotAllowed, RateLimited, TooLong, Unreachable

DEADLINE = 15.0
"""Seconds for one call; Slack itself answers within about three."""
GUESS = 5.0
"""Seconds to wait after a 429 that does not say how long."""

_GONE = frozenset(
    {"channel_not_found", "is_archived", "message_not_found", "thread_not_found", "file_not_found", "file_deleted"}
)
_TOO_LONG = frozenset(
    {
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "markdown_text_conflict",
        "message_too_long",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
    }
)
_BUSY = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
_REVOKED = "the token is wrong or revoked: copy it again from the app's page, or reinstall the app"
_HINTS = {
    "account_inactive": _REVOKED,
    "invalid_auth": _REVOKED,
    "not_authed": _REVOKED,
    "token_expired": _REVOKED,
    "token_revoked": _REVOKED,
    "not_allowed_token_type": "this kind of token is not accepted here: bot_token is xoxb-…, app_token is xapp-…",
    "not_in_channel": "the bot is not in the channel: /invite it",
    "restricted_action": "a workspace setting forbids it: ask an administrator",
}

__all__ = ["DEADLINE", "Api", "Json", "next_cursor", "proxy_for", "translate"]


class Api:
    """One token's view of the Web API. Never retries: whoever calls knows better what a repeat would do."""

    def __init__(self, token: str, base_url: str) -> None:
        self._client = web_client(token, base_url, timeout=DEADLINE, proxy=proxy_for(base_url))
        self.token = token
        self.base_url = self._client.base_url

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[None]:
        """Keep connections open while inside; outside each call makes its own."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE)) as session:
            self._client.session = session
            try:
                yield
            finally:
                self._client.session = None

    async def call(self, method: Method, **arguments: object) -> Json:
        """The answer of a method. Raises `AdapterError`s."""
        data = (await self._ask(method, arguments)).data
        return data if isinstance(data, dict) else {}

    async def whoami(self) -> tuple[Json, frozenset[str] | None]:
        """The answer of auth.test, and the token's scopes; None where Slack does not say them."""
        answer = await self._ask("auth.test", {})
        given = answer.headers.get("x-oauth-scopes")
        scopes = None if given is None else frozenset(scope for part in given.split(",") if (scope := part.strip()))
        return (answer.data if isinstance(answer.data, dict) else {}), scopes

    async def _ask(self, method: Method, arguments: Mapping[str, object]) -> Answer:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            async with asyncio.timeout(DEADLINE):
                if method in READS:
                    return await self._client.api_call(method, http_verb="GET", params=given)
                return await self._client.api_call(method, json=given)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise translate(problem, method) from problem


def translate(problem: Exception, method: str) -> AdapterError:
    """What a failed call means."""
    if isinstance(problem, SlackApiError):
        return _refused(problem, method)
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return Unreachable(f"{method}: Slack cannot be reached: {problem}", acted=False)
    return Unreachable(f"{method}: no answer from Slack ({type(problem).__name__})", acted=True)


def _refused(problem: SlackApiError, method: str) -> AdapterError:
    response: Any = problem.response  # AsyncSlackResponse, or aiohttp's where the body was no JSON
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    data: Json | bytes | None = getattr(response, "data", None)
    answer = data if isinstance(data, dict) else {}
    code = str(answer.get("error", ""))
    says = f"{method}: {code or f'HTTP {status}'}"
    if status == 429 or code in ("ratelimited", "rate_limited", "message_limit_exceeded"):
        return RateLimited(says, retry_after=_seconds(headers.get("Retry-After", "")), code=code or "ratelimited")
    if code in _GONE:
        return Gone(says, code=code)
    if code in _TOO_LONG:
        return TooLong(says, code=code)
    if code in _BUSY or (not code and (status >= 500 or status < 400)):
        return Unreachable(says, acted=True, code=code)
    if code == "missing_scope":
        needed = answer.get("needed", "")
        return NotAllowed(f"{says}: add the scope {needed!r} to the app and reinstall it", code=code)
    return NotAllowed(": ".join(filter(None, (says, _HINTS.get(code, "")))), code=code)


def _seconds(retry_after: str) -> float:
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return GUESS


def next_cursor(answer: Json) -> str:
    """Where the next page of an answer begins; '' on the last."""
    following: Json | None = answer.get("response_metadata")
    return str(following.get("next_cursor") or "") if following else ""


def proxy_for(url: str) -> str | None:
    """The proxy the environment names for an address. slack_sdk's own reading of it does not know NO_PROXY."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    return proxies.get("https" if parts.scheme in ("https", "wss") else "http")
