"""Sessions over botkit's own API: made, listed, seen, resumed, forked, moved and forgotten, with the real CLI."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

from adapters.http.authors import author
from botkit.keys import Scopes
from botkit.model import Conversation, Session
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import listed, program


async def test_a_session_is_made_used_and_forgotten(gateway: Desk) -> None:
    me = await program(gateway)
    made = await me.post(
        "/api/sessions",
        {"bot": "main", "name": "room", "metadata": {"ticket": "42"}, "permission_mode": "plan"},
        expected=201,
    )
    assert (made["name"], made["status"], made["turns"], made["permission_mode"]) == ("room", "idle", 0, "plan")
    assert made["metadata"] == {"ticket": "42"}
    path = f"/api/sessions/{made['id']}"
    answer = await me.say(made["id"], "!say Hello.")
    assert (answer["text"], answer["session"]) == ("Hello.", made["id"])
    assert answer["usage"]["output_tokens"] > 0
    known = await me.get(path)
    assert (known["turns"], known["title"]) == (1, "!say Hello.")
    said = await me.get(f"{path}/history")
    assert [(each["role"], each["text"]) for each in said["data"]] == [("user", "!say Hello."), ("assistant", "Hello.")]
    assert (await me.ask("DELETE", path))[0] == 204
    assert (await me.refused("GET", path))[:2] == (404, "not_found")
    assert (await me.get("/api/sessions"))["data"] == []
    home = gateway.root / "home"
    assert not [file for file in home.rglob("*.jsonl") if made["id"] in file.name]


async def test_a_new_session_takes_the_worker_that_is_ready_for_it(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    pids = {worker.pid for worker in gateway.application._pool.workers}  # pyright: ignore[reportPrivateUsage]
    await me.say(id, "!say Hello.")
    worker = gateway.application._pool.find(id)  # pyright: ignore[reportPrivateUsage]
    assert worker is not None
    assert worker.pid in pids or not pids


async def test_sessions_are_listed_page_by_page_and_only_to_their_key(gateway: Desk) -> None:
    me, other = await program(gateway), await program(gateway, scopes=Scopes())
    ids = [await me.session(name=f"s{number}") for number in range(5)]
    await me.session(user="ada")
    seen: list[str] = []
    after = ""
    while True:
        page = await me.get("/api/sessions", params={"limit": 2, "after": after})
        seen += [each["id"] for each in page["data"]]
        if not page["next"]:
            break
        after = page["next"]
    assert seen == ids[::-1]
    (hers,) = (await me.get("/api/sessions", params={"user": "ada"}))["data"]
    assert hers["user"] == "ada"
    assert (await other.get("/api/sessions"))["data"] == []
    assert await other.refused("GET", f"/api/sessions/{ids[0]}") == (404, "not_found", "")
    assert await other.refused("GET", "/api/sessions?all=true") == (403, "not_in_scope", "all")
    admin = await program(gateway, scopes=Scopes(admin=True))
    assert len((await admin.get("/api/sessions?all=true"))["data"]) == 6


async def test_what_is_wrong_with_a_new_session_is_named(gateway: Desk) -> None:
    me = await program(gateway)
    await me.session(name="taken")
    for body, expected in (
        ({"bot": "nobody"}, (404, "not_found", "bot")),
        ({"bot": "main", "name": "a b"}, (400, "invalid_request", "name")),
        ({"bot": "main", "name": "taken"}, (409, "session_exists", "name")),
        ({"bot": "main", "permission_mode": "bypassPermissions"}, (403, "not_allowed", "permission_mode")),
        ({"bot": "main", "model": "gpt-5"}, (404, "not_found", "model")),
        ({"bot": "main", "project": "site"}, (404, "not_found", "project")),
        ({"bot": "main", "agent": "nobody"}, (404, "not_found", "agent")),
        ({"bot": "main", "colour": "red"}, (400, "invalid_request", "colour")),
        ({"bot": "main", "metadata": {"a": "b" * 501}}, (400, "invalid_request", "metadata.a")),
        ({}, (400, "invalid_request", "bot")),
    ):
        assert await me.refused("POST", "/api/sessions", body) == expected, body
    assert await me.refused("GET", "/api/sessions?after=nonsense") == (400, "invalid_request", "after")
    assert await me.refused("GET", "/api/sessions?limit=0") == (400, "invalid_request", "limit")


async def test_a_fork_goes_its_own_way(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    await me.say(id, "!say one")
    copy = await me.post(f"/api/sessions/{id}/fork", {"name": "copy"}, expected=201)
    await me.say(id, "!say two")
    assert copy["id"] != id
    assert (copy["name"], copy["cost"]) == ("copy", 0.0)
    answer = await me.say(copy["id"], "!history")
    assert "I see 2 prompts" in answer["text"]
    assert answer["session"] == copy["id"]
    empty = await me.session()
    assert (await me.post(f"/api/sessions/{empty}/fork", expected=201))["turns"] == 0


async def test_a_session_that_was_left_goes_on(gateway: Desk) -> None:
    me = await program(gateway, scopes=Scopes(projects=("site",)))
    (gateway.root / "site").mkdir()
    old = await me.session(name="room")
    await me.say(old, "!say one")
    moved = await me.put(f"/api/sessions/{old}/project", {"project": "site"})
    assert (moved["name"], moved["project"], moved["turns"]) == ("room", "site", 0)
    assert moved["id"] != old
    await me.say(moved["id"], '!tool Glob {"pattern": "*"}\n!say there')
    left = await me.get(f"/api/sessions/{old}")
    assert (left["status"], left["place"]) == ("left", "")
    assert (await me.refused("POST", f"/api/sessions/{old}/messages", {"text": "!say x"}))[:2] == (
        409,
        "session_elsewhere",
    )
    again = await me.post(f"/api/sessions/{old}/resume", {"name": "back"})
    assert (again["status"], again["name"]) == ("idle", "back")
    assert "I see 2 prompts" in (await me.say(old, "!history"))["text"]
    stranger = await program(gateway, scopes=Scopes())
    assert (await stranger.refused("PUT", f"/api/sessions/{old}/project", {"project": ""}))[0] == 404


async def test_a_sessions_own_agent_thinking_and_rules_hold_for_its_turns(gateway: Desk) -> None:
    me = await program(gateway)
    made = await me.post(
        "/api/agents?bot=main",
        {"name": "pirate", "description": "Talks like a pirate.", "prompt": "You are PIRATE-MARK."},
        expected=201,
    )
    assert made["configured"] is False
    id = await me.session(agent="pirate")
    await me.put(f"/api/sessions/{id}/thinking", {"thinking": 2048, "effort": "low"})
    told = await me.put(f"/api/sessions/{id}/tool-permissions", {"allowed": ["Bash(touch:*)"], "disallowed": ["Write"]})
    assert (told["allowed"], told["disallowed"], told["thinking"]) == (["Bash(touch:*)"], ["Write"], 2048)
    await me.say(id, '!tool Bash {"command": "touch made", "description": "make it"}\n!say Done.')
    assert (gateway.workdir / "made").exists(), "nobody was asked"
    asked = gateway.model.requests[-1]
    assert "PIRATE-MARK" in json.dumps(asked["system"])
    assert "Write" not in [tool["name"] for tool in asked["tools"]]
    assert asked["output_config"]["effort"] == "low"
    await me.put("/api/agents/pirate?bot=main", {"description": "Other.", "prompt": "OTHER-MARK."})
    path = f"/api/sessions/{id}"
    await me.put(f"{path}/agent", {"agent": "pirate"})
    await me.say(id, "!say arr")
    assert "OTHER-MARK" in json.dumps(gateway.model.requests[-1]["system"])
    await me.put(f"{path}/agent", {"agent": ""})
    await me.say(id, "!say it is me again")
    assert "-MARK" not in json.dumps(gateway.model.requests[-1]["system"])
    assert await me.refused("PUT", f"{path}/agent", {"agent": "nobody"}) == (404, "not_found", "agent")
    assert await me.refused("PUT", f"{path}/tool-permissions", {"allowed": ["a) b("]}) == (
        400,
        "invalid_request",
        "allowed.0",
    )
    assert (await me.refused("PUT", f"{path}/thinking", {"thinking": -1}))[2].startswith("thinking")
    stranger = await program(gateway, scopes=Scopes())
    assert (await stranger.get("/api/agents?bot=main"))["data"] == []


async def test_where_nobody_is_asked_a_program_allows_nothing(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session(permission_mode="dontAsk")
    path = f"/api/sessions/{id}"
    assert await me.refused("PUT", f"{path}/tool-permissions", {"allowed": ["Bash"]}) == (403, "not_allowed", "allowed")
    edit = {"path": "a.txt", "new": "x"}
    assert (await me.refused("POST", f"{path}/tools/edit", edit))[:2] == (403, "tool_not_allowed")


async def test_the_clis_commands_are_listed_and_run_where_the_config_says_so(gateway: Desk) -> None:
    me = await program(gateway)
    id = await me.session()
    listed = await me.get(f"/api/sessions/{id}/commands")
    assert "compact" in [each["name"] for each in listed["data"]]
    assert (await me.get(f"/api/sessions/{id}/commands/compact"))["name"] == "compact"
    assert (await me.refused("GET", f"/api/sessions/{id}/commands/nonsense"))[0] == 404
    assert (await me.refused("POST", f"/api/sessions/{id}/commands/context"))[:2] == (403, "commands_off")


async def test_a_command_is_a_turn(tmp_path: Path) -> None:
    async with desk(tmp_path, bot={"slash_commands": True}) as it:
        me = await program(it)
        id = await me.session()
        await me.say(id, "!say one")
        answer = await me.post(f"/api/sessions/{id}/commands/context", {})
        assert "tokens" in answer["text"].lower()
        assert (await me.say(id, "/context is a word here"))["text"].startswith("You said:")


async def test_sessions_are_listed_without_gaps_and_doubles_while_others_come_and_go(gateway: Desk) -> None:
    me, store = await program(gateway, scopes=Scopes(projects=("site",))), gateway.application.store
    owner, folder = author(me.token.split("_")[1]), str(gateway.workdir)

    async def made(id: str, used: float, project: str = "") -> None:
        where = f"main/{Conversation('http', owner.removeprefix('key:'), id).key}"
        workdir = str(gateway.root / project) if project else folder
        await store.save_session(Session(id, "main", where, workdir, owner, used, used))

    for number in range(112):
        await made(f"s{number:03}", 1000.0 + number // 3, "site" if number % 10 == 0 else "")
    await made("last", 999.0)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        found = await me.get("/api/sessions", params={"limit": 10, "after": after})
        seen += [each["id"] for each in found["data"]]
        after = found["next"]
        await made(f"late{len(seen)}", time.time())
        if len(seen) == 50:
            for gone in (seen[-1], "s051"):  # where the next page goes on, and one that is to come
                assert (await me.ask("DELETE", f"/api/sessions/{gone}"))[0] == 204
    assert seen == [*(f"s{number:03}" for number in reversed(range(112)) if number != 51), "last"]
    assert len(await listed(me, "/api/sessions", limit=100)) == 111 + 12
    sites = [f"s{number:03}" for number in range(110, -1, -10)]
    assert await listed(me, "/api/sessions", limit=100, project="site") == sites
    assert "last" in await listed(me, "/api/sessions", limit=100, project="", status="idle")
    assert await listed(me, "/api/sessions", limit=100, status="running") == []
    keys, key = store.keys, await store.keys.get(owner.removeprefix("key:"))
    assert key is not None
    assert await keys.put(replace(key, scopes=Scopes(), revision=key.revision + 1))
    async with asyncio.timeout(PATIENCE):
        while set(sites) & set(await listed(me, "/api/sessions", limit=100)):  # noqa: ASYNC110 (nothing signals it)
            await asyncio.sleep(0.1)
