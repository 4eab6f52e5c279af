"""What somebody with one key might try: what is another's, ways out of a folder, and bodies that cost more than they
weigh."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.http.routes import ENDPOINTS
from botkit.keys import Scopes
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import Program, program

QUICK = 5.0
"""Seconds; what is refused takes next to none, on a busy machine."""
BODIES: dict[str, Any] = {
    "read": {"path": "a.txt"},
    "glob": {"pattern": "*"},
    "search": {"pattern": "a"},
    "edit": {"path": "a.txt", "new": "x"},
    "bash": {"command": "true"},
    "messages": {"text": "hi"},
    "continue": {"text": "hi"},
    "memory": {"text": "x"},
    "project": {"project": ""},
    "agent": {"agent": ""},
    "tool-permissions": {"allowed": []},
    "thinking": {"thinking": 0},
}


async def test_of_another_keys_session_run_and_approval_nothing_is_there(gateway: Desk) -> None:
    """Whatever the table of routes has, now and later."""
    me, other = await program(gateway, scopes=Scopes(bash=True)), await program(gateway, scopes=Scopes(bash=True))
    id = await me.session(name="room")
    await me.post(f"/api/sessions/{id}/files/upload?name=a.txt", expected=201, data=b"plum")
    asking = await me.begin(id, '!tool Bash {"command": "touch made", "description": "x"}\n!say Done.')
    async with asyncio.timeout(PATIENCE):
        while not (waiting := (await me.get("/api/approvals"))["data"]):  # noqa: ASYNC110 (that signals nothing)
            await asyncio.sleep(0.05)
    mine = {"approvals": waiting[0]["id"], "runs": asking, "task": asking}
    tried = 0
    for each in ENDPOINTS:
        if "{id}" not in each.path or each.admin:
            continue
        tried += 1
        of = next(part for part in each.path.split("/") if part in (*mine, "session", "sessions", "conversations"))
        path = each.path.replace("{id}", mine.get(of, id)).replace("{name}", "a.txt")
        body = BODIES.get(each.path.rpartition("/")[2]) if each.method in ("POST", "PUT") else None
        if of == "approvals" and each.method == "POST":
            body = {"allow": True}
        assert (await other.refused(each.method, path, body))[0] == 404, (each.method, path)
    assert tried > 30
    assert not (gateway.workdir / "made").exists()
    assert (await other.get("/api/approvals"))["data"] == []
    async with gateway.http.ws_connect(
        f"{other.url}/api/sessions/{await other.session()}/stream", headers={"Authorization": f"Bearer {other.token}"}
    ) as socket:
        await socket.send_json({"type": "approve", "request": waiting[0]["id"], "allow": True})
        assert (await socket.receive_json())["error"]["code"] == "not_found"
    await me.post(f"/api/sessions/{id}/stop")
    await me.ended(asking)


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.txt",
        "/etc/evil.txt",
        "..",
        ".bashrc",
        "a\0b.txt",
        "con",
        "x" * 5000 + ".txt",
        "\U00020000" * 100,
        "a\r\nX: y",
    ],
)
async def test_an_uploaded_file_lies_in_its_folder_whatever_it_is_called(gateway: Desk, name: str) -> None:
    me = await program(gateway)
    id = await me.session()
    quoted = name.encode().decode("latin-1").replace("\0", "%00").replace("\r\n", "%0D%0A")
    form = f'--b\r\nContent-Disposition: form-data; name="f"; filename="{quoted}"\r\n\r\nplum\r\n--b--\r\n'
    head = {"Content-Type": "multipart/form-data; boundary=b"}
    (stored,) = (
        await me.post(f"/api/sessions/{id}/files/upload", data=form.encode("latin-1"), headers=head, expected=201)
    )["data"]
    (file,) = (gateway.workdir / ".botkit/uploads" / id).iterdir()
    assert file.name == stored["name"]
    assert not file.name.startswith(".")
    assert file.read_bytes() == b"plum"
    assert list(gateway.root.rglob("*evil*")) in ([], [file])
    (listed,) = (await me.get(f"/api/sessions/{id}/files"))["data"]
    assert (listed["name"], listed["path"], listed["size"]) == (stored["name"], stored["path"], 4)


async def test_a_folder_that_becomes_a_link_meanwhile_leads_no_upload_out(gateway: Desk) -> None:
    """What runs in the session's folder changes places with a link all the time."""
    me = await program(gateway)
    id = await me.session()
    out = gateway.root / "outside"
    for each in (out, out / "uploads", out / "uploads" / id, out / id):
        each.mkdir()
    path, stop = f"/api/sessions/{id}/files/upload", threading.Event()
    await me.post(path, expected=201, data=b"first")
    swapping = asyncio.create_task(asyncio.to_thread(_swap, gateway.workdir / ".botkit", out, id, stop))
    try:
        for _ in range(300):
            status, body = await me.ask("POST", path, data=b"plum")
            assert status in (201, 404, 503), body
            assert str(gateway.root) not in json.dumps(body)
            await me.ask("GET", f"/api/sessions/{id}/files")
    finally:
        stop.set()
        await swapping
    assert not [path for path in out.rglob("*") if path.is_file()]


