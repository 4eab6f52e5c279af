"""A stand-in for the Claude Code CLI, for what the real one cannot be made to do, and for load.

    python -m botkit.testing.fake_cli --mode=MODE [--deltas=N] [--once=FILE]

`--once=FILE`: be faulty only if FILE does not exist yet, and make it; from then on answer as usual. The other flags
of the real CLI are taken and ignored, but for `--session-id`, `--resume` and `--version`.

    normal       N deltas and a result                  hang          take the line up, then say nothing
    mute         take nothing up, say nothing           after_result  answer, then hang for ever
    die_init     exit 1 before the handshake            die_start     exit 1 at the first line, nothing said
    die_delta    SIGKILL itself after one delta         die_result    SIGKILL itself before the result
    exit0        exit 0 without a result                exit1         exit 1 with a message on stderr
    truncated    end in the middle of a line            garbage       lines that are no JSON, wrong shapes, NUL, CR LF
    utf8         a line that is not UTF-8               bytes         one byte at a time
    joined       two objects on one line                big10 big100  a line of 10 or 100 MB
    endless      100 MB without a newline               flood         1 MB on stdout and on stderr
    deaf         never read stdin again                 two_results   two results for one line
    deltas       no assistant message, only deltas      tool          a tool that never ends, then silence
    open_tool    a result while a tool is open          stubborn      ignore interrupts and SIGTERM
    request      ask something unknown, then answer     no_usage      does not know `get_usage`
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

MEGABYTE = 1024 * 1024


class Cli:
    """The state of one fake: its session, its mode, what it has spent."""

    def __init__(self, mode: str, session: str, deltas: int) -> None:
        self.mode, self.session, self.deltas = mode, session, deltas
        self.turns = 0

    def run(self) -> None:
        if self.mode == "die_init":
            die("cannot start")
        if self.mode == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for line in lines():
            match line["type"]:
                case "control_request":
                    self.control(line)
                case "user":
                    self.turns += 1
                    FAULTS.get(self.mode, Cli.normal)(self, line)
                case _:
                    pass
            if self.mode == "deaf" and line["type"] == "control_request":
                signal.pause()

    def control(self, line: dict[str, Any]) -> None:
        id, subtype = line["request_id"], line["request"]["subtype"]
        match subtype:
            case "get_usage" if self.mode != "no_usage":
                self.reply(id, {"session": {"total_cost_usd": 0.01 * self.turns}})
            case "initialize":
                self.reply(id, {"commands": []})
            case "interrupt" if self.mode != "stubborn":
                self.reply(id, {})
                say(self.result("error_during_execution", is_error=True, terminal_reason="aborted_streaming"))
            case "interrupt":
                pass
            case _:
                error = {"subtype": "error", "request_id": id, "error": "unsupported"}
                say({"type": "control_response", "response": error})

    def reply(self, id: str, body: object) -> None:
        say({"type": "control_response", "response": {"subtype": "success", "request_id": id, "response": body}})

    def normal(self, line: dict[str, Any]) -> None:
        self.begin(line)
        self.words()
        self.end()

    def begin(self, line: dict[str, Any]) -> None:
        say({"type": "system", "subtype": "init", "session_id": self.session, "model": "fake"})
        say({**line, "isReplay": True})

    def words(self) -> None:
        for number in range(self.deltas):
            say(delta(f"word{number} "))

    def end(self) -> None:
        say(self.assistant({"type": "text", "text": self.text()}))
        say(self.result("success", result=self.text()))

    def text(self) -> str:
        return "".join(f"word{number} " for number in range(self.deltas))

    def assistant(self, block: dict[str, Any]) -> dict[str, Any]:
        return {"type": "assistant", "message": {"content": [block]}, "parent_tool_use_id": None}

    def result(self, subtype: str, **more: object) -> dict[str, Any]:
        known = {"is_error": False, "session_id": self.session, "total_cost_usd": 0.01 * self.turns}
        return {"type": "result", "subtype": subtype, **known, "usage": {"input_tokens": 1}, "duration_ms": 1, **more}

    def after_one_delta(self, line: dict[str, Any]) -> None:
        self.begin(line)
        say(delta("partial "))

    def hang(self, line: dict[str, Any]) -> None:
        self.begin(line)

    def mute(self, line: dict[str, Any]) -> None:
        pass

    def after_result(self, line: dict[str, Any]) -> None:
        if self.turns == 1:
            self.normal(line)
            signal.pause()

    def die_start(self, _line: dict[str, Any]) -> None:
        die("ended at the first line")

    def die_delta(self, line: dict[str, Any]) -> None:
        self.after_one_delta(line)
        os.kill(os.getpid(), signal.SIGKILL)

    def die_result(self, line: dict[str, Any]) -> None:
        self.begin(line)
        self.words()
        say(self.assistant({"type": "text", "text": self.text()}))
        os.kill(os.getpid(), signal.SIGKILL)

    def exit0(self, line: dict[str, Any]) -> None:
        self.after_one_delta(line)
        sys.exit(0)

    def exit1(self, line: dict[str, Any]) -> None:
        self.after_one_delta(line)
        die("something broke\nat the very end")

    def truncated(self, line: dict[str, Any]) -> None:
        self.after_one_delta(line)
        out(b'{"type":"result","subtype":"succ')
        sys.exit(0)

    def garbage(self, line: dict[str, Any]) -> None:
        self.begin(line)
        for bad in (b"not json\n", b"[1,2]\n", b'{"type":42}\n', b"null\n", b"\0\0\n", b"\r\n", b"\n", b'"text"\n'):
            out(bad)
        out(b'{"type":"brand_new","x":1}\n{"type":"system","subtype":"brand_new"}\n{"type":"stream_event"}\n')
        out(b'{"type":"stream_event","event":{"type":"brand_new"}}\n{"type":"assistant","message":7}\n')
        self.words()
        self.end()

    def utf8(self, line: dict[str, Any]) -> None:
        self.begin(line)
        out(b'{"type":"assistant","message":{"content":[{"type":"text","text":"\xff\xfe"}]}}\n\xff\xff\n')
        self.words()
        self.end()

    def one_by_one(self, _line: dict[str, Any]) -> None:
        said = [delta(self.text()), self.result("success", result=self.text())]
        for byte in b"".join(msgspec.json.encode(each) + b"\n" for each in said):
            out(bytes((byte,)))

    def joined(self, line: dict[str, Any]) -> None:
        self.begin(line)
        out(msgspec.json.encode(delta("a")) + msgspec.json.encode(delta("b")) + b"\n")
        self.words()
        self.end()

    def big10(self, line: dict[str, Any]) -> None:
        self.begin(line)
        say(delta("x" * 10 * MEGABYTE))
        say(self.result("success", result=""))

    def big100(self, line: dict[str, Any]) -> None:
        self.begin(line)
        for _ in range(100):
            out(b"x" * MEGABYTE)
        out(b"\n")
        self.words()

    def endless(self, line: dict[str, Any]) -> None:
        self.begin(line)
        for _ in range(100):
            out(b"x" * MEGABYTE)

    def flood(self, line: dict[str, Any]) -> None:
        self.begin(line)
        for _ in range(1024):
            os.write(2, b"e" * 1024)
            say({"type": "brand_new", "filler": "x" * 1000})
        self.words()
        self.end()

    def two_results(self, line: dict[str, Any]) -> None:
        self.normal(line)
        say(self.result("success", result="once more"))

    def only_deltas(self, line: dict[str, Any]) -> None:
        self.begin(line)
        self.words()
        say(self.result("success", result=self.text()))

    def tool(self, line: dict[str, Any]) -> None:
        self.begin(line)
        say(self.assistant({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "sleep 99"}}))

    def open_tool(self, line: dict[str, Any]) -> None:
        self.tool(line)
        self.end()

    def request(self, line: dict[str, Any]) -> None:
        self.begin(line)
        say({"type": "control_request", "request_id": "r1", "request": {"subtype": "brand_new"}})
        answer = next(lines())
        assert answer["response"]["subtype"] == "error"
        self.words()
        self.end()


FAULTS: dict[str, Callable[[Cli, dict[str, Any]], None]] = {
    "hang": Cli.hang,
    "stubborn": Cli.hang,
    "mute": Cli.mute,
    "after_result": Cli.after_result,
    "die_start": Cli.die_start,
    "die_delta": Cli.die_delta,
    "die_result": Cli.die_result,
    "exit0": Cli.exit0,
    "exit1": Cli.exit1,
    "truncated": Cli.truncated,
    "garbage": Cli.garbage,
    "utf8": Cli.utf8,
    "bytes": Cli.one_by_one,
    "joined": Cli.joined,
    "big10": Cli.big10,
    "big100": Cli.big100,
    "endless": Cli.endless,
    "flood": Cli.flood,
    "two_results": Cli.two_results,
    "deltas": Cli.only_deltas,
    "tool": Cli.tool,
    "open_tool": Cli.open_tool,
    "request": Cli.request,
}


def lines() -> Iterator[dict[str, Any]]:
    for line in sys.stdin.buffer:
        yield msgspec.json.decode(line, type=dict[str, Any])


def delta(text: str) -> dict[str, Any]:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return {"type": "stream_event", "event": event, "parent_tool_use_id": None}


def say(body: dict[str, Any]) -> None:
    out(msgspec.json.encode(body) + b"\n")


def out(data: bytes) -> None:
    """Everything, at once, unbuffered."""
    while data:
        data = data[os.write(1, data) :]


def die(problem: str) -> NoReturn:
    sys.stderr.write(problem)
    sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for flag in ("--mode", "--session-id", "--resume"):
        parser.add_argument(flag, default="")
    parser.add_argument("--deltas", type=int, default=3)
    parser.add_argument("--once", type=Path)
    parser.add_argument("--version", action="version", version="2.1.300 (fake Claude Code)")
    given, rest = parser.parse_known_args()
    mode = given.mode
    if rest[-2:] == ["auth", "status"]:
        sys.stdout.write('{"loggedIn": true}\n')
        return
    if given.once:
        if given.once.exists():
            mode = "normal"
        else:
            given.once.touch()
    Cli(mode, given.session_id or given.resume, given.deltas).run()


if __name__ == "__main__":
    main()
