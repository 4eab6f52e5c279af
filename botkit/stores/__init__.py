"""What botkit remembers, and where: `memory://`, `sqlite:///file`, `redis://host`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from botkit.errors import ConfigError
from botkit.protocols import Store
from botkit.stores.memory import MemoryStore
from botkit.stores.rules import SESSION_TTL

_REDIS = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
}


def open_store(url: str, *, session_ttl: float = SESSION_TTL) -> Store:
    """The store a URL names, still closed: enter it to use it. Raises ConfigError, which never shows the URL.

    `session_ttl`: seconds after which Redis forgets a session by itself; the other stores forget when they are purged.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # Not chained: the error's text may hold the password.
        raise ConfigError("the store's URL cannot be read; percent-encode special characters in the password") from None
    match parts.scheme:
        case "memory":
            return MemoryStore()
        case "sqlite":
            return _sqlite(parts)
        case scheme if scheme in _REDIS:
            return _redis(url, parts, session_ttl)
        case _:
            known = ", ".join(f"{scheme}://" for scheme in ("memory", "sqlite", *_REDIS))
            raise ConfigError(f"the store's URL starts with none of {known}")


def _sqlite(parts: SplitResult) -> Store:
    # Imported here like Redis: a bot that keeps nothing needs neither.
    from botkit.stores.sqlite import SqliteStore

    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or not path or path.startswith(":") or parts.query or parts.fragment:
        raise ConfigError("the store's URL must be sqlite:///relative/file.db or sqlite:////absolute/file.db")
    return SqliteStore(Path(path))


def _redis(url: str, parts: SplitResult, session_ttl: float) -> Store:
    try:
        from botkit.stores.redis import RedisStore
    except ImportError:
        raise ConfigError("this store needs the redis package: pip install botkit[redis]") from None
    return RedisStore(_REDIS[parts.scheme] + url[len(parts.scheme) :], session_ttl=session_ttl)