def _swap(root: Path, out: Path, id: str, stop: threading.Event) -> None:
    while not stop.is_set():
        for place, way in ((root, out), (root / "uploads", out / "uploads"), (root / "uploads" / id, out / id)):
            aside = place.with_name("aside")
            with suppress(OSError):  # an upload was faster, and has made it anew
                place.rename(aside)
                place.symlink_to(way)
                time.sleep(0.0005)
            if place.is_symlink():
                place.unlink()
            with suppress(OSError):
                aside.rename(place)
            shutil.rmtree(aside, ignore_errors=True)


async def test_a_link_in_the_place_of_the_ignore_file_is_not_followed(gateway: Desk) -> None:
    me = await program(gateway)
    path = f"/api/sessions/{await me.session()}/files/upload"
    await me.post(path, expected=201, data=b"plum")
    ignore, out = gateway.workdir / ".botkit/.gitignore", gateway.root / "planted"
    ignore.unlink()
    ignore.symlink_to(out)
    await me.post(path, expected=201, data=b"plum")
    assert not out.exists()


async def test_a_form_of_very_many_parts_is_refused_before_it_is_read(gateway: Desk) -> None:
    me = await program(gateway)
    path = f"/api/sessions/{await me.session()}/files/upload"
    head = {"Content-Type": "multipart/form-data; boundary=b"}
    for line in ('name="f"; filename="a"', 'name="f"'):
        form = f"--b\r\nContent-Disposition: form-data; {line}\r\n\r\nx\r\n" * 50_000 + "--b--\r\n"
        began = time.monotonic()
        assert (await me.refused("POST", path, data=io.BytesIO(form.encode()), headers=head))[::2] == (400, "files")
        assert time.monotonic() - began < QUICK


