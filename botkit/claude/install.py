"""Finds the Claude Code CLI, asks its version, and refuses to run inside Claude Code."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import structlog

from botkit.claude.environment import environment
from botkit.claude.options import Profile
from botkit.errors import ClaudeMissing, InsideClaude

TESTED = ((2, 1, 197), (2, 1, 400))
"""The first tested version, and the first one that is too new to have been."""
INSIDE = ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT")
PATIENCE = 20.0
"""Seconds the CLI may take to say its version."""

log = structlog.get_logger()


def find_command(profile: Profile, ambient: Mapping[str, str]) -> tuple[str, ...]:
    """The CLI to start: the configured one, `claude` on PATH, or the bundled one. Raises ClaudeMissing."""
    if profile.command:
        program = profile.command[0]
        if not (profile.launcher or shutil.which(program, path=ambient.get("PATH", os.defpath))):
            raise ClaudeMissing(f"the configured Claude Code CLI cannot be started: {program}")
        return profile.command
    if found := shutil.which("claude", path=ambient.get("PATH", os.defpath)):
        return (found,)
    if bundled := bundled_command():
        return (str(bundled),)
    raise ClaudeMissing(
        "no Claude Code CLI: install `botkit[claude]`, put `claude` on PATH, or set `[claude] command` in the config"
    )


def bundled_command() -> Path | None:
    """The CLI inside the wheel `claude-agent-sdk`. Found without importing the SDK, which costs 0.4 s and 45 MB."""
    spec = find_spec("claude_agent_sdk")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        command = Path(place) / "_bundled" / "claude"
        if command.is_file() and os.access(command, os.X_OK):
            return command
    return None


def refuse_inside(ambient: Mapping[str, str]) -> None:
    """Raise InsideClaude when botkit was started by Claude Code itself."""
    for name in INSIDE:
        if ambient.get(name):
            raise InsideClaude(
                f"botkit was started inside Claude Code ({name} is set): its workers would disturb the session that"
                f" runs it. Start botkit from a plain terminal, or remove the"
                f" variables first: `env -u {' -u '.join(INSIDE)} botkit …`"
            )


def parse_version(text: str) -> tuple[int, int, int] | None:
    """`2.1.329 (Claude Code)` as numbers."""
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def tested(version: tuple[int, int, int]) -> bool:
    return TESTED[0] <= version < TESTED[1]


async def check_version(profile: Profile, ambient: Mapping[str, str]) -> str:
    """Ask the CLI what it is; warns outside the tested range. Raises ClaudeMissing when it does not say."""
    command = (*profile.launcher, *find_command(profile, ambient), "--version")
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(profile, ambient, ""),
        )
    except OSError as problem:
        raise ClaudeMissing(f"the Claude Code CLI cannot be started: {problem}") from problem
    try:
        async with asyncio.timeout(PATIENCE):
            said = (await child.communicate())[0].decode(errors="replace").strip()
    except TimeoutError as problem:
        raise ClaudeMissing(f"the Claude Code CLI did not say its version within {PATIENCE:.0f} s") from problem
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    version = parse_version(said)
    if child.returncode or not version:
        raise ClaudeMissing(f"this is not a Claude Code CLI: {command[0]} said {said[:200]!r}")
    if not tested(version):
        log.warning("claude_version_untested", version=said, tested=".".join(map(str, TESTED[0])))
    return said
