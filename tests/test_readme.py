"""README.md says only what is so: its configs load, its code runs, its commands, keys and links exist."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import re
import sys
import tomllib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from botkit.assemble import middleware_of, routes_of
from botkit.chat import REHEARSING, WELCOME
from botkit.cli import app
from botkit.config import build, load
from botkit.plugins import load_adapter, names
from botkit.settings import Bot, Settings
from tests.adapters.http.desk import PATIENCE, desk

ROOT = Path(__file__).parents[1]
WITH_CONFIGS = (
    *("README.md", "README.zh-CN.md", "deploy/README.md"),
    *(f"adapters/{name}/README.md" for name in ("slack", "feishu", "discord", "http")),
)
PAGES = (*WITH_CONFIGS, "CHANGELOG.md")
GROUPS = {group.name for group in app.registered_groups}
"""Commands that have commands of their own: `botkit keys create`."""
ENVIRON = {
    **{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"},
    **{"FEISHU_APP_ID": "cli_1", "FEISHU_APP_SECRET": "s", "DISCORD_BOT_TOKEN": "token"},
    **{"GATEWAY_ADMIN_BOOTSTRAP": token_hex(32), "GATEWAY_WEBHOOKS_SECRET": token_hex(32)},
    "HOME": "/home/ann",
}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a language, without the indentation that a list gives them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page(name), flags=re.M | re.S)
    return [re.sub(rf"^{indent}", "", block, flags=re.M) for indent, block in found]


def code(name: str) -> list[str]:
    """Whatever is written as code: the lines of all blocks, and what stands between backticks."""
    fenced = re.findall(r"^ *```\w*\n(.*?)^ *```$", page(name), flags=re.M | re.S)
    inline = re.findall(r"`([^`\n]+)`", page(name))
    return [line.strip().removeprefix("PYTHONPATH=. ") for line in ("\n".join(fenced)).splitlines() + inline]


def module(text: str) -> str:
    """The name a Python block gives itself in its first line."""
    named = re.match(r'"""(\w+)\.py', text)
    assert named, text
    return named[1]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The Python blocks as files that can be imported."""
    names = {module(block): block for block in blocks("README.md", "python")}
    for name, block in names.items():
        (tmp_path / f"{name}.py").write_text(block, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    yield tmp_path
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", WITH_CONFIGS)
def test_every_config_is_accepted(name: str, tmp_path: Path) -> None:
    found = blocks(name, "toml")
    assert found
    for text in found:
        tree = tomllib.loads(text)
        for bot in tree.setdefault("bots", {"acme": {}}).values():
            bot.setdefault("workdir", "workspace")
        assert build(tree, ENVIRON, root=tmp_path).bots


def test_the_whole_config_is_accepted_as_it_stands(tmp_path: Path) -> None:
    whole = next(block for block in blocks("README.md", "toml") if "[store]" in block)
    (tmp_path / "bots.toml").write_text(whole, encoding="utf-8")
    config = load(tmp_path / "bots.toml", ENVIRON)
    assert routes_of(config.bots["acme"]).commands
    assert middleware_of(config.bots["acme"])


async def test_the_handlers_and_the_middleware_run_as_their_test_says(written: Path) -> None:
    tests = importlib.import_module("test_mine")
    ran = [test for name, test in inspect.getmembers(tests, inspect.iscoroutinefunction) if name.startswith("test_")]
    assert ran
    for test in ran:
        await test(written)


def test_the_config_finds_them(written: Path) -> None:
    (text,) = (block for block in blocks("README.md", "toml") if "mine:" in block)
    bot = build(tomllib.loads(text), ENVIRON, root=written).bots["acme"]
    assert {"oncall", "review", "help"} <= set(routes_of(bot).commands)
    assert "no_keys" in [getattr(layer, "__name__", "") for layer in middleware_of(bot)]


def test_every_python_block_can_be_imported(written: Path) -> None:
    for block in blocks("README.md", "python"):
        importlib.import_module(module(block))


async def test_programs_are_answered_as_shown(tmp_path: Path) -> None:
    (shell,) = (block for block in blocks("README.md", "sh") if "keys create" in block)
    (call,) = re.findall(r"(?m)^curl .*$", shell)
    (client,) = (block for block in blocks("README.md", "python") if module(block) == "ask_http")
    (config,) = (tomllib.loads(block) for block in blocks("README.md", "toml") if "[gateway]" in block)
    acme = {key: value for key, value in config["bots"]["acme"].items() if key not in ("workdir", "http")}
    async with desk(tmp_path, bot=acme, gateway=config["gateway"]) as gateway:
        environ = {"PATH": os.environ["PATH"], "URL": gateway.url, "KEY": gateway.token}
        for command in (("sh", "-c", call), (sys.executable, "-c", client.replace("acme", "main"))):
            ran = await asyncio.create_subprocess_exec(*command, env=environ, stdout=PIPE, stderr=DEVNULL)
            async with asyncio.timeout(PATIENCE):
                said, _ = await ran.communicate()
            assert ran.returncode == 0
            assert "You said: What is in this folder?" in said.decode()
    assert len(gateway.model.asks) == 2


def test_the_commands_of_the_chat_are_those_of_help(tmp_path: Path) -> None:
    bot = build({"bots": {"main": {"workdir": "."}}}, {}, root=tmp_path).bots["main"]
    routes = [route for route in routes_of(bot).commands.values() if route.about]
    wanted = [(f"/{route.name} {route.usage}".rstrip(), route.about) for route in routes]
    table = page("README.md").partition("<!-- commands -->")[2].partition("<!-- end -->")[0]
    listed = re.findall(r"^\| `(.+?)` \| (.+) \|$", table, flags=re.M)
    assert [(command.replace("\\|", "|"), about) for command, about in listed] == wanted


@pytest.mark.parametrize("name", PAGES)
def test_every_botkit_command_and_its_options_exist(name: str) -> None:
    for line in code(name):
        called = re.match(r"(?:\S*/)?botkit ([a-z]+)( [a-z]+)?([^#]*)", line)
        if called is None:
            continue
        words = [called[1], *((called[2] or "").split() if called[1] in GROUPS else [])]
        shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "120"})
        assert shown.exit_code == 0, line
        for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", called[3]):
            assert option in shown.output, line


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_and_poe_task_exists(name: str) -> None:
    targets = re.findall(r"^([a-z]+):", page("Makefile"), flags=re.M)
    called = {line.split()[1] for line in code(name) if re.match(r"make [a-z]+$", line)}
    tasks = tomllib.loads(page("pyproject.toml"))["tool"]["poe"]["tasks"]
    assert called <= set(targets)
    assert {line.split()[1] for line in code(name) if re.match(r"poe [a-z]+$", line)} <= set(tasks)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page(name)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (ROOT / name).parent / file if file else ROOT / name
        assert there.exists(), target
        if anchor:
            assert anchor in _anchors(there.read_text(encoding="utf-8")), target


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_chat_greets_as_shown() -> None:
    for line in (*WELCOME.splitlines()[1:], *REHEARSING.splitlines()[:3]):
        assert line in page("README.md")


def test_the_line_of_the_log_is_one() -> None:
    (line,) = blocks("README.md", "json")
    assert {"timestamp", "turn", "user", "conversation", "outcome", "seconds", "cost"} <= set(json.loads(line))


def test_every_key_that_is_named_exists() -> None:
    sections = "|".join(Settings.model_fields)
    named = re.findall(rf"`((?:{sections})(?:\.\w+)*)(?: = [^`]*)?`", page("README.md").replace("bots.toml", ""))
    assert len(named) > 20
    for key in named:
        assert _known(key), key


def _known(key: str) -> bool:
    model: type[BaseModel] | None = Settings
    parts = key.split(".")
    if parts[:2] == ["bots", "NAME"]:
        model, parts = Bot, parts[2:]
        if parts[0] in names("adapters"):
            model, parts = load_adapter(parts[0]).settings, parts[1:]
    for part in parts:
        if model is None or part not in model.model_fields:
            return False
        kind = model.model_fields[part].annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return True


def test_files_that_are_named_are_there() -> None:
    tree = next(block for block in blocks("README.md", "") if block.startswith("botkit/"))
    for line in tree.splitlines():
        folder = "botkit" if line.startswith("  ") else "."
        for name in re.findall(r"[a-z_]+\.py|[a-z]+/", line.partition("   ")[0]):
            assert (ROOT / folder / name).exists(), name
