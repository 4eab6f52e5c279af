"""`botkit keys` and `botkit usage` as an operator uses them."""

from __future__ import annotations

import csv
import io
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from botkit.keyring import KeyRefused, Keyring
from botkit.stores.sqlite import SqliteStore
from botkit.testing.store_meter import record
from tests.botkit.test_cli import VALID, Shell
from tests.botkit.test_cli import shell as shell

TOKEN = re.compile(r"^bk_[0-9a-f]{16}_[0-9a-f]{64}$", re.MULTILINE)
CLOSED = VALID.replace("memory://", "sqlite:///botkit.db")
CONFIG = f"{CLOSED}\n[bots.main.http]\n\n[gateway]\n"


def store(shell: Shell) -> SqliteStore:
    return SqliteStore(Path(shell.folder) / "botkit.db")


async def made(shell: Shell, *options: str) -> tuple[str, str]:
    """A new key's id and token."""
    shell.write(CONFIG)
    code, out, errors = await shell.run("keys", "create", "ci", *options)
    assert (code, errors) == (0, "")
    (token,) = TOKEN.findall(out)
    return token.split("_")[1], token


async def opens(shell: Shell, token: str) -> bool:
    async with store(shell) as opened:
        try:
            await Keyring(opened.keys).prove(token)
        except KeyRefused:
            return False
        return True


async def test_a_key_that_opens_nothing_yet_is_made_with_a_warning(shell: Shell) -> None:
    shell.write(CLOSED)
    code, out, errors = await shell.run("keys", "create", "ci")
    assert (code, len(TOKEN.findall(out))) == (0, 1)
    assert "no bot is open to programs yet; `botkit init http`" in errors
    shell.write(CONFIG)
    code, out, errors = await shell.run("keys", "create", "ci", "--bot", "mian", "--bot", "main")
    assert (code, len(TOKEN.findall(out))) == (0, 1)
    assert errors == "warning: there is no bot 'mian' that programs can reach (there are: main)\n"


async def test_a_key_is_made_used_suspended_rotated_and_deleted(shell: Shell) -> None:
    id, token = await made(shell, "--owner", "team", "--bot", "main", "--expires", "90d", "--requests-per-minute", "5")
    assert await opens(shell, token)

    code, out, _ = await shell.run("keys", "list")
    assert (code, out.split()) == (0, [id, "active", "never", "used", "team", "ci"])
    code, out, _ = await shell.run("keys", "show", id)
    assert code == 0
    assert 'bots=["main"]' in out
    assert "requests_per_minute=5" in out
    assert token not in out
    assert token.rpartition("_")[2] not in out

    assert (await shell.run("keys", "suspend", id))[1] == f"{id} is suspended\n"
    assert not await opens(shell, token)
    assert (await shell.run("keys", "activate", token[:24]))[1] == f"{id} is active\n", "a token's beginning will do"
    assert await opens(shell, token)

    code, out, _ = await shell.run("keys", "rotate", id, "--overlap", "1h")
    (new,) = TOKEN.findall(out)
    assert "goes on for 1h" in out
    assert await opens(shell, token)
    assert await opens(shell, new)
    code, out, _ = await shell.run("keys", "rotate", id, "--overlap", "0")
    assert not await opens(shell, new)

    assert (await shell.run("keys", "delete", id))[0] == 1, "asks, and nobody answers"
    assert (await shell.run("keys", "delete", id, "--yes"))[1] == f"{id} is deleted\n"
    assert (await shell.run("keys", "list"))[1] == ""
    async with store(shell) as opened:
        acts = await opened.acts.list(target=id)
    assert [act.what for act in reversed(acts)] == [
        "key.create",
        "key.suspend",
        "key.activate",
        "key.rotate",
        "key.rotate",
        "key.delete",
    ]
    assert all(act.who.startswith("cli:") for act in acts)


async def test_a_key_is_made_as_it_was_asked_for(shell: Shell) -> None:
    options = ("--ip", "10.1.2.3/8", "--ip", "192.0.2.7", "--signed", "--meta", "a=1=2", "--no-streaming", "--bash")
    id, _ = await made(shell, *options, "--project", "site", "--usd-per-day", "2.5", "--expires", "2999-01-31")
    async with store(shell) as opened:
        key = await opened.keys.get(id)
    assert key is not None
    assert key.networks == ("10.0.0.0/8", "192.0.2.7")
    assert len(key.signing) == 64
    assert key.metadata == {"a": "1=2"}
    assert (key.scopes.streaming, key.scopes.bash, key.scopes.projects) == (False, True, ("site",))
    assert key.limits.usd_per_day == 2.5
    assert key.expires == datetime(2999, 1, 31, tzinfo=UTC).timestamp()
    assert key.owner


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "x", "--ip", "10.0.0.0/99"), "--ip: '10.0.0.0/99' is neither"),
        (("keys", "create", "x", "--expires", "soon"), "--expires: expected a duration"),
        (("keys", "create", "x", "--meta", "nothing"), "--meta: expected NAME=VALUE"),
        (("keys", "show", "nope"), "there is no key nope"),
        (("keys", "suspend", "nope"), "there is no key nope"),
        (("keys", "rotate", "bk_nope_x"), "there is no key nope"),
        (("usage", "--by", "colour"), "--by: 'colour' is none of key, bot"),
        (("usage", "--since", "-5d"), "--since"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    shell.write(CONFIG)
    code, out, errors = await shell.run(*arguments)
    assert (code, out) == (2, "")
    assert said in errors
    assert "Traceback" not in errors
    assert errors.count("\n") == 1


async def test_keys_are_not_put_where_they_would_be_gone_at_once(shell: Shell) -> None:
    shell.write(VALID)
    code, _, errors = await shell.run("keys", "create", "x")
    assert code == 2
    assert "store.url: memory:// forgets keys" in errors


async def test_usage_is_shown_and_exported(shell: Shell) -> None:
    shell.write(CONFIG)
    assert (await shell.run("usage"))[1] == "nothing was used in this time\n"
    now = time.time()
    async with store(shell) as opened:
        await opened.meter.end([record(f"r{i}", at=now - i * 86_400, bot=f"b{i % 2}", user="") for i in range(4)])
    code, out, _ = await shell.run("usage", "--by", "bot")
    assert code == 0
    assert out.splitlines()[0] == "b0: 2 requests (0 failed), tokens 200 in, 40 out, $0.5000"
    assert "b0  -: 2 requests" in (await shell.run("usage", "--by", "bot,user"))[1]
    assert (await shell.run("usage", "--by", "bot", "--since", "36h"))[1].count("1 requests") == 2
    _, out, _ = await shell.run("usage", "--by", "bot,key", "--csv")
    assert [(row["bot"], row["requests"]) for row in csv.DictReader(io.StringIO(out))] == [("b0", "2"), ("b1", "2")]
    _, out, _ = await shell.run("usage", "--by", "", "--csv", "--bot", "b1")
    assert [row["id"] for row in csv.DictReader(io.StringIO(out))] == ["r3", "r1"]
