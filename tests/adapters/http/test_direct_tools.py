"""Tools without a turn: held inside the session's folder, under the bot's rules, with nothing left behind."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from pathlib import Path

import psutil
import pytest

from botkit.keys import Scopes
from tests.adapters.http.desk import PATIENCE, Desk, desk
from tests.adapters.http.program import Program, program

OUTSIDE = "what nobody may see"


@pytest.fixture
async def tools(gateway: Desk) -> tuple[Desk, Program, str]:
    """A program and the path of its session's tools, in a folder with ways out."""
    work, out = gateway.workdir, gateway.root / "outside"
    out.mkdir()
    (out / "secret.txt").write_text(OUTSIDE)
    (work / "src").mkdir()
    (work / "src" / "a.py").write_text("one = 1\ntwo = 2\n")
    (work / "src" / "b.txt").write_text("Grüße\nONE\n")
    (work / "link.txt").symlink_to(out / "secret.txt")
    (work / "way").symlink_to(out)
    (work / "near").symlink_to(work / "src")
    os.mkfifo(work / "pipe")
    other = work / ".botkit" / "uploads" / "another-session"
    other.mkdir(parents=True)
    (other / "theirs.txt").write_text(OUTSIDE)
    me = await program(gateway)
    return gateway, me, f"/api/sessions/{await me.session()}/tools"


async def test_files_are_read_and_found(tools: tuple[Desk, Program, str]) -> None:
    _, me, path = tools
    read = await me.post(f"{path}/read", {"path": "src/a.py", "offset": 1, "limit": 1})
    assert (read["text"], read["lines"], read["size"]) == ("two = 2\n", 2, 16)
    assert (await me.post(f"{path}/read", {"path": "near/a.py"}))["path"] == "src/a.py"
    assert (await me.post(f"{path}/read", {"path": "src/b.txt", "encoding": "base64"}))["text"] == "R3LDvMOfZQpPTkUK"
    found = await me.post(f"{path}/glob", {"pattern": "**/*.py"})
    assert found == {"paths": ["src/a.py"], "complete": True}
    assert (await me.post(f"{path}/glob", {"pattern": "**", "limit": 1}))["complete"] is False
    lines = (await me.post(f"{path}/search", {"pattern": "^one", "ignore_case": True}))["lines"]
    assert [(line["path"], line["line"]) for line in lines] == [("src/a.py", 1), ("src/b.txt", 2)]
    _, wrong = await me.ask("POST", f"{path}/search", {"pattern": "("})
    assert (wrong["error"]["field"], wrong["error"]["message"]) == (
        "pattern",
        "is no regular expression: missing ): (",
    )


async def test_secrets_of_botkit_are_not_seen_by_programs(tmp_path: Path) -> None:
    secret = "whsec-0123456789abcdefghijklmnopqrstuvwxyz"
    async with desk(tmp_path, gateway={"webhooks": {"secret": secret}}) as it:
        (it.workdir / "bots.toml").write_text(f'one = 1\nsecret = "{secret}"\n')
        me = await program(it)
        id = await me.session()
        path = f"/api/sessions/{id}"
        whole = await me.post(f"{path}/tools/read", {"path": "bots.toml"})
        assert whole["text"] == 'one = 1\nsecret = "[secret]"\n'
        raw = (await me.post(f"{path}/tools/read", {"path": "bots.toml", "encoding": "base64"}))["text"]
        assert base64.b64decode(raw).decode() == whole["text"]
        assert (await me.post(f"{path}/tools/search", {"pattern": secret[:9]}))["lines"] == []
        await me.say(id, '!tool Read {"file_path": "%s"}\n!say Done.' % (it.workdir / "bots.toml"))
        for said in ("tool-calls", "history", "export", "export?format=json", "export?format=transcript"):
            told = str(await me.get(f"{path}/{said}"))
            assert secret not in told
            assert "[secret]" in told or said == "export"


