"""The one web server: adapters mount their webhooks on it, and it says whether botkit is alive and ready."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import structlog
from aiohttp import web

from botkit.addresses import loopback
from botkit.door import Crowded, listen, room
from botkit.errors import BotkitError, ConfigError, StoreError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Unknown = Callable[[web.Request, Collection[str]], web.Response]
"""The answer to a path nobody serves; with methods, it is served for those only."""
Check = Callable[[], Awaitable[bool]]
"""Whether a part can do its work; a `BotkitError` or no answer in time is no."""

log = structlog.get_logger("botkit")

MAX_BODY = 1024 * 1024
"""Bytes of a request's body; the platforms' events are far below it."""
REQUEST_TIME = 30.0
"""Seconds a handler may take unless it was mounted with another time."""
CHECK_TIME = 2.0
"""Seconds all readiness checks together may take."""
IDLE_TIME = 75.0
"""Seconds a connection may be open without the head of a request, or its client take nothing; longer than proxies keep
theirs."""
CLOSE_TIME = 5.0
"""Seconds running requests are waited for when the server closes."""

_NO_PATH = '{"error": {"code": "not_found", "message": "there is no such path"}}'
_NO_METHOD = '{"error": {"code": "method_not_allowed", "message": "this path takes other methods; see Allow"}}'
_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class _Mounted:
    method: str
    path: str
    pattern: re.Pattern[str]
    handler: Handler
    seconds: float | None


class Web:
    """Serves while inside `async with`. Mounting and unmounting work before that and meanwhile."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        loopback_only: bool = False,
        max_body: int = MAX_BODY,
        idle: float = IDLE_TIME,
        most: int = 0,
    ) -> None:
        """`port` 0 takes a free one. `loopback_only` refuses to be reachable from other machines.

        `idle`: see `IDLE_TIME`. `most`: connections at once; 0 is as many as there are descriptors for.
        """
        if loopback_only and not loopback(host):
            raise ConfigError(f"refuses to listen on {host}: only this machine may reach it", key="http.host")
        self._host, self._port, self._max_body, self._idle, self._most = host, port, max_body, idle, most or room()
        self._mounted: dict[tuple[str, str], _Mounted] = {}
        self._checks: dict[str, Check] = {}
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self.on_close: list[Callable[[], None]] = []
        """Called when it begins to close, before it waits for requests: what has no end of its own is to end now."""
        self.on_unknown: dict[str, Unknown] = {}
        """Answer what nobody serves, by what its path begins with."""

    @property
    def port(self) -> int:
        """The port it listens on; the configured one before it does."""
        return int(self._listening.sockets[0].getsockname()[1]) if self._listening else self._port

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def mount(self, method: str, path: str, handler: Handler, *, seconds: float | None = REQUEST_TIME) -> None:
        """Serve a path; `{name}` in it stands for one part, found in `request.match_info`.

        `seconds` None is for what streams. Raises ConfigError when the path is taken.
        """
        key = method.upper(), path
        if key in self._mounted or path in ("/healthz", "/readyz"):
            raise ConfigError(f"two adapters want {method.upper()} {path}")
        parts = _FIELD.split(path)
        pattern = "".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
        self._mounted[key] = _Mounted(key[0], path, re.compile(pattern), handler, seconds)

    def unmount(self, prefix: str) -> None:
        """Stop serving every path that begins with `prefix`; requests that run are finished."""
        for key in [key for key in self._mounted if key[1].startswith(prefix)]:
            del self._mounted[key]

    def check(self, name: str, check: Check) -> None:
        """Let `/readyz` ask this too; a check of the same name is replaced."""
        self._checks[name] = check

    async def __aenter__(self) -> Web:
        app = web.Application(client_max_size=self._max_body)
        app.router.add_get("/healthz", _alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_route("*", "/{path:.*}", self._serve)
        app.on_shutdown.append(self._closes)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_TIME, keepalive_timeout=self._idle)
        await runner.setup()
        assert runner.server is not None
        try:
            self._listening = await listen(runner.server, self._host, self._port, self._most, self._idle)
        except OSError as problem:
            await runner.cleanup()
            raise self._refused(problem) from problem
        self._runner = runner
        asyncio.get_running_loop().set_exception_handler(Crowded())
        log.info("web_listening", url=self.url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None and self._listening is not None:
            self._listening.close()
            await self._runner.cleanup()
            self._runner = self._listening = None
            asyncio.get_running_loop().set_exception_handler(None)

    async def _closes(self, _: web.Application) -> None:
        for call in self.on_close:
            call()

    def _refused(self, problem: OSError) -> ConfigError:
        where = f"{self._host}:{self._port}"
        match problem.errno:
            case errno.EADDRINUSE:
                return ConfigError(f"{where} is in use; end the other program or choose another port", key="http.port")
            case errno.EACCES:
                return ConfigError(f"{where} needs more rights; ports below 1024 are reserved", key="http.port")
            case errno.EADDRNOTAVAIL:
                return ConfigError(f"{self._host} is not an address of this machine", key="http.host")
            case _ if isinstance(problem, socket.gaierror):
                return ConfigError(f"{self._host} is not an address", key="http.host")
            case _:
                return ConfigError(f"cannot listen on {where}: {problem}", key="http")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            found, fields = self._find(request.method, request.path, request.rel_url.raw_path)
        except web.HTTPNotFound as unknown:
            return self._unknown(request, (), unknown)
        except web.HTTPMethodNotAllowed as unknown:
            return self._unknown(request, unknown.allowed_methods, unknown)
        request.match_info.clear()
        request.match_info.update(fields)
        try:
            if found.seconds is None:
                return await found.handler(request)
            async with asyncio.timeout(found.seconds):
                return await found.handler(request)
        except TimeoutError:
            log.warning("request_timeout", path=found.path, seconds=found.seconds)
            raise web.HTTPGatewayTimeout from None
        except StoreError as problem:
            # Nothing was made durable: the sender must try again.
            log.warning("request_not_stored", path=found.path, problem=str(problem))
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}) from None

    def _unknown(self, request: web.Request, allowed: Collection[str], usual: web.HTTPError) -> web.Response:
        answer = next((each for start, each in self.on_unknown.items() if request.path.startswith(start)), None)
        if answer is None:
            raise usual
        response = answer(request, allowed)
        if allowed:
            response.headers["Allow"] = ",".join(sorted(allowed))
        return response

    def _find(self, method: str, path: str, raw: str) -> tuple[_Mounted, Mapping[str, str]]:
        """`raw`: the path as it was sent, where a `/` that belongs to a name is written as %2F."""
        exact = self._mounted.get((method, path))
        if exact is not None:
            return exact, {}
        allowed: set[str] = set()
        for mounted in self._mounted.values():
            match = mounted.pattern.fullmatch(raw)
            if match is not None and mounted.method == method:
                return mounted, {name: unquote(value) for name, value in match.groupdict().items()}
            if match is not None:
                allowed.add(mounted.method)
        if allowed:
            raise web.HTTPMethodNotAllowed(method, allowed, text=_NO_METHOD, content_type="application/json")
        raise web.HTTPNotFound(text=_NO_PATH, content_type="application/json")

    async def _ready(self, _: web.Request) -> web.Response:
        names = list(self._checks)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_passes(self._checks[name])) for name in names]
        results = {name: task.result() for name, task in zip(names, tasks, strict=True)}
        ready = all(results.values())
        return web.json_response({"ready": ready, "checks": results}, status=200 if ready else 503)


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIME):
            return await check()
    except (BotkitError, TimeoutError) as problem:
        log.info("not_ready", problem=str(problem) or type(problem).__name__)
        return False
