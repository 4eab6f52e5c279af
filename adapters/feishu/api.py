"""Calls Feishu's open platform, each within a deadline; only here do its failures become botkit's own errors.

Not through lark-oapi: see sdk.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from urllib.parse import quote

import aiohttp
import msgspec

from adapters.feishu.refusals import STALE_TOKEN, refused
from adapters.feishu.tokens import Tokens
from adapters.feishu.wire import Json, read
from botkit import halves
from botkit.errors import AdapterError, Unreachable

DEADLINE = 15.0
"""Seconds for one call."""
UPLOAD_DEADLINE = 120.0
LOST = (aiohttp.ClientError, AssertionError, TimeoutError, OSError)
"""What a call without an answer ends with. aiohttp asserts that its session is open, and ours closes when we leave."""
TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"


class Api:
    """One app's view of the open platform.

    Never retries, but for a token that Feishu has replaced: whoever calls knows better what a repeat would do.
    """

    def __init__(self, app_id: str, app_secret: str, base_url: str) -> None:
        self.app_id, self.base_url = app_id, base_url
        self._secret = app_secret
        self._session: aiohttp.ClientSession | None = None
        self._tokens = Tokens(self._fetch_token)

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
        form: Mapping[str, str | tuple[str, bytes]] | None = None,
    ) -> Json:
        """The `data` of the answer, or all of it where there is no `data`. `{}` in the template stand for `ids`.

        `form` is sent as multipart; a pair is a file's name and bytes. Raises AdapterErrors.
        """
        for again in (False, True):
            token = await self._tokens.get()
            try:
                return await self._once(method, template, ids, token, json=json, query=query, form=form)
            except AdapterError as problem:
                if again or problem.code not in STALE_TOKEN:
                    raise
                self._tokens.forget(token)
        raise AssertionError("unreachable")

    async def endpoint(self) -> Json:
        """Where the long connection is to be opened. Raises AdapterErrors."""
        body = {"AppID": self.app_id, "AppSecret": self._secret}
        return await self._once("POST", "/callback/ws/endpoint", (), "", json=body)

    @asynccontextmanager
    async def opened(
        self, template: str, *ids: str, query: Mapping[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """The answer to a GET that is a file. Raises AdapterErrors."""
        url = self.base_url + template.format(*(quote(id, safe="") for id in ids))
        timeout = aiohttp.ClientTimeout(total=UPLOAD_DEADLINE, sock_connect=DEADLINE, sock_read=DEADLINE)
        for again in (False, True):
            token = await self._tokens.get()
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                self._opened() as session,
                session.get(url, params=query, headers=headers, timeout=timeout, allow_redirects=False) as response,
            ):
                if not _is_refusal(response):
                    yield response
                    return
                problem = refused(response.status, response.headers, _object(await response.read()), f"GET {template}")
            if again or problem.code not in STALE_TOKEN:
                raise problem
            self._tokens.forget(token)

    async def _fetch_token(self) -> Json:
        return await self._once("POST", TOKEN, (), "", json={"app_id": self.app_id, "app_secret": self._secret})

    async def _once(
        self,
        method: str,
        template: str,
        ids: tuple[str, ...],
        token: str,
        *,
        json: object = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str | tuple[str, bytes]] | None = None,
    ) -> Json:
        path, says = template.format(*(quote(id, safe="") for id in ids)), f"{method} {template}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data: bytes | aiohttp.FormData | None = _form(form) if form else None
        if json is not None:
            data, headers["Content-Type"] = msgspec.json.encode(json), "application/json; charset=utf-8"
        try:
            async with (
                asyncio.timeout(UPLOAD_DEADLINE if form else DEADLINE),
                self._opened() as session,
                session.request(method, self.base_url + path, params=query, data=data, headers=headers) as response,
            ):
                answer = _object(await response.read())
        except LOST as problem:
            raise translate(problem, says) from problem
        if answer.get("code") != 0 or response.status >= 400:
            raise refused(response.status, response.headers, answer, says)
        return read(answer.get("data"), Json) or answer

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


def _form(fields: Mapping[str, str | tuple[str, bytes]]) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)  # names of files come as they are, in UTF-8
    for name, value in fields.items():
        if isinstance(value, str):
            form.add_field(name, value)
        else:
            safe = "".join(letter if letter.isprintable() and letter not in '"\\' else "_" for letter in value[0])
            form.add_field(name, BytesIO(value[1]), filename=safe, content_type="application/octet-stream")
    return form


def _is_refusal(response: aiohttp.ClientResponse) -> bool:
    """Whether it is no file: a refusal is JSON whatever its status, and a file that is JSON has a name."""
    return response.status != 200 or (
        response.content_type == "application/json" and "Content-Disposition" not in response.headers
    )


def _object(raw: bytes) -> Json:
    """The JSON object in an answer; {} where there is none."""
    try:
        return halves.decode(raw, Json)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}


def translate(problem: Exception, says: str) -> AdapterError:
    """What a call without an answer means."""
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return Unreachable(f"{says}: Feishu cannot be reached: {problem}", acted=False)
    return Unreachable(f"{says}: no answer from Feishu ({type(problem).__name__})", acted=True)
