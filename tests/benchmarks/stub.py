#!/usr/bin/env -S python3 -S -E
"""A CLI that costs next to nothing, for measuring what talks to it. Standard library only.

A prompt `20` answers 20 deltas at once, `200 0.02` answers 200 with so many seconds between them.
"""

import json
import os
import sys
import time
from typing import Any

FLAG = "--session-id="
"""botkit chooses the id; the agent SDK takes any."""
NAMED = [each.removeprefix(FLAG) for each in sys.argv if each.startswith(FLAG)]
SESSION = NAMED[0] if NAMED else "00000000-0000-4000-8000-000000000000"
DELTA = (
    b'{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"seven words in a piece of text "}},"session_id":"%s","parent_tool_use_id":null,'
    b'"uuid":"11111111-1111-4111-8111-111111111111"}\n' % SESSION.encode()
)
INIT = b'{"type":"system","subtype":"init","session_id":"%s","model":"stub"}\n' % SESSION.encode()


def say(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def event(body: dict[str, Any]) -> bytes:
    wrapped = {"type": "stream_event", "event": body, "session_id": SESSION, "parent_tool_use_id": None, "uuid": "u"}
    return json.dumps(wrapped).encode() + b"\n"


START = event({"type": "message_start", "message": {"role": "assistant", "content": []}}) + event(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
)
STOP = b"".join(
    event(body)
    for body in (
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    )
)
END = (
    b'{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"%s","total_cost_usd":0.01,'
    b'"duration_ms":1,"duration_api_ms":1,"num_turns":1,"usage":{"input_tokens":1,"output_tokens":1}}\n'
    % SESSION.encode()
)


def prompt(content: Any) -> str:
    return content if isinstance(content, str) else content[-1]["text"]


def turn(line: dict[str, Any]) -> None:
    count, _, pause = prompt(line["message"]["content"]).partition(" ")
    head = INIT + (
        json.dumps({**line, "isReplay": True}).encode() + b"\n" if "--replay-user-messages" in sys.argv else b""
    )
    if not pause:
        say(head + START + DELTA * int(count) + STOP + END)
        return
    say(head + START)
    for _ in range(int(count)):
        say(DELTA)
        time.sleep(float(pause))
    say(STOP + END)


def main() -> None:
    for raw in sys.stdin.buffer:
        line = json.loads(raw)
        if line["type"] == "user":
            turn(line)
        elif line["type"] == "control_request":
            answer: dict[str, Any] = {
                "subtype": "success",
                "request_id": line["request_id"],
                "response": {"commands": []},
            }
            say(json.dumps({"type": "control_response", "response": answer}).encode() + b"\n")


if __name__ == "__main__":
    if "-v" in sys.argv or "--version" in sys.argv:
        print("2.1.329 (Claude Code)")
    else:
        main()
