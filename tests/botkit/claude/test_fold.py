"""What the CLI says becomes events: lines as the real CLI (2.1.329) writes them, shortened."""

from __future__ import annotations

import time

import msgspec
import pytest

from botkit.claude import wire
from botkit.claude.fold import Fold
from botkit.claude.outcome import outcome, usage
from botkit.events import (
    Compacting,
    Retrying,
    TextDelta,
    ThinkingDelta,
    Todo,
    TodoChanged,
    ToolFinished,
    ToolStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)


def line(**fields: object) -> bytes:
    return msgspec.json.encode(fields)


def stream(parent: str | None = None, **delta: object) -> bytes:
    event = {"type": "content_block_delta", "index": 0, "delta": delta}
    return line(type="stream_event", event=event, parent_tool_use_id=parent, session_id="s", uuid="u", ttft_ms=3)


def said(*blocks: dict[str, object], parent: str | None = None, **more: object) -> bytes:
    message = {"id": "m", "role": "assistant", "model": "claude", "content": list(blocks)}
    return line(type="assistant", message=message, parent_tool_use_id=parent, **more)


def tool(id: str, name: str, **given: object) -> dict[str, object]:
    return {"type": "tool_use", "id": id, "name": name, "input": given}


def result_of(id: str, content: object, *, error: bool | None = None, result: object = None) -> bytes:
    block = {"type": "tool_result", "tool_use_id": id, "content": content, "is_error": error}
    return line(type="user", message={"role": "user", "content": [block]}, tool_use_result=result)


def fold(*lines: bytes, into: Fold | None = None) -> list[TurnEvent]:
    state = into or Fold()
    events: list[TurnEvent] = []
    for each in lines:
        decoded = wire.decode(each)
        assert decoded is not None
        assert not isinstance(decoded, wire.Unknown), each
        events += state.take(decoded)
    return events


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        ([line(type="system", subtype="init", session_id="s", model="m", tools=[])], [TurnStarted("s", "m")]),
        ([stream(type="text_delta", text="a"), said(text("a"))], [TextDelta("a")]),
        ([stream(type="thinking_delta", thinking="hm")], [ThinkingDelta("hm")]),
        ([said({"type": "thinking", "thinking": "hm"})], [ThinkingDelta("hm")]),
        ([stream(type="signature_delta", signature="x"), stream(type="input_json_delta", partial_json="{")], []),
        ([said(text("whole"))], [TextDelta("whole")]),
        ([said(text("one")), said(text("two"))], [TextDelta("one"), TextDelta("\n\ntwo")]),
        ([stream("t1", type="text_delta", text="sub"), said(text("sub"), parent="t1")], [TextDelta("sub", "t1")]),
        ([said(text("sub"), parent="t1")], [TextDelta("sub", "t1")]),
        (
            [said(tool("t1", "Bash", command="ls\n  -l")), result_of("t1", "a\nb")],
            [ToolStarted("t1", "Bash", "ls -l"), ToolFinished("t1", True, "a\nb")],
        ),
        (
            [said(tool("t1", "Read", file_path="/x"), parent="t0"), result_of("t1", [text("no")], error=True)],
            [ToolStarted("t1", "Read", "/x", "t0"), ToolFinished("t1", False, "no")],
        ),
        ([said(tool("t1", "Grep", pattern="a.b", path="src"))], [ToolStarted("t1", "Grep", "a.b src")]),
        ([said(tool("t1", "WebFetch", url="https://x.test"))], [ToolStarted("t1", "WebFetch", "https://x.test")]),
        ([said(tool("t1", "Task", description="look", prompt="…"))], [ToolStarted("t1", "Task", "look")]),
        ([said(tool("t1", "mcp__a__b", other=1, query="q"))], [ToolStarted("t1", "mcp__a__b", "q")]),
        ([result_of("unknown", "x")], []),
        (
            [line(type="system", subtype="api_retry", attempt=2, retry_delay_ms=1500, error_status=529)],
            [Retrying(2, 1.5, 529)],
        ),
        (
            [line(type="system", subtype="api_retry", attempt=1, retry_delay_ms=0.5, error_status=None)],
            [Retrying(1, 0.0005, 0)],
        ),
        (
            [
                line(type="system", subtype="status", status="compacting"),
                line(type="system", subtype="status", status="compacting"),
                line(type="system", subtype="compact_boundary"),
                line(type="system", subtype="status", status=None),
            ],
            [Compacting(True), Compacting(False)],
        ),
        ([line(type="system", subtype="status", status="requesting")], []),
        ([line(type="user", message={"content": "hi"}, isReplay=True, uuid="u")], []),
        (
            [said(tool("t1", "TodoWrite", todos=[{"content": "a", "status": "in_progress", "activeForm": "A"}]))],
            [ToolStarted("t1", "TodoWrite", ""), TodoChanged((Todo("a", "active"),))],
        ),
        (
            [
                said(tool("t1", "TaskCreate", subject="a", description="d")),
                result_of("t1", "Task #1 created", result={"task": {"id": "1", "subject": "a"}}),
                said(tool("t2", "TaskUpdate", taskId="1", status="completed")),
            ],
            [
                ToolStarted("t1", "TaskCreate", "a"),
                ToolFinished("t1", True, "Task #1 created"),
                TodoChanged((Todo("a", "pending"),)),
                ToolStarted("t2", "TaskUpdate", "1 completed"),
                TodoChanged((Todo("a", "done"),)),
            ],
        ),
    ],
)
def test_lines_become_events(lines: list[bytes], events: list[TurnEvent]) -> None:
    assert fold(*lines) == events


