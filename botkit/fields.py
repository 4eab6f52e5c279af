"""What a value in bots.toml may look like: durations, rates, paths, command lines, secrets."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from botkit.limits import Rate
from botkit.plugins import Group, names

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_BOT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_RATE = re.compile(r"(\d+)\s*(?:per|/)\s*(?:(\d+)\s*)?(second|minute|hour|day)s?")
_SECRET_NAME = re.compile(
    r"(token|secret|password|passwd|credential|api_?key|access_?key|private_?key)s?$", re.IGNORECASE
)


def parse_duration(value: object) -> object:
    """Seconds of "90s", "15m", "12h" or "30d"; a number is seconds already."""
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        try:
            return float(value)
        except ValueError:
            raise ValueError('expected a duration such as "90s", "15m", "12h" or "30d"') from None
    return float(match[1]) * _UNITS[match[2]]


def duration_text(seconds: float) -> str:
    """The shortest way to write a duration in bots.toml."""
    for unit, size in reversed(_UNITS.items()):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def _not_negative(seconds: float) -> float:
    if not 0 <= seconds < float("inf"):
        raise ValueError("expected a duration of 0 or more")
    return seconds


def parse_rate(value: object) -> object:
    """The rate of "20 per minute" or "100 per 6 hours"; "" is no limit."""
    if isinstance(value, Rate) or value is None:
        return value
    if not isinstance(value, str):
        raise ValueError('expected a rate such as "20 per minute"')
    if not value.strip():
        return None
    match = _RATE.fullmatch(value.strip().lower())
    if match is None or int(match[1]) < 1 or int(match[2] or 1) < 1:
        raise ValueError('expected a rate such as "20 per minute" or "100 per 6 hours"; "" is no limit')
    return Rate(int(match[1]), float(int(match[2] or 1) * _PERIODS[match[3]]))


def rate_text(rate: Rate | None) -> str:
    """A rate as it is written in bots.toml."""
    if rate is None:
        return ""
    name, size = next(
        (name, size) for name, size in reversed(_PERIODS.items()) if size == 1 or rate.seconds % size == 0
    )
    many = rate.seconds / size
    return f"{rate.count} per {name}" if many == 1 else f"{rate.count} per {many:g} {name}s"


def parse_command(value: object) -> object:
    """A command line, written as one string or as a list."""
    return tuple(shlex.split(value)) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Root:
    """Where relative paths start: pydantic's validation context when a config is read."""

    folder: Path


def _from_root(path: Path, info: ValidationInfo) -> Path:
    path = path.expanduser()
    return info.context.folder / path if isinstance(info.context, Root) else path


def _path_or_json(value: str, info: ValidationInfo) -> str:
    if not value or value.lstrip().startswith("{"):
        return parse_json(value)
    return str(_from_root(Path(value), info))


def parse_json(value: str) -> str:
    """A JSON object as text, checked; "" is none."""
    if value:
        try:
            msgspec.json.decode(value.encode(), type=dict[str, object])
        except msgspec.DecodeError as problem:
            raise ValueError(f"expected a JSON object: {problem}") from None
    return value


def _store_url(url: str, info: ValidationInfo) -> str:
    if not url.startswith(("memory://", "sqlite:///", "redis://", "rediss://", "unix://")):
        raise ValueError('expected "sqlite:///file", "redis://host:6379/0" or "memory://"')
    scheme, _, path = url.partition(":///")
    return f"sqlite:///{_from_root(Path(path), info)}" if scheme == "sqlite" and path else url


def _bot_name(name: str) -> str:
    if not _BOT_NAME.fullmatch(name):
        raise ValueError("expected a name of at most 32 lower-case letters, digits, - and _")
    return name


def public_url(url: str) -> str:
    """Without a slash at its end. Raises ValueError."""
    if url and not re.match(r"https?://[^/]", url):
        raise ValueError('expected a URL such as "https://bots.example.com"')
    return url.rstrip("/")


def _installed(group: Group, name: str) -> str:
    """`module:attribute` names somebody's own code, which is looked for only when the bot is made."""
    known = names(group)
    if name not in known and ":" not in name:
        raise ValueError(f'expected one of {", ".join(known)}, or "module:attribute"')
    return name


def secret_name(name: str) -> bool:
    """Whether a key or an environment variable of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


Seconds = Annotated[float, BeforeValidator(parse_duration), AfterValidator(_not_negative)]
"""A duration, kept in seconds."""
FilePath = Annotated[Path, AfterValidator(_from_root)]
"""A path; a relative one starts at the folder of the config file."""
PathOrJson = Annotated[str, AfterValidator(_path_or_json)]
JsonText = Annotated[str, AfterValidator(parse_json)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
"""A relative SQLite file starts at the folder of the config file."""
PublicUrl = Annotated[str, AfterValidator(public_url)]
BotName = Annotated[str, AfterValidator(_bot_name)]
HandlerName = Annotated[str, AfterValidator(partial(_installed, "handlers"))]
MiddlewareName = Annotated[str, AfterValidator(partial(_installed, "middleware"))]
Command = Annotated[tuple[str, ...], BeforeValidator(parse_command)]
RateText = Annotated[Rate | None, BeforeValidator(parse_rate)]
