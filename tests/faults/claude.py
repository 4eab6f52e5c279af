"""A quick stand-in for the CLI that keeps sessions as the real one does, runs tools, and notes what it must not see.

It starts in some 30 ms, so that twenty crashes fit into a minute. Standard library only; started as `python -S -E`.
Everything it knows lies under `$HOME/ledger`: a transcript and a lock for each session, the turns it began, and
`violations`: a second live process on one session.
"""

import fcntl
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

LEDGER = Path(os.environ["HOME"]) / "ledger"
NUMBER = re.compile(r"\bq(\d+)\b")
SLOW = re.compile(r"\bslow(\d+)\b")
"""In a question: so many seconds of words, ten a second."""
POISON = "poison"
"""In a question: botkit is killed as soon as it has given it to the CLI."""


class Cli:
    """One process with one session."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.transcript = LEDGER / f"{session}.jsonl"
        self.turns = 0
        self.stopped = threading.Event()
        self.running: threading.Thread | None = None

    def run(self) -> None:
        for raw in sys.stdin.buffer:
            line = json.loads(raw)
            if line["type"] == "control_request":
                self.control(line["request_id"], line["request"]["subtype"])
            elif line["type"] == "user":
                if self.running:
                    self.running.join()
                self.stopped.clear()
                self.running = threading.Thread(target=self.turn, args=(line,))
                self.running.start()
        if self.running:
            self.running.join()

    def control(self, id: str, subtype: str) -> None:
        body: dict[str, Any] = {}
        if subtype == "get_usage":
            body = {"session": {"total_cost_usd": 0.01 * self.turns}}
        if subtype == "interrupt":
            self.stopped.set()
        say({"type": "control_response", "response": {"subtype": "success", "request_id": id, "response": body}})

    def turn(self, line: dict[str, Any]) -> None:
        """Words at a pace, sometimes a tool, then `done N`; how long depends on the question alone."""
        self.turns += 1
        asked = text_of(line)
        number = NUMBER.findall(asked)[-1]
        note("turns", f"{number} {self.session} {os.getpid()}")
        say({"type": "system", "subtype": "init", "session_id": self.session, "model": "fake"})
        say({**line, "isReplay": True})
        pace = random.Random(number)
        time.sleep(pace.uniform(0.0, 0.05))
        with self.transcript.open("a") as transcript:
            transcript.write(json.dumps({"turn": number}) + "\n")
        if POISON in asked:
            os.kill(os.getppid(), signal.SIGKILL)
        slow = SLOW.search(asked)
        said = ""
        for word in range(10 * int(slow[1]) if slow else pace.randint(2, 12)):
            said += self.say(f"w{number}.{word} ")
            if self.stopped.wait(0.1 if slow else pace.uniform(0.01, 0.12)):
                say(self.result("error_during_execution", said, terminal_reason="aborted_streaming"))
                return
        if not slow and pace.random() < 0.4:
            self.tool(pace.uniform(0.05, 0.4))
        said += self.say(f"done {number}.")
        say({"type": "assistant", "message": {"content": [{"type": "text", "text": said}]}})
        say(self.result("success", said))

    def say(self, text: str) -> str:
        event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        say({"type": "stream_event", "event": event, "parent_tool_use_id": None})
        return text

    def tool(self, seconds: float) -> None:
        """In a session of its own, as the real CLI's Bash tools are, and longer than anybody wants to wait."""
        use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "sleep 300"}}
        say({"type": "assistant", "message": {"content": [use]}, "parent_tool_use_id": None})
        child = subprocess.Popen(["sleep", "300"], start_new_session=True)
        self.stopped.wait(seconds)
        child.kill()
        child.wait()
        done = {"type": "tool_result", "tool_use_id": "t1", "content": "slept"}
        say({"type": "user", "message": {"content": [done]}, "parent_tool_use_id": None})

    def result(self, subtype: str, text: str, **more: object) -> dict[str, Any]:
        known = {"is_error": subtype != "success", "session_id": self.session, "total_cost_usd": 0.01 * self.turns}
        return {"type": "result", "subtype": subtype, **known, "result": text, "usage": {}, "duration_ms": 1, **more}


def text_of(line: dict[str, Any]) -> str:
    content = line["message"]["content"]
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def say(body: dict[str, Any]) -> None:
    data = json.dumps(body).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


def note(name: str, text: str) -> None:
    with (LEDGER / name).open("a") as file:
        file.write(f"{time.time():.3f} {text}\n")


def flag(name: str) -> str:
    return next((argument.partition("=")[2] for argument in sys.argv if argument.startswith(f"--{name}=")), "")


def main() -> None:
    if "--version" in sys.argv:
        sys.stdout.write("2.1.300 (stand-in)\n")
        return
    LEDGER.mkdir(parents=True, exist_ok=True)
    resumed, begun = flag("resume"), flag("session-id")
    cli = Cli(resumed or begun)
    if resumed and not cli.transcript.exists():
        sys.exit(f"No conversation found with session ID: {resumed}")
    if begun and cli.transcript.exists():
        sys.exit(f"Error: Session ID {begun} is already in use.")
    with (LEDGER / f"{cli.session}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            note("violations", f"a second process for session {cli.session}")
        cli.run()


if __name__ == "__main__":
    main()
