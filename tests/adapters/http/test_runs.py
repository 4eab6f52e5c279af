"""Runs: what becomes of them when their key goes, when the config changes, and page by page."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.http.authors import author
from adapters.http.runs import RunDesk
from adapters.http.settings import HttpSettings
from botkit.errors import StoreError
from botkit.events import TurnFinished
from botkit.keys import ApiKey, Hashed, KeyLimits
from botkit.ledger import Ledger
from botkit.model import Admission, Conversation, Entry, Message, User
from botkit.runs import Run
from botkit.stores.memory import MemoryStore
from botkit.stores.runs.memory import MemoryRuns
from botkit.usage import UsageQuery
from tests.adapters.http.desk import PATIENCE, Desk
from tests.adapters.http.program import Program, listed, program

DEAD = "a-host-that-is-gone|1|1|x|main"


async def key_of(desk: Desk, me: Program) -> Any:
    key = await desk.application.store.keys.get(me.token.split("_")[1])
    assert key is not None
    return key


async def test_the_runs_of_a_key_that_is_taken_away_end_and_say_why(gateway: Desk) -> None:
    me = await program(gateway, limits=None)
    id = await me.session()
    running, waiting = await me.begin(id, "!words 4000 20ms"), await me.begin(id, "!say never asked")
    other = await program(gateway, scopes=None)
    going = await other.begin(await other.session(), "!delay 2500ms\n!say mine goes on")
    await gateway.model.asked("!words 4000")
    keys, key = gateway.application.store.keys, await key_of(gateway, me)
    assert await keys.put(replace(key, suspended=True, revision=key.revision + 1))
    runs = gateway.application.store.runs
    async with asyncio.timeout(PATIENCE):
        while any(run.status == "queued" for run in await runs.list(key.id)):  # noqa: ASYNC110 (nothing signals it)
            await asyncio.sleep(0.05)
    assert await keys.put(replace(key, revision=key.revision + 2))
    async with asyncio.timeout(PATIENCE):
        while (await me.ask("GET", "/api/sessions"))[0] != 200:  # noqa: ASYNC110 (nothing signals it)
            await asyncio.sleep(0.1)
    cut, refused = [await me.get(f"/api/runs/{each}") for each in (running, waiting)]
    for ended in (cut, refused):
        assert (ended["status"], ended["error"]["code"]) == ("stopped", "stopped")
        assert ended["error"]["message"] == "its API key is suspended"
    assert not [ask for ask in gateway.model.asks if "never asked" in ask.prompt]
    assert (await other.ended(going))["text"] == "mine goes on"


async def test_runs_go_on_after_a_reload_although_nobody_asks(gateway: Desk) -> None:
    """What another process left is taken up by the adapter that the reload made, before any request came to it."""
    me, application = await program(gateway), gateway.application
    key = await key_of(gateway, me)
    config = application.config
    main = config.bots["main"]
    changed = replace(main, adapters={"http": HttpSettings(permission_modes=("plan",))})
    await application.reload(replace(config, bots={"main": changed}))
    now = time.time()
    said = User(author(key.id, ""))
    message = Message("left", Conversation("http", key.id, "room", direct=True), said, "!say taken up", now)
    entry = Entry("left", "main", f"main/{message.conversation.key}", replace(message, verbatim=True), now)
    run = Run("left", key.id, "main", "room", now)
    await application.store.admit(Admission("main/http/left", (), entry, now, run), DEAD)
    await application.store.beat(DEAD, now, 0.0)
    await gateway.bot.recover()
    async with asyncio.timeout(PATIENCE):
        while (left := await application.store.runs.get("left")) is None or not left.ended:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert left.finished is not None
    assert left.finished.text == "taken up"
    assert not await application.store.dead()


class Silent(MemoryRuns):
    """Does not answer."""

    async def get(self, id: str) -> Run | None:
        raise StoreError("silent")


async def test_a_run_that_cannot_be_stored_counts_and_gives_its_place_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.runs.TRIES", 2)
    monkeypatch.setattr("adapters.http.runs.AGAIN", 0.01)
    store = MemoryStore()
    store.runs = Silent()
    key = ApiKey("k1", "name", "owner", 0.0, Hashed("", ""), "bk_k1", limits=KeyLimits(concurrent_runs=1))
    message = Message("m", Conversation("http", key.id, "room", direct=True), User(author(key.id, "")), "hello", 0.0)
    async with asyncio.timeout(PATIENCE), Ledger(store.meter, store.keys) as ledger:
        for turn in ("one", "two"):
            assert (await ledger.begin(key, turn, run=True)).refused is None
            await ledger.pass_on(key.id, turn, f"run-{turn}")
            assert not await RunDesk(store, ledger).end("main", message, turn, TurnFinished("answer"), "")
    assert [used.id for used in await store.meter.records(UsageQuery())] == ["run-one", "run-two"]


async def test_a_run_that_was_put_away_is_not_waited_for(gateway: Desk) -> None:
    """Its line is among the dead letters: nothing will come of it, and whoever asks is told so."""
    me = await program(gateway)
    key, long_ago = await key_of(gateway, me), time.time() - 3600
    await gateway.application.store.runs.save(Run("buried", key.id, "main", "room", long_ago))
    told = await me.get("/api/runs/buried")
    assert (told["status"], told["error"]["code"]) == ("failed", "gave_up")


async def test_runs_are_listed_without_gaps_and_doubles_while_more_begin(gateway: Desk) -> None:
    me = await program(gateway)
    runs, key = gateway.application.store.runs, await key_of(gateway, me)
    for number in range(25):
        bot = "main" if number % 5 else "gone"
        await runs.save(Run(f"r{number:02}", key.id, bot, "room", 1000.0 + number // 3, status="failed", ended=2000.0))
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        found = await me.get("/api/runs", params={"limit": 4, "after": after})
        seen += [each["id"] for each in found["data"]]
        after = found["next"]
        await runs.save(Run(f"new{len(seen)}", key.id, "main", "room", time.time()))
    assert seen == [f"r{number:02}" for number in reversed(range(25))]
    chosen = await listed(me, "/api/runs", bot="gone", limit=7)
    assert chosen == [f"r{number:02}" for number in (20, 15, 10, 5, 0)]
    assert await listed(me, "/api/runs", status="finished") == []
    assert await listed(me, "/api/runs", status="queued", limit=100) == [f"new{n}" for n in (25, *range(24, 0, -4))]