@pytest.mark.parametrize(
    "given",
    [
        "../outside/secret.txt",
        "link.txt",
        "way/secret.txt",
        "/etc/passwd",
        "src/../../outside/secret.txt",
        ".botkit/uploads/another-session/theirs.txt",
        "near/../.botkit/uploads/another-session/theirs.txt",
        "nothing.txt",
        "x" * 4000,
    ],
)
async def test_nothing_outside_is_read_or_changed(tools: tuple[Desk, Program, str], given: str) -> None:
    desk, me, path = tools
    assert (await me.refused("POST", f"{path}/read", {"path": given}))[::2] == (404, "path")
    if given != "nothing.txt":
        status, _, field = await me.refused("POST", f"{path}/edit", {"path": given, "new": "changed"})
        assert (status, field) == (404, "path")
    assert (desk.root / "outside" / "secret.txt").read_text() == OUTSIDE
    assert sorted(path.name for path in (desk.root / "outside").iterdir()) == ["secret.txt"]
    for looked in ({"pattern": "**"}, {"pattern": "../**"}, {"pattern": "way/*"}):
        assert not [
            name for name in (await me.post(f"{path}/glob", looked))["paths"] if "secret" in name or "their" in name
        ]
    assert (await me.post(f"{path}/search", {"pattern": "nobody may"}))["lines"] == []


async def test_what_is_no_file_is_not_read(tools: tuple[Desk, Program, str]) -> None:
    _, me, path = tools
    for given in ("src", ".", "pipe"):
        status, code, field = await me.refused("POST", f"{path}/read", {"path": given})
        assert (status, code, field) == (400, "invalid_request", "path")
    assert (await me.refused("POST", f"{path}/read", {"path": "a\0b"}))[::2] == (400, "path")


async def test_a_file_is_made_and_changed(tools: tuple[Desk, Program, str]) -> None:
    desk, me, path = tools
    made = await me.post(f"{path}/edit", {"path": "new/deep/a.txt", "new": "one two two"})
    assert made == {"path": "new/deep/a.txt", "created": True, "replaced": 0, "size": 11}
    file = desk.workdir / "new/deep/a.txt"
    file.chmod(0o755)
    assert (await me.refused("POST", f"{path}/edit", {"path": "new/deep/a.txt", "old": "two", "new": "2"}))[
        1
    ] == "no_match"
    changed = await me.post(f"{path}/edit", {"path": "new/deep/a.txt", "old": "two", "new": "2", "all": True})
    assert (changed["replaced"], file.read_text(), file.stat().st_mode & 0o777) == (2, "one 2 2", 0o755)
    for protected in (".git/hooks/pre-commit", ".claude/settings.json", ".mcp.json", "src/.GIT/config"):
        assert (await me.refused("POST", f"{path}/edit", {"path": protected, "new": "x"}))[1] == "protected"
    assert (await me.refused("POST", f"{path}/edit", {"path": "src", "new": "x"}))[::2] == (400, "path")


async def test_an_evil_expression_holds_nobody_up(tools: tuple[Desk, Program, str]) -> None:
    desk, me, path = tools
    (desk.workdir / "long.txt").write_text("a" * 100_000 + "\n")
    began = time.monotonic()
    assert (await me.post(f"{path}/search", {"pattern": "(a+)+$b"}))["lines"] == []
    await me.post(f"{path}/glob", {"pattern": "/".join(["**"] * 100) + "/x"})
    assert time.monotonic() - began < PATIENCE / 2


async def test_memory_is_read_and_written_where_claude_finds_it(tmp_path: Path) -> None:
    async with desk(tmp_path, bot={"trust_workdir": True}) as it:
        me = await program(it)
        id = await me.session()
        path = f"/api/sessions/{id}/memory"
        assert (await me.get(path))["data"] == []
        await me.put(path, {"text": "PROJECT-MARK"})
        await me.put(path, {"kind": "auto", "text": "AUTO-MARK"})
        assert [(each["kind"], each["text"]) for each in (await me.get(path))["data"]] == [
            ("project", "PROJECT-MARK"),
            ("auto", "AUTO-MARK"),
        ]
        await me.say(id, "!say Hello.")
        asked = str(it.model.requests[-1])
        assert "PROJECT-MARK" in asked
        assert "AUTO-MARK" in asked
        assert (await me.refused("PUT", path, {"kind": "auto", "name": "../x.md", "text": ""}))[2] == "name"


