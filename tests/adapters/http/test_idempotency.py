"""Requests that are sent twice: carried out once, and answered alike, whoever died or went in between."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time

from botkit.runs import Repeatable
from tests.adapters.http.desk import Desk
from tests.adapters.http.program import program


def repeatable(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def asked(gateway: Desk, text: str) -> int:
    """How often the model was asked that."""
    await gateway.model.asked(text)
    return len([ask for ask in gateway.model.asks if text in ask.prompt])


async def test_a_turn_goes_on_when_its_client_goes_and_the_repeat_gets_its_answer(gateway: Desk) -> None:
    me = await program(gateway)
    path, head = f"/api/sessions/{await me.session()}/messages", repeatable("one")
    body = {"text": "!delay 700ms\n!say it is done"}
    first = asyncio.create_task(me.ask("POST", path, body, headers=head))
    await gateway.model.asked("it is done")
    first.cancel()
    assert (await me.until_told(path, body, head))["text"] == "it is done"
    assert await asked(gateway, "it is done") == 1


async def test_a_repeat_is_told_how_its_run_stands(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    path, body = f"/api/sessions/{id}/messages", {"text": "!delay 500ms\n!say later", "mode": "async"}
    begun = await me.post(path, body, headers=repeatable("run"), expected=202)
    await gateway.model.asked("later")
    assert (await me.post(path, body, headers=repeatable("run"), expected=202))["status"] == "running"
    await me.ended(begun["id"])
    again = await me.post(path, body, headers=repeatable("run"), expected=202)
    assert (again["id"], again["status"], again["text"]) == (begun["id"], "finished", "later")
    assert await asked(gateway, "later") == 1
    head = {"Authorization": f"Bearer {me.token}", **repeatable("run")}
    async with me.http.post(me.url + path, json=body, headers=head) as answer:
        assert answer.headers["Idempotency-Replayed"] == "true"


async def test_what_failed_once_is_not_tried_again_under_its_name(gateway: Desk) -> None:
    me = await program(gateway)
    path, body = f"/api/sessions/{await me.session()}/messages", {"text": "!status 400\nfails"}
    assert (await me.refused("POST", path, body, headers=repeatable("bad")))[:2] == (502, "model_unavailable")
    before = await asked(gateway, "fails")
    assert (await me.refused("POST", path, body, headers=repeatable("bad")))[:2] == (502, "model_unavailable")
    assert await asked(gateway, "fails") == before


async def test_a_request_that_a_crash_cut_off_before_it_began_is_begun_by_the_repeat(gateway: Desk) -> None:
    """What is left of it is its name and the id of the run it was to begin."""
    me = await program(gateway)
    path, body = f"/api/sessions/{await me.session()}/messages", {"text": "!say at last", "mode": "async"}
    (key,) = await gateway.application.store.keys.list()
    sent = hashlib.sha256(f"POST {path}\n".encode() + json.dumps(body).encode()).hexdigest()
    left = Repeatable(key.id, "cut", sent, time.time(), time.time() + 3600, run="4d" * 16)
    assert await gateway.application.store.runs.claim(left) is None
    begun = await me.post(path, body, headers=repeatable("cut"), expected=202)
    assert begun["id"] == "4d" * 16
    assert (await me.ended(begun["id"]))["text"] == "at last"
    assert (await me.refused("POST", path, {"text": "!say other"}, headers=repeatable("cut")))[0] == 422


async def test_a_stream_is_not_repeatable_and_nothing_is_asked(gateway: Desk) -> None:
    me = await program(gateway)
    path = f"/api/sessions/{await me.session()}/messages"
    body = {"text": "!say streamed", "mode": "stream"}
    assert await me.refused("POST", path, body, headers=repeatable("s")) == (400, "invalid_request", "Idempotency-Key")
    assert not [ask for ask in gateway.model.asks if "streamed" in ask.prompt]


async def test_a_name_that_is_none_is_refused_whatever_is_asked(gateway: Desk) -> None:
    me = await program(gateway)
    path = f"/api/sessions/{await me.session()}/messages"
    for name in ("", "two words", "n" * 256, "\u00e4"):
        body = {"text": "!say unnamed"}
        assert (await me.refused("POST", path, body, headers=repeatable(name)))[::2] == (400, "Idempotency-Key"), name
    assert not [ask for ask in gateway.model.asks if "unnamed" in ask.prompt]