@pytest.mark.parametrize(
    "garbage",
    [
        b"x",
        b"[1,2]",
        b'{"type":42}',
        b"null",
        b"\0",
        b"\xff\xfe",
        b'"s"',
        b'{"type":"stream_event"}',
        b"{" * 5000,
        b"[" * 100_000,
        line(type="stream_event", event={"type": "new"}),
        line(type="new"),
        said(text("x"))[:-1],
        line(type="result"),
    ],
)
def test_garbage_is_recognised_and_never_raises(garbage: bytes) -> None:
    assert isinstance(wire.decode(garbage), wire.Unknown)


def test_empty_lines_are_nothing() -> None:
    assert wire.decode(b"") is None
    assert wire.decode(b"  \r") is None


def test_long_outputs_are_cut() -> None:
    state = Fold()
    events = fold(said(tool("t", "Bash", command="x" * 9999)), result_of("t", "y" * 99_999), into=state)
    assert isinstance(events[0], ToolStarted)
    assert isinstance(events[1], ToolFinished)
    assert len(events[0].summary) == 200
    assert len(events[1].output) == 4000


def test_tools_that_never_ended_are_closed() -> None:
    state = Fold()
    fold(said(tool("t", "Bash", command="x")), into=state)
    assert list(state.close()) == [ToolFinished("t", False)]
    assert list(state.close()) == []


def ended(before: list[bytes], baseline: float = 0.0, **fields: object) -> TurnFinished | TurnFailed:
    state = Fold()
    fold(*before, into=state)
    decoded = wire.decode(line(**{"type": "result", "subtype": "success", "session_id": "s", **fields}))
    assert isinstance(decoded, wire.Result)
    return outcome(decoded, state, usage(decoded, state.tools, baseline))