async def test_what_the_bots_rules_forbid_is_not_done_here_either(tmp_path: Path) -> None:
    async with desk(tmp_path, bot={"disallowed_tools": ["Write", "Read(secret/**)"]}) as it:
        me = await program(it)
        path = f"/api/sessions/{await me.session()}"
        for tool, body in (
            ("read", {"path": "a"}),
            ("glob", {"pattern": "*"}),
            ("search", {"pattern": "a"}),
            ("edit", {"path": "a", "new": "x"}),
        ):
            assert (await me.refused("POST", f"{path}/tools/{tool}", body))[:2] == (403, "tool_not_allowed")
        assert (await me.refused("PUT", f"{path}/memory", {"text": "x"}))[:2] == (403, "tool_not_allowed")


async def test_commands_run_in_a_sandbox_only_and_for_a_key_that_may(gateway: Desk) -> None:
    me, other = await program(gateway, scopes=Scopes(bash=True)), await program(gateway)
    path = f"/api/sessions/{await me.session()}/tools/bash"
    assert (await me.refused("POST", path, {"command": "ls"}))[:2] == (403, "no_sandbox")
    mine = f"/api/sessions/{await other.session()}/tools/bash"
    assert (await other.refused("POST", mine, {"command": "ls"}))[:2] == (403, "not_in_scope")
    tools = {tool["name"]: tool["allowed"] for tool in (await other.get("/api/tools"))["data"]}
    assert tools == {"read": True, "glob": True, "search": True, "edit": True, "bash": False}


async def test_a_command_sees_no_more_than_claudes_own_bash_and_none_of_its_credentials(tmp_path: Path) -> None:
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-1-secret",
        "REDIS_URL": "redis://:pass@db",
        "AWS_SECRET_ACCESS_KEY": "aws-secret",
    }
    async with desk(
        tmp_path, bot={"launcher": ["env"], "allowed_tools": ["Bash"]}, pool={"spares": 0}, environ=secrets
    ) as it:
        me = await program(it, scopes=Scopes(bash=True))
        id = await me.session()
        await me.post(f"/api/sessions/{id}/tools/bash", {"command": "env -0 > direct"})
        await me.say(id, '!tool Bash {"command": "env -0 > claudes", "description": "look"}\n!say Done.')
        direct, claudes = (dict(each.split("=", 1) for each in seen(it, name)) for name in ("direct", "claudes"))
        assert set(direct) <= set(claudes)
        assert not {"SLACK_BOT_TOKEN", "REDIS_URL"} & set(claudes)
        assert set(claudes) >= {"ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY"}, "Claude Code gives them to its own"
        assert not {"ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY"} & set(direct)
        assert not [value for value in direct.values() for secret in secrets.values() if secret in value]


def seen(desk: Desk, name: str) -> list[str]:
    return (desk.workdir / name).read_text().rstrip("\0").split("\0")


async def test_a_command_is_bounded_and_leaves_nothing_behind(tmp_path: Path) -> None:
    # `env` stands for a sandbox: a command that is put before another.
    async with desk(tmp_path, bot={"launcher": ["env", "SANDBOX=yes"]}, pool={"spares": 0}) as it:
        me = await program(it, scopes=Scopes(bash=True))
        path = f"/api/sessions/{await me.session()}/tools/bash"
        ran = await me.post(path, {"command": "pwd; echo $SANDBOX; echo no >&2; exit 3"})
        assert (ran["stdout"], ran["stderr"], ran["exit_code"]) == (f"{it.workdir}\nyes\n", "no\n", 3)
        loud = await me.post(path, {"command": "head -c 1000000 /dev/zero | tr '\\0' x"})
        assert (len(loud["stdout"]), loud["truncated"], loud["exit_code"]) == (256 * 1024, True, 0)
        began = time.monotonic()
        slow = await me.post(path, {"command": "setsid sleep 321 & sleep 321", "timeout": 0.5})
        assert (slow["timed_out"], slow["exit_code"]) == (True, None)
        left = await me.post(path, {"command": "sleep 321 & echo done"})
        assert (left["stdout"], left["exit_code"]) == ("done\n", 0)
        assert time.monotonic() - began < PATIENCE
        await asyncio.sleep(0)
        assert not [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "321"]]
