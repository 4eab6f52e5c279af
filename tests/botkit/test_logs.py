"""What stands in the logs, and what never does."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from botkit.logs import configure

SECRET = "xoxb-very-secret-1"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is the process's own: put back what other tests rely on."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_fields() -> None:
    stream = io.StringIO()
    configure("info", "auto", stream=stream)
    structlog.get_logger("botkit").info("answered", turn="t1", seconds=1.5, cost=None, tools=["Bash"])
    (line,) = lines(stream)
    assert line.pop("timestamp")
    assert line == {
        "level": "info",
        "event": "answered",
        "turn": "t1",
        "seconds": 1.5,
        "cost": None,
        "tools": ["Bash"],
        "logger": "botkit",
    }


def test_a_level_hides_what_is_below_it_and_may_change_later() -> None:
    stream, log = io.StringIO(), structlog.get_logger("botkit")
    configure("warning", "json", stream=stream)
    log.info("hidden")
    configure("debug", "json", stream=stream)
    log.debug("shown")
    assert [line["event"] for line in lines(stream)] == ["shown"]


def test_a_library_logs_into_the_same_stream_in_the_same_form() -> None:
    stream = io.StringIO()
    configure("info", "json", [SECRET], stream=stream)
    logging.getLogger("slack_bolt.App").warning("token %s is wrong", SECRET)
    logging.getLogger("slack_bolt.App").debug("not at this level")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("token [secret] is wrong", "slack_bolt.App", "warning")


class Odd:
    def __repr__(self) -> str:
        return f"Odd({SECRET})"


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_secret_is_in_no_field_however_deep(format: str) -> None:
    stream = io.StringIO()
    configure("info", "json" if format == "json" else "console", [SECRET], stream=stream)
    structlog.get_logger("botkit").info(
        f"event {SECRET}",
        text=f"in {SECRET} text",
        nested={"list": [{"deep": (SECRET, SECRET.encode())}], SECRET: 1},
        problem=ValueError(SECRET),
        odd=Odd(),
        some={SECRET},
    )
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("[secret]") >= 8


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_secret_is_in_no_traceback(format: str) -> None:
    stream = io.StringIO()
    configure("info", "json" if format == "json" else "console", [SECRET], stream=stream)
    try:
        try:
            raise ValueError(f"inner {SECRET}")
        except ValueError as inner:
            raise RuntimeError(f"outer {SECRET}") from inner
    except RuntimeError:
        structlog.get_logger("botkit").exception("failed")
        logging.getLogger("aiohttp.server").exception("failed")
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("inner [secret]") >= 2


def test_nobody_can_forge_a_line_or_drive_the_terminal() -> None:
    stream = io.StringIO()
    configure("info", "console", stream=stream)
    evil = "hi\r\n2026-01-01T00:00:00Z [error] \x1b]0;owned\x07\x1b[2J\u2028forged\u202e"
    structlog.get_logger("botkit").info("said", text=evil, **{"key\nforged": 1})
    logging.getLogger("aiohttp").error(evil)
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_an_error_with_a_forged_line_stays_inside_its_own_traceback() -> None:
    stream = io.StringIO()
    configure("info", "console", stream=stream)
    try:
        raise ValueError("bad\n2026-01-01T00:00:00Z [info] forged\x1b[2J")
    except ValueError:
        structlog.get_logger("botkit").exception("failed")
    first, *rest = stream.getvalue().splitlines()
    assert "failed" in first
    assert all(line.startswith("    ") for line in rest)


def test_odd_values_are_logged_rather_than_lost() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    loop: list[object] = []
    loop.append(loop)
    structlog.get_logger("botkit").info(
        "odd", big=2**70, lone="\ud800", none=None, cyclic=loop, not_a_number=float("nan")
    )
    (line,) = lines(stream)
    assert (line["big"], line["lone"], line["not_a_number"]) == (str(2**70), "\\ud800", None)


def test_fields_of_the_context_are_in_every_line() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    with structlog.contextvars.bound_contextvars(turn="t9"):
        logging.getLogger("aiohttp").warning("slow")
    assert lines(stream)[0]["turn"] == "t9"