def test_the_outcome_holds_all_text_and_what_the_turn_took() -> None:
    finished = ended(
        [said(text("Looking.")), said(tool("t", "Bash", command="x")), said(text("Done."))],
        result="Done.",
        total_cost_usd=0.5,
        duration_ms=1500,
        usage={"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4},
        permission_denials=[{"tool_name": "Bash", "tool_use_id": "t", "tool_input": {"command": "rm x"}}],
        baseline=0.2,
    )
    assert isinstance(finished, TurnFinished)
    assert finished.text == "Looking.\n\nDone."
    assert finished.denials == ("Bash rm x",)
    took = finished.usage
    assert (took.input_tokens, took.output_tokens, took.cache_read_tokens, took.cache_write_tokens) == (1, 2, 3, 4)
    assert (took.cost, took.seconds, took.tools, took.total) == (0.3, 1.5, 1, 0.5)


def test_a_cost_that_began_anew_is_not_negative() -> None:
    assert ended([], 0.4, total_cost_usd=0.1).usage.cost == 0.1


@pytest.mark.parametrize(
    ("before", "fields", "reason", "retryable"),
    [
        ([], {"is_error": True, "api_error_status": 529, "result": "API Error: 529"}, "api", True),
        ([], {"is_error": True, "api_error_status": 400, "result": "API Error: 400"}, "api", False),
        ([], {"is_error": True, "api_error_status": 401}, "login", False),
        ([said(text("Not logged in"), error="authentication_failed")], {"is_error": True}, "login", False),
        ([], {"subtype": "error_max_budget_usd", "is_error": True, "errors": ["max"]}, "budget", False),
        ([], {"subtype": "error_during_execution", "is_error": True, "errors": ["a", "b"]}, "error", False),
        ([], {"subtype": "error_during_execution", "terminal_reason": "aborted_tools"}, "stopped", True),
    ],
)
def test_failures_have_a_reason(before: list[bytes], fields: dict[str, object], reason: str, retryable: bool) -> None:
    failed = ended(before, 0.0, **fields)
    assert isinstance(failed, TurnFailed)
    assert (failed.reason, failed.retryable) == (reason, retryable)


def test_the_cli_s_own_word_for_a_failed_request_is_not_shown_as_an_answer_too() -> None:
    refused = said(text("Not logged in · Please run /login"), error="authentication_failed")
    assert fold(refused) == []
    failed = ended([refused], 0.0, is_error=True, result="Not logged in · Please run /login")
    assert isinstance(failed, TurnFailed)
    assert failed.detail == "Not logged in · Please run /login", "the outcome says it"


def test_a_delta_costs_microseconds() -> None:
    state, delta = Fold(), stream(type="text_delta", text="word " * 5)
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        for _ in range(2000):
            decoded = wire.decode(delta)
            assert isinstance(decoded, wire.Stream)
            for _event in state.take(decoded):
                pass
        best = min(best, (time.process_time() - began) / 2000)
    assert best < 20e-6  # about 2 on a free core; ten times that on a crowded one


def test_what_comes_together_of_one_text_is_one_piece_and_all_stays_in_order() -> None:
    def word(text: str, parent: str | None = None) -> bytes:
        return stream(parent, type="text_delta", text=text)

    stop = line(type="stream_event", event={"type": "content_block_stop", "index": 0})
    got = wire.read(
        [word("a"), word("b"), b"", word("c"), word("d", "t1"), word("e", "t1"), word("f"), stop, word("g"), None]
    )
    said = [each.event for each in got if isinstance(each, wire.Stream)]
    assert [each.delta for each in said if isinstance(each, wire.Delta)] == [
        wire.TextPart(text) for text in ("abc", "de", "f", "g")
    ]
    assert said[3] == wire.BlockStop(), "between the two it has separated"
    assert got[-1] == wire.TooLong()


def test_half_a_character_takes_nothing_else_with_it() -> None:
    """JavaScript writes half an emoji, cut off somewhere, as an escape of its own."""
    lines = (
        stream(type="text_delta", text="one HALF two"),
        said(tool("t1", "Bash", command="echo HALF")),
        result_of("t1", "cut HALF"),
    )
    events = fold(*(each.replace(b"HALF", b"\\ud83d") for each in lines))
    assert events[0] == TextDelta("one ? two")
    started, finished = events[1:]
    assert isinstance(started, ToolStarted)
    assert isinstance(finished, ToolFinished)
    assert (started.summary, finished.output) == ("echo ?", "cut ?")
    assert wire.decode(b'{"type": "stream_event", \\ud83d') == wire.Unknown()
