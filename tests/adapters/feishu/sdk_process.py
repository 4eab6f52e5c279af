"""The official SDK in a process of its own, doing what it is told line by line.

Importing it costs seconds and 161 MB, its clients block the loop they run in, and its long connection keeps a loop in
a global: none of that shall happen to the tests. A line is a JSON object, `do` names the function below; the answer
is a JSON line.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import queue
import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Protocol

from adapters.feishu.testing.wire import Json, compact, decoded, is_mapping, mapping, string

heard: queue.Queue[str] = queue.Queue()
setup: dict[str, str] = {}


class Builder(Protocol):
    """What every model of the SDK is built with, beside a method for each of its fields."""

    def request_body(self, body: object) -> Builder: ...

    def build(self) -> object: ...


class Dispatcher(Protocol):
    """The SDK's answerer of webhooks."""

    def do(self, request: object) -> Answer: ...


class Answer(Protocol):
    status_code: int
    content: bytes


def begin(line: Json) -> Json:
    """Which app to be, and where Feishu is."""
    setup.update({name: str(value) for name, value in line.items()})
    return {}


def call(line: Json) -> Json:
    """Call a method such as im.v1.message.create by the SDK's own builders; "async" takes its asyncio twin."""
    lark = import_module("lark_oapi")
    client = lark.Client.builder().app_id(setup["id"]).app_secret(setup["secret"]).domain(setup["url"]).build()
    *path, method = string(line["method"]).split(".")
    models, name = import_module("lark_oapi.api." + ".".join(path[:2])), string(line["request"])
    request = _filled(models, f"{name}Request", mapping(line.get("fields")))
    if line.get("body") is not None:
        request = request.request_body(_filled(models, f"{name}RequestBody", mapping(line["body"])).build())
    resource = client
    for step in path:
        resource = getattr(resource, step)
    if line.get("async"):
        answer = asyncio.run(getattr(resource, f"a{method}")(request.build()))
    else:
        answer = getattr(resource, method)(request.build())
    file = getattr(answer, "file", None)
    data = getattr(answer, "data", None)
    return {
        "code": answer.code,
        "msg": answer.msg,
        "data": decoded(lark.JSON.marshal(data)) if data is not None else None,
        "file": base64.b64encode(file.read()).decode() if file is not None else None,
    }


def _filled(models: ModuleType, name: str, fields: Json) -> Builder:
    """A model's builder with its fields; bytes come as {"base64": …}, inner models as {"model": name, …}."""
    builder: Builder = getattr(models, name).builder()
    for field, value in fields.items():
        builder = getattr(builder, field)(_value(models, value))
    return builder


def _value(models: ModuleType, value: object) -> object:
    if is_mapping(value) and "base64" in value:
        return io.BytesIO(base64.b64decode(string(value["base64"])))
    if is_mapping(value) and "model" in value:
        inner = {name: field for name, field in value.items() if name != "model"}
        return _filled(models, string(value["model"]), inner).build()
    return value


def _handler() -> Dispatcher:
    """Writes down what it hears; presses are answered with a toast and a card."""
    lark = import_module("lark_oapi")
    callback = import_module("lark_oapi.event.callback.model.p2_card_action_trigger")

    def note(event: object) -> None:
        heard.put(lark.JSON.marshal(event))

    def pressed(event: object) -> object:
        note(event)
        card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "answered by the SDK"}]}}
        answer = {"toast": {"type": "info", "content": "pressed"}, "card": {"type": "raw", "data": card}}
        return callback.P2CardActionTriggerResponse(answer)

    builder = lark.EventDispatcherHandler.builder(setup["encrypt_key"], setup["verification_token"])
    builder = builder.register_p2_im_message_receive_v1(note).register_p2_im_message_recalled_v1(note)
    made: Dispatcher = builder.register_p2_card_action_trigger(pressed).build()
    return made


def connect(line: Json) -> Json:
    """Open the SDK's long connection in a thread with a loop of its own."""
    module = import_module("lark_oapi.ws.client")
    handler = _handler()

    def run() -> None:
        vars(module)["loop"] = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        module.Client(setup["id"], setup["secret"], event_handler=handler, domain=setup["url"]).start()

    threading.Thread(target=run, daemon=True).start()
    return {}


def hear(line: Json) -> Json:
    """The next event."""
    return {"event": decoded(heard.get(timeout=10))}


def dispatch(line: Json) -> Json:
    """Give a webhook's request to the SDK's dispatcher."""
    raw = import_module("lark_oapi.core.model").RawRequest()
    raw.uri, raw.body, raw.headers = "/", base64.b64decode(string(line["body"])), line["headers"]
    answer = _handler().do(raw)
    return {"status": answer.status_code, "body": answer.content.decode()}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the SDK logs to stdout
    verbs = {"begin": begin, "call": call, "connect": connect, "hear": hear, "dispatch": dispatch}
    for raw in sys.stdin:
        line = mapping(decoded(raw))
        try:
            answer = verbs[string(line.pop("do"))](line)
        except Exception as problem:
            answer = {"problem": f"{type(problem).__name__}: {problem}"}
        answers.write(compact(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
