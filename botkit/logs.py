"""Logs: one line for each event, as JSON or for people, with no secret and nothing that could forge a line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterable, Mapping, Set
from typing import Literal, TextIO, TypeGuard

import msgspec
import structlog
from structlog.types import EventDict, Processor

from botkit.redact import Redactor, neutral

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console"]

MAX_DEPTH = 8
"""Of nested values; what lies deeper is left out."""
FIRST = ("timestamp", "level", "event")
"""What a line begins with."""
TRACES = ("exception", "stack")
"""Fields that keep their lines; for people they are indented, so that none can pass for an event."""

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def configure(level: Level, format: Format, secrets: Iterable[str] = (), stream: TextIO | None = None) -> Redactor:
    """Set up logging for the whole process, libraries included; may be called again. Returns what hides the secrets.

    `stream` is stderr when not given.
    """
    redactor, out = Redactor(secrets), sys.stderr if stream is None else stream
    people = format == "console" or (format == "auto" and out.isatty())
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A reload may change the level; loggers made at import must see it.
        cache_logger_on_first_use=False,
    )
    last: tuple[Processor, ...] = (_indented, _console(out)) if people else (_json,)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=(structlog.stdlib.ProcessorFormatter.remove_processors_meta, _Clean(redactor), *last),
    )
    _install(formatter, level, out)
    return redactor


def _install(formatter: structlog.stdlib.ProcessorFormatter, level: Level, stream: TextIO) -> None:
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # It tells every rule of every text it parses.
    logging.getLogger("markdown_it").setLevel(logging.INFO)


class _Clean:
    """A processor that makes every value plain data, redacted, on one line."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _: object, __: str, event: EventDict) -> EventDict:
        return {
            self._text(key): self._trace(value) if key in TRACES else self._plain(value, 0)
            for key, value in event.items()
        }

    def _text(self, value: object) -> str:
        return neutral(self._redactor.redact(str(value)))

    def _trace(self, value: object) -> str:
        return "\n".join(neutral(line) for line in self._redactor.redact(str(value)).split("\n"))

    def _plain(self, value: object, depth: int) -> object:
        if _table(value):
            inside = value.items() if depth < MAX_DEPTH else ()
            return {self._text(key): self._plain(inner, depth + 1) for key, inner in inside}
        if _many(value):
            return [self._plain(inner, depth + 1) for inner in (value if depth < MAX_DEPTH else ())]
        return self._single(value)

    def _single(self, value: object) -> object:
        match value:
            case None | bool() | float():
                return value
            case int():
                return value if abs(value) < 2**63 else str(value)
            case bytes():
                return self._text(value.decode("utf-8", "backslashreplace"))
            case BaseException():
                return self._text(f"{type(value).__name__}: {value}")
            case _:
                return self._text(value)


def _table(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _many(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, list | tuple | Set)


def _json(_: object, __: str, event: EventDict) -> str:
    return msgspec.json.encode({**{key: event[key] for key in FIRST if key in event}, **event}).decode()


def _indented(_: object, __: str, event: EventDict) -> EventDict:
    return {
        key: "\n".join(f"    {line}" for line in str(value).split("\n")) if key in TRACES else value
        for key, value in event.items()
    }


def _console(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
    )
