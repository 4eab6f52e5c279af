"""The command line as an operator uses it: as a program of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.slack.testing import LoopbackSlack
from botkit.testing.model import LoopbackModel

PATIENCE = 20.0
"""Seconds; starting Python and the CLI takes two on a busy machine."""


@dataclass
class Shell:
    """A terminal in a folder of its own, with nothing of the machine in its environment."""

    folder: Path
    environ: dict[str, str]
    processes: list[Process] = field(default_factory=list[Process])

    async def start(self, *arguments: str, **more: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "botkit", *arguments),
            cwd=self.folder,
            env={**self.environ, **more},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            limit=1 << 20,
        )
        self.processes.append(process)
        return process

    async def run(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        process = await self.start(*arguments, **more)
        async with asyncio.timeout(PATIENCE):
            out, errors = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), errors.decode()

    async def end(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    def write(self, text: str, name: str = "bots.toml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncGenerator[Shell]:
    shell = Shell(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"})
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    yield shell
    await shell.end()


VALID = """
[store]
url = "memory://"

[bots.main]
workdir = "work"

[bots.main.access]
allow_users = ["U1"]

[bots.main.console]
"""


async def test_check_accepts_a_valid_file_and_warns(shell: Shell) -> None:
    shell.write(VALID)
    code, out, errors = await shell.run("check")
    assert (code, errors) == (0, "")
    assert "bots.toml is valid: 1 bot (main)" in out
    assert "warning: store.url: memory:// forgets" in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[bots.main]", "[bots.main]\nqueue_lenght = 3"), ["bots.main.queue_lenght"]),
        (("[bots.main]", "[bots.main]\nqueue = 'many'"), ["bots.main.queue", "integer"]),
        (("[bots.main]", "[bots.main]\nmodel = '${NOT_SET}'"), ["bots.main.model", "NOT_SET"]),
        (("[bots.main]", "[bots.main]\nhandlers = ['chat', 'chatt']"), ["handlers", "chatt"]),
        (("[bots.main.console]", "[bots.main.consol]"), ["bots.main.consol", "console"]),
        (("[store]", "[store"), ["cannot be read"]),
    ],
)
async def test_check_names_the_file_the_key_and_what_was_expected(
    shell: Shell, change: tuple[str, str], said: list[str]
) -> None:
    shell.write(VALID.replace(*change))
    code, out, errors = await shell.run("check")
    assert (code, out) == (2, "")
    assert "bots.toml" in errors
    assert "Traceback" not in errors
    for word in said:
        assert word in errors


async def test_a_handler_with_a_mistake_in_it_is_named_without_a_traceback(shell: Shell) -> None:
    (shell.folder / "mine.py").write_text("routes = (\n", encoding="utf-8")
    shell.write(VALID.replace("[bots.main]", "[bots.main]\nhandlers = ['mine:routes']"))
    code, _, errors = await shell.run("check", PYTHONPATH=str(shell.folder))
    assert code == 2
    assert "'mine:routes' cannot be loaded: SyntaxError" in errors
    assert "Traceback" not in errors


async def test_a_missing_file_is_said_with_the_way_out(shell: Shell) -> None:
    for command in ("check", "run", "doctor", "reload"):
        code, _, errors = await shell.run(command, "-c", "other.toml")
        assert (code, "other.toml: there is no such file; `botkit init` writes one" in errors) == (2, True), command


async def test_init_writes_a_file_that_check_accepts_and_never_overwrites_one(shell: Shell) -> None:
    code, out, _ = await shell.run("init")
    assert (code, "botkit check -c bots.toml" in out) == (0, True)
    written = (shell.folder / "bots.toml").read_text(encoding="utf-8")
    code, _, errors = await shell.run("check")
    assert (code, "SLACK_BOT_TOKEN" in errors) == (2, True)
    code, _, errors = await shell.run("check", SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1")
    assert (code, errors) == (0, "")
    code, _, errors = await shell.run("init")
    assert (code, "there is such a file already" in errors) == (2, True)
    assert (shell.folder / "bots.toml").read_text(encoding="utf-8") == written


async def test_init_switches_on_what_is_asked_for_and_names_what_is_there(shell: Shell) -> None:
    code, _, errors = await shell.run("init", "--with", "discord", "--with", "http")
    assert (code, errors) == (0, "")
    code, out, errors = await shell.run("check", DISCORD_BOT_TOKEN="token")
    assert (code, errors) == (0, "")
    assert "SLACK" not in out
    code, _, errors = await shell.run("init", "--with", "telegram", "-o", "other.toml")
    assert (code, "installed: console, discord, feishu, http, slack" in errors) == (2, True)
    assert not (shell.folder / "other.toml").exists()


async def test_init_of_a_platform_says_each_step_and_gives_the_manifest(shell: Shell) -> None:
    code, out, _ = await shell.run("init", "slack")
    assert code == 0
    for word in ("api.slack.com/apps", "display_information", "oauth_config", "SLACK_BOT_TOKEN"):
        assert word in out
    assert not (shell.folder / "bots.toml").exists()
    assert "stop [all]" in out, "the commands of a bot like any other"
    code, _, errors = await shell.run("init", "telegram")
    assert (code, "installed: console, discord, feishu, http, slack" in errors) == (2, True)


async def test_init_of_a_platform_that_delivers_over_http_names_the_public_address(shell: Shell) -> None:
    code, out, _ = await shell.run("init", "slack", "--public-url", "https://bots.example.com/")
    assert (code, out.count("https://bots.example.com/BOT/slack/events")) == (0, 3)
    code, out, _ = await shell.run("init", "feishu", "--public-url", "https://bots.example.com")
    assert (code, "https://bots.example.com/BOT/feishu/events" in out) == (0, True)
    shell.write(VALID + '[http]\npublic_url = "https://acme.example.com"\n')
    code, out, _ = await shell.run("init", "slack", "-c", "bots.toml")
    assert (code, out.count("https://acme.example.com/main/slack/events")) == (0, 3)
    code, out, errors = await shell.run("init", "slack", "--public-url", "bots.example.com")
    assert (code, out) == (2, "")
    assert "--public-url: expected a URL such as \"https://bots.example.com\"; found 'bots.example.com'" in errors


async def test_reload_without_a_running_botkit_is_said(shell: Shell) -> None:
    shell.write(VALID)
    (shell.folder / ".bots.toml.pid").write_text(f"{os.getpid()}\n1.00\n", encoding="utf-8")
    code, _, errors = await shell.run("reload")
    assert (code, "no botkit runs with this config" in errors) == (2, True), "the number is somebody else's now"


@pytest.mark.parametrize("command", ["run", "chat"])
async def test_inside_claude_code_botkit_refuses_and_says_what_to_do(shell: Shell, command: str) -> None:
    shell.write(VALID)
    code, _, errors = await shell.run(command, "-c", "bots.toml", CLAUDECODE="1")
    assert code == 1
    assert "env -u CLAUDECODE" in errors
    assert "Traceback" not in errors


@dataclass
class Workplace:
    """A loopback Slack and model, and a config that names them."""

    shell: Shell
    slack: LoopbackSlack
    model: LoopbackModel
    read: list[str] = field(default_factory=list[str])

    def write(self, *, port: int = 0, who: str = "alice", more: str = "") -> None:
        model = self.model.environment(self.shell.folder / "home")
        del model["PATH"]
        environment = "\n".join(f'{name} = "{value}"' for name, value in model.items())
        self.shell.write(
            f'drain = 5\n[http]\nport = {port}\n[log]\nformat = "json"\n'
            f'[store]\nurl = "sqlite:///botkit.db"\n[claude.pool]\nspares = 0\n'
            f'[bots.main]\nworkdir = "work"\n{more}\n[bots.main.environment]\n{environment}\n'
            f'[bots.main.access]\nallow_users = ["{self.slack.person(who).id}"]\n'
            f'[bots.main.slack]\nbot_token = "${{SLACK_BOT_TOKEN}}"\napp_token = "${{SLACK_APP_TOKEN}}"\n'
            f'api_url = "{self.slack.url}"\nstatus = "off"\nedits_per_minute = 1200\n'
        )

    @property
    def tokens(self) -> Mapping[str, str]:
        return {"SLACK_BOT_TOKEN": self.slack.app.bot_token, "SLACK_APP_TOKEN": self.slack.app.app_token}

    async def run(self) -> Process:
        process = await self.shell.start("run", **self.tokens)
        await self.slack.connected(within=PATIENCE)
        await self.until_logged(process, '"event":"ready"')
        return process

    async def until_logged(self, process: Process, text: str) -> str:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await process.stderr.readline()).decode():
                self.read.append(line)
                print(line, end="")  # noqa: T201 (pytest shows it when the test fails)
                if text in line:
                    return line
        raise AssertionError(f"{text} was not logged, but {self.read}")

    async def begin(self, prompt: str) -> None:
        """Ask something and wait until the answer has begun."""
        root = await self.slack.say("alice", "general", f"{self.slack.app.mention} {prompt}")
        await self.slack.until(
            lambda: any("word1" in post.shown for post in self.slack.messages("general", root) if post.app),
            within=PATIENCE,
        )


@pytest.fixture
async def workplace(shell: Shell) -> AsyncGenerator[Workplace]:
    async with LoopbackSlack() as slack, LoopbackModel() as model:
        workplace = Workplace(shell, slack, model)
        workplace.write()
        yield workplace
        await shell.end()  # first: it would connect again to what is about to close


async def test_doctor_tries_the_cli_the_store_and_the_platform(workplace: Workplace) -> None:
    code, out, errors = await workplace.shell.run("doctor", "--backup", "copy.db", **workplace.tokens)
    assert (code, errors) == (0, ""), out + errors
    for line in ("✓ claude for main:", "✓ store: ", "✓ slack for main:", "✓ backup: written to copy.db"):
        assert line in out
    assert (workplace.shell.folder / "copy.db").exists()
    assert workplace.slack.app.bot_token not in out


async def test_doctor_says_what_does_not_work(workplace: Workplace) -> None:
    broken = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": workplace.slack.app.app_token}
    code, out, _ = await workplace.shell.run("doctor", **broken)
    assert code == 1
    assert "✗ slack for main:" in out
    assert "xoxb-wrong" not in out


async def test_a_port_in_use_is_said_without_a_traceback(workplace: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        workplace.write(port=taken.getsockname()[1])
        code, _, errors = await workplace.shell.run("run", **workplace.tokens)
    assert code == 2
    assert "http.port" in errors
    assert "is in use" in errors
    assert "Traceback" not in errors


async def test_reload_applies_who_is_allowed_without_dropping_the_running_turn(workplace: Workplace) -> None:
    process, slack = await workplace.run(), workplace.slack
    await workplace.begin("!words 8 500ms")
    workplace.write(who="bob")
    code, out, errors = await workplace.shell.run("reload", **workplace.tokens)
    assert code == 0, errors
    assert "reads bots.toml again" in out
    await workplace.until_logged(process, '"event":"reloaded"')
    line = await workplace.until_logged(process, '"event":"message"')
    assert '"outcome":"answered"' in line
    await slack.say("alice", "general", f"{slack.app.mention} again")
    await workplace.until_logged(process, '"event":"stranger"')
    await slack.say("bob", "general", f"{slack.app.mention} me")
    line = await workplace.until_logged(process, '"event":"message"')
    assert slack.person("bob").id in line
    process.terminate()
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0


async def test_a_wrong_new_config_is_refused_and_the_old_one_stays(workplace: Workplace) -> None:
    process, slack = await workplace.run(), workplace.slack
    for wrong in ("queue = 'many'", "handlers = ['chat', 'nobody:routes']"):
        workplace.write(more=wrong, who="bob")
        process.send_signal(signal.SIGHUP)
        await workplace.until_logged(process, '"event":"reload_refused"')
    await slack.say("alice", "general", f"{slack.app.mention} still there?")
    line = await workplace.until_logged(process, '"event":"message"')
    assert '"outcome":"answered"' in line


async def test_the_log_has_one_line_a_message_and_neither_text_nor_token(workplace: Workplace) -> None:
    process, slack = await workplace.run(), workplace.slack
    await slack.say("alice", "general", f"{slack.app.mention} the-secret-plan")
    line = await workplace.until_logged(process, '"event":"message"')
    for key in ("turn", "user", "conversation", "outcome", "seconds", "cost", "session"):
        assert f'"{key}":' in line
    process.terminate()
    async with asyncio.timeout(PATIENCE):
        out, errors = await process.communicate()
    logged = "".join(workplace.read) + out.decode() + errors.decode()
    assert logged.count('"event":"message"') == 1
    assert "the-secret-plan" not in logged
    for token in workplace.tokens.values():
        assert token not in logged
    assert not (workplace.shell.folder / ".bots.toml.pid").exists()


async def test_a_second_signal_ends_botkit_at_once(workplace: Workplace) -> None:
    process = await workplace.run()
    await workplace.begin("!words 60 500ms")
    process.terminate()
    await workplace.until_logged(process, '"event":"stopping"')
    process.terminate()
    async with asyncio.timeout(2):
        assert await process.wait() == -signal.SIGTERM


async def test_a_config_folder_that_cannot_be_written_does_not_keep_botkit_from_running(workplace: Workplace) -> None:
    (workplace.shell.folder / ".bots.toml.pid").mkdir()
    process = await workplace.run()
    await workplace.until_logged(process, '"event":"pid_not_written"')
    process.terminate()
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0