async def test_a_packed_body_is_measured_unpacked(gateway: Desk) -> None:
    me = await program(gateway)
    packed = gzip.compress(b" " * 100 * 1024 * 1024)
    assert len(packed) < 200_000
    head = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    began = time.monotonic()
    assert (await me.refused("POST", "/api/sessions", data=packed, headers=head))[0] in (400, 413)
    assert time.monotonic() - began < QUICK
    small = gzip.compress(json.dumps({"bot": "main"}).encode())
    await me.post("/api/sessions", data=small, headers=head, expected=201)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/sessions", b'{"bot": "main", "name": "\\ud800"}'),
        ("/api/sessions", b'{"bot": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        ("{session}/messages", b'{"text": "hi", "answer_schema": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001),
        ("{session}/messages", b'{"text": "\\ud83d"}'),
        ("{session}/messages", b'{"text": "hi", "answer_schema": {"type": "object", "minimum": NaN}}'),
        ("{session}/messages", b'{"text": NaN}'),
        ("{session}/tools/bash", b'{"command": "true", "timeout": NaN}'),
        ("{session}/tools/bash", b'{"command": "true", "timeout": Infinity}'),
        ("{session}/tools/bash", b'{"command": "true", "timeout": 1e999}'),
        ("{session}/tools/read", b'{"path": "a", "limit": 1e400}'),
        ("{session}/tools/read", b'{"path": "a", "offset": ' + b"9" * 5000 + b"}"),
        ("{session}/tools/read", b'{"path": "\\udcff"}'),
        ("{session}/tools/edit", b'{"path": "a", "new": "\\udcff"}'),
        ("{session}/tools/glob", b'{"pattern": "\\udcff"}'),
    ],
)
async def test_json_that_is_not_quite_json_is_told_and_begins_nothing(tmp_path: Path, path: str, body: bytes) -> None:
    async with desk(tmp_path, bot={"launcher": ["env"]}, pool={"spares": 0}) as it:
        me = await program(it, scopes=Scopes(bash=True))
        where = path.replace("{session}", f"/api/sessions/{await me.session()}")
        assert (await me.refused("POST", where, data=body))[0] == 400
        assert not it.model.asks


async def test_a_body_of_very_many_values_is_refused_before_it_is_read(gateway: Desk) -> None:
    """Two bytes of it would take sixty, and nobody else would be answered meanwhile."""
    me = await program(gateway)
    body = b'{"model": "main", "messages": [' + b"0," * 20_000_000 + b"0]}"
    began = time.monotonic()
    assert (await me.refused("POST", "/v1/chat/completions", data=io.BytesIO(body)))[0] == 413
    assert time.monotonic() - began < QUICK
    large = json.dumps({"path": "large.txt", "new": "a,b" * 600_000})
    id = await me.session()
    assert (await me.post(f"/api/sessions/{id}/tools/edit", data=io.BytesIO(large.encode())))["size"] == 1_800_000


async def test_of_a_field_that_stands_twice_the_last_counts_for_all(gateway: Desk) -> None:
    """What the scope is asked about is what is then done: nobody reads the body in another way."""
    me = await program(gateway, scopes=Scopes(models=()))
    sneaked = b'{"bot": "main", "model": "", "model": "claude-haiku-4-5"}'
    assert (await me.refused("POST", "/api/sessions", data=sneaked))[::2] == (404, "model")
    plain = b'{"bot": "main", "model": "claude-haiku-4-5", "model": ""}'
    assert (await me.post("/api/sessions", data=plain, expected=201))["model"] == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Session-Id": "../../x"},
        {"X-Session-Id": "once~1"},
        {"X-Session-Id": "x" * 5000},
        {"X-Session-Id": "caf\xe9"},
        {"Idempotency-Key": "a b"},
    ],
)
async def test_names_in_headers_are_names(gateway: Desk, headers: dict[str, str]) -> None:
    me = await program(gateway)
    if "X-Session-Id" in headers:
        body: Any = {"model": "main", "messages": [{"role": "user", "content": "hi"}]}
        assert (await me.refused("POST", "/v1/chat/completions", body, headers=headers))[0] == 400
    else:
        assert (await me.refused("POST", "/api/sessions", {"bot": "main"}, headers=headers))[0] == 400
    assert not gateway.model.asks


@pytest.mark.parametrize("since", ["t:" + "9" * 5000, "t:-" + "9" * 30, "t:\u0661", ":" * 1000, "\0:1", "t:--1"])
async def test_a_position_that_never_was_is_told(gateway: Desk, since: str) -> None:
    me: Program = await program(gateway)
    url = f"{me.url}/api/sessions/{await me.session()}/events"
    head = {"Authorization": f"Bearer {me.token}"}
    async with gateway.http.get(url, params={"since": since}, headers=head) as answer:
        assert answer.status == 400 or (await answer.content.readline()) == b"event: reset\n"
