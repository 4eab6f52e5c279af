"""The connection to Redis or Valkey: runs scripts within a deadline, and says plainly what went wrong."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as Broken

from botkit.errors import ConfigError, StoreError
from botkit.stores.rules import DEADLINE

CONNECTIONS = 64
"""At most; each carries one question at a time, and a burst must be taken within the platform's deadline."""

Argument = bytes | str | int | float


class Server:
    """A Redis-protocol server (6.2 or newer; not a cluster, as one script touches keys of several slots)."""

    def __init__(self, url: str) -> None:
        self.place = _place(url)
        """Where it is, without the password."""
        # The client's types say less than nothing; what it answers is looked at in the store.
        connections: Any = BlockingConnectionPool
        try:
            pool = connections.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=DEADLINE,
                # Every call has its deadline here. The client's own would cost a task for each command on Python 3.11,
                # whose `wait_for` also swallows a cancellation now and then (python/cpython#86296).
                socket_timeout=None,
                socket_connect_timeout=DEADLINE,
                # Once more at once: connections that were idle while the server restarted are all broken.
                retry=Retry(NoBackoff(), 1, supported_errors=(Broken,)),
                protocol=2,
                decode_responses=False,
            )
        except ValueError:
            raise malformed() from None
        self._redis: Any = Redis(connection_pool=pool)
        self._scripts: dict[str, Any] = {}

    async def run(self, script: str, *args: Argument) -> Any:
        """One round trip; a second one where the server does not know the script yet. Raises StoreError."""
        if script not in self._scripts:
            self._scripts[script] = self._redis.register_script(script)
        return await self._within(self._scripts[script](args=args))

    async def command(self, *args: Argument) -> Any:
        """One command as it is. Raises StoreError."""
        return await self._within(self._redis.execute_command(*args))

    async def close(self) -> None:
        await self._within(self._redis.connection_pool.disconnect())

    async def _within(self, answer: Any) -> Any:
        try:
            async with asyncio.timeout(DEADLINE):
                return await answer
        except TimeoutError:
            raise StoreError(f"{self.place} did not answer within {DEADLINE:g} s") from None
        except (RedisError, OSError, UnicodeEncodeError) as problem:
            raise StoreError(f"{self.place}: {_advice(problem)} ({problem})") from problem


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Not chained: the text of the error would hold a part of the password.
        raise malformed() from None
    database = parts.path.removeprefix("/")
    if parts.fragment or "@" in parts.path + parts.query:
        # A password with an unencoded / ? or #: what looks like the host is a part of it.
        raise malformed()
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    if database and not database.isdecimal():
        raise malformed()
    return f"{parts.scheme}://{parts.hostname or 'localhost'}:{port or 6379}/{database or 0}"


def malformed() -> ConfigError:
    """For a URL that cannot be read, and so cannot be shown without its password either."""
    return ConfigError(
        "the store's URL must be redis://[user:password@]host[:port][/number]; "
        "percent-encode special characters in the password"
    )


def _advice(problem: Exception) -> str:
    match problem:
        case OutOfMemoryError():
            return "the server is out of memory; raise its maxmemory"
        case ReadOnlyError():
            return "this is a read-only replica; use the primary's address"
        case AuthenticationError() | NoPermissionError():
            return "the server refuses this user; check the user name, password and permissions"
        case BusyLoadingError():
            return "the server is still loading its data"
        case ResponseError() if "WRONGTYPE" in str(problem):
            return "a key that starts with botkit: is of another kind; something else writes to this database"
        case ResponseError():
            return "the server refused"
        case UnicodeEncodeError():
            return "an id holds half a character"
        case _:
            return "the server cannot be reached; check that it runs and its address"
