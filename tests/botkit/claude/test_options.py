from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import structlog.testing

from botkit.claude.clock import Clock
from botkit.claude.environment import MARKER, environment
from botkit.claude.install import bundled_command, check_version, find_command, parse_version, refuse_inside
from botkit.claude.options import PoolLimits, Profile, TurnLimits, arguments, replayable
from botkit.claude.pool import Pool
from botkit.claude.runner import ClaudeRunner
from botkit.errors import ClaudeMissing, InsideClaude
from tests.botkit.claude.conftest import new_talk

PROFILE = Profile(Path("/work"))


def test_values_never_become_flags() -> None:
    profile = replace(
        PROFILE,
        model="--dangerously-skip-permissions",
        append_system_prompt="-p --resume",
        allowed_tools=("Bash(git *)", "--verbose"),
        add_dirs=(Path("-x"),),
        mcp_config=("{}",),
    )
    argv = arguments(profile, "id", resume=False, rules=("Edit(a b)",))
    assert "--session-id=id" in argv
    assert "--model=--dangerously-skip-permissions" in argv
    assert "--allowedTools=Edit(a b)" in argv
    assert all(flag == "-p" or flag.startswith("--") for flag in argv)
    assert not {"--dangerously-skip-permissions", "--resume"} & set(argv)


def test_every_option_of_a_bot_reaches_the_cli(tmp_path: Path) -> None:
    profile = Profile(
        workdir=tmp_path,
        model="opus",
        fallback_model="haiku",
        effort="high",
        agents='{"a": {}}',
        settings="s.json",
        mcp_config=("m.json",),
        add_dirs=(Path("/one"), Path("/two")),
        disallowed_tools=("WebFetch",),
    )
    given = arguments(profile, "s", resume=False)
    wanted = {"--model=opus", "--fallback-model=haiku", "--effort=high", '--agents={"a": {}}', "--settings=s.json"}
    wanted |= {"--mcp-config=m.json", "--add-dir=/one", "--add-dir=/two", "--disallowedTools=WebFetch"}
    assert wanted <= set(given)


def test_a_repository_decides_nothing_unless_it_is_trusted() -> None:
    assert "--setting-sources=" in arguments(PROFILE, "id", resume=True)
    assert "--setting-sources=user,project,local" in arguments(replace(PROFILE, trust_workdir=True), "id", resume=True)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("Bash(git status)", True),
        ("Bash(touch a, b *)", True),
        ("Edit", True),
        ("mcp__x__y", True),
        ("Bash(a) Edit(b)", False),
        ("Bash(touch a) Bash(* *)", False),
        ("Bash(a\\)", False),
        ("Bash(a\n)", False),
        ("Bash(a", False),
        ("", False),
    ],
)
def test_only_rules_that_stay_one_rule_are_replayed(rule: str, fits: bool) -> None:
    assert replayable(rule) is fits


def test_only_named_variables_reach_a_worker() -> None:
    ambient = {
        "PATH": "/bin",
        "HOME": "/h",
        "ANTHROPIC_API_KEY": "k",
        "https_proxy": "p",
        "LC_ALL": "C",
        "AWS_REGION": "r",
        "SLACK_BOT_TOKEN": "xoxb",
        "BOTKIT_STORE": "redis://:pw@h",
        "REDIS_URL": "x",
        "CLAUDECODE": "1",
        "GITHUB_TOKEN": "g",
        "NODE_OPTIONS": "--require=x",
        "LD_PRELOAD": "x",
    }
    profile = replace(PROFILE, environment={"LC_ALL": "de", "MINE": "1"}, pass_environment=("GITHUB_TOKEN",))
    got = environment(profile, ambient, "m")
    assert got == {
        "PATH": "/bin",
        "HOME": "/h",
        "ANTHROPIC_API_KEY": "k",
        "https_proxy": "p",
        "LC_ALL": "de",
        "AWS_REGION": "r",
        "GITHUB_TOKEN": "g",
        "MINE": "1",
        "DISABLE_AUTOUPDATER": "1",
        MARKER: "m",
    }
    assert environment(replace(PROFILE, prompt_caching=False), {}, "m")["DISABLE_PROMPT_CACHING"] == "1"


def test_the_cli_is_the_configured_one_then_the_one_on_path_then_the_bundled_one(tmp_path: Path) -> None:
    claude = tmp_path / "claude"
    claude.write_text("#!/bin/sh\n")
    claude.chmod(claude.stat().st_mode | stat.S_IXUSR)
    here = {"PATH": str(tmp_path)}
    assert find_command(PROFILE, here) == (str(claude),)
    assert find_command(replace(PROFILE, command=(sys.executable, "x")), here) == (sys.executable, "x")
    assert find_command(PROFILE, {"PATH": "/nowhere"}) == (str(bundled_command()),)
    with pytest.raises(ClaudeMissing, match="/nowhere/claude"):
        find_command(replace(PROFILE, command=("/nowhere/claude",)), here)


def test_the_bundled_cli_is_found_without_importing_the_sdk() -> None:
    code = "import sys, botkit.claude.install as i; i.bundled_command(); sys.exit('claude_agent_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0


@pytest.mark.parametrize("name", ["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"])
async def test_botkit_does_not_start_inside_claude_code(name: str) -> None:
    refuse_inside({name: ""})
    with pytest.raises(InsideClaude, match="env -u"):
        async with Pool(PoolLimits(), ambient={name: "1"}):
            pass


async def test_the_version_is_checked(tmp_path: Path) -> None:
    assert parse_version("2.1.329 (Claude Code)") == (2, 1, 329)
    assert parse_version("hello") is None
    async with asyncio.timeout(10):
        with structlog.testing.capture_logs() as logs:
            ambient = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
            assert "Claude Code" in await check_version(PROFILE, ambient)
            assert not logs
            newer = replace(PROFILE, command=("echo", "9.0.0 (Claude Code)"))
            await check_version(newer, os.environ)
            assert [entry["event"] for entry in logs] == ["claude_version_untested"]
        with pytest.raises(ClaudeMissing, match="not a Claude Code CLI"):
            await check_version(replace(PROFILE, command=("echo", "hello")), os.environ)
        with pytest.raises(ClaudeMissing):
            await check_version(replace(PROFILE, command=("/nowhere",)), os.environ)


def test_clocks_stand_still_while_people_are_asked() -> None:
    clock = Clock(TurnLimits(turn=100, silence=10, tool=50, start=5), 0.0)
    assert clock.due(tool=False) == (5, "silent")
    clock.heard(1.0)
    assert clock.due(tool=False) == (11, "silent")
    assert clock.due(tool=True) == (51, "silent")
    clock.ask(2.0)
    assert clock.due(tool=True) is None
    assert clock.asked_since == 2.0
    clock.told(1002.0)
    assert clock.due(tool=False) == (1012, "silent")
    clock.heard(1095.0)
    assert clock.due(tool=True) == (1100, "timeout")


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_repository_s_own_hooks_run_only_where_it_is_trusted(
    pool: Pool, profile: Profile, workdir: Path, trusted: bool
) -> None:
    hook = {"hooks": [{"type": "command", "command": f"touch {workdir}/hooked"}]}
    settings = {"hooks": {"UserPromptSubmit": [hook]}, "permissions": {"allow": ["Bash"]}}
    folder = workdir / ".claude"
    folder.mkdir()
    (folder / "settings.json").write_bytes(msgspec.json.encode(settings))
    async with ClaudeRunner(replace(profile, trust_workdir=trusted), pool) as runner:
        await new_talk(runner, workdir).ask("hello")
    assert (workdir / "hooked").exists() is trusted
