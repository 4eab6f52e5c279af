"""bots.toml: what is accepted, what is refused and with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from botkit.access import Access
from botkit.config import build, default_chat_config, load
from botkit.display import Display
from botkit.errors import ConfigError
from botkit.example import example
from botkit.expand import Toml
from botkit.limits import Rate
from botkit.plugins import AdapterPlugin, names
from botkit.protocols import Adapter


class ChatSettings(BaseModel):
    """A platform of the tests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: SecretStr
    encrypt: SecretStr | None = None
    api_url: str = "https://chat.example.com"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.api_url:
            raise ValueError("where is it?")
        return self


def create(name: str, settings: ChatSettings) -> Adapter:
    raise NotImplementedError


plugin = AdapterPlugin(ChatSettings, create)
CHAT = '"tests.botkit.test_config:plugin"'
MINIMAL = '[bots.main]\nworkdir = "work"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bots.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_the_smallest_file_gives_a_bot_with_defaults(tmp_path: Path) -> None:
    config = load(written(tmp_path, MINIMAL), {})
    bot = config.bots["main"]
    assert bot.profile.workdir == bot.settings.workdir == tmp_path / "work"
    assert bot.access == Access()
    assert bot.access.nobody
    assert bot.handlers == ("commands", "permissions", "chat")
    assert (config.http.host, config.http.port) == ("127.0.0.1", 8080)
    assert config.store.url == f"sqlite:///{tmp_path}/botkit.db"
    assert (config.pool.max_workers, config.turn.turn) == (8, 1800.0)


def test_every_part_of_a_bot_reaches_where_it_is_used(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            f"""
            drain = "5s"
            [claude]
            command = "env -i claude"
            pass_environment = ["JAVA_HOME"]
            [claude.pool]
            max_workers = 2
            park_after = "2h"
            [claude.limits]
            turn = "10m"
            [bots.main]
            workdir = "/srv/main"
            models = ["opus", "haiku"]
            permission_mode = "acceptEdits"
            launcher = ["bwrap", "--unshare-all"]
            add_dirs = ["docs", "~/notes"]
            mcp_config = ["mcp.json", '{{"mcpServers": {{}}}}']
            agents = '{{"reviewer": {{}}}}'
            turn_budget = 1.5
            trust_workdir = true
            session_idle = "12h"
            recovery = "ask"
            handlers = ["chat", "my.own:routes"]
            [bots.main.display]
            footer = false
            level = "full"
            [bots.main.uploads]
            max_files = 2
            [bots.main.access]
            allow_users = ["U1", "U2"]
            deny_channels = ["C9"]
            admins = ["U1"]
            strangers = "tell"
            [bots.main.limits]
            user = "20 per minute"
            total = "100 per 6 hours"
            [bots.main.{CHAT}]
            bot_token = "${{TOKEN}}"
            """,
        ),
        {"TOKEN": "xoxb-1234"},
    )
    bot = config.bots["main"]
    assert (config.pool.max_workers, config.pool.park_after, config.turn.turn) == (2, 7200.0, 600.0)
    assert bot.profile.command == ("env", "-i", "claude")
    assert bot.profile.launcher == ("bwrap", "--unshare-all")
    assert bot.profile.add_dirs == (tmp_path / "docs", Path("~/notes").expanduser())
    assert bot.profile.mcp_config == (str(tmp_path / "mcp.json"), '{"mcpServers": {}}')
    assert bot.profile.trust_workdir
    assert (bot.settings.drain, bot.settings.session_idle, bot.settings.recovery) == (5.0, 43200.0, "ask")
    assert (bot.settings.mode, bot.settings.models, bot.settings.max_uploads) == ("acceptEdits", ("opus", "haiku"), 2)
    assert bot.settings.display == Display("full", footer=False)
    assert bot.access.allow_users == {"U1", "U2"}
    assert bot.access.strangers == "tell"
    assert bot.limits.rates == {"user": Rate(20, 60.0), "total": Rate(100, 21600.0)}
    (settings,) = bot.adapters.values()
    assert isinstance(settings, ChatSettings)
    assert settings.bot_token.get_secret_value() == "xoxb-1234"


def test_options_of_claude_are_the_defaults_of_every_bot(tmp_path: Path) -> None:
    text = """
    [claude]
    model = "opus"
    effort = "high"
    environment = { A = "1", B = "1" }
    [bots.one]
    workdir = "."
    [bots.two]
    workdir = "."
    model = ""
    environment = { B = "2" }
    """
    one, two = load(written(tmp_path, text), {}).bots.values()
    assert (one.profile.model, one.profile.effort, one.profile.environment) == ("opus", "high", {"A": "1", "B": "1"})
    assert (two.profile.model, two.profile.effort, two.profile.environment) == ("", "high", {"A": "1", "B": "2"})


def test_the_display_is_one_of_three_levels(tmp_path: Path) -> None:
    assert load(written(tmp_path, MINIMAL), {}).bots["main"].settings.display == Display("normal", footer=True)
    text = f'{MINIMAL}[bots.main.display]\nlevel = "loud"\nthinking = true\n'
    assert sorted(problems(tmp_path, text)) == [
        "bots.main.display.level: expected 'quiet', 'normal' or 'full'; found 'loud'",
        "bots.main.display.thinking: unknown key; known: footer, level",
    ]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = f"""
    [htp]
    port = 1
    [http]
    port = 99999
    [store]
    url = "mysql://root:hunter22@db"
    [log]
    level = "loud"
    [bots.main]
    workdir = 3
    modell = "x"
    approval_timeout = "5 fortnights"
    handlers = ["chatt"]
    agents = "{{"
    [bots.main.limits]
    user = "20 per minutes and more"
    [bots.main.acess]
    [bots.main.{CHAT}]
    bot_tokn = "xoxb-1"
    encrypt = 5
    [bots."Not A Name"]
    workdir = "."
    """
    assert sorted(problems(tmp_path, text)) == sorted(
        [
            "htp: neither a table of this file nor an installed site (installed: gateway); did you mean 'http'?",
            "http.port: expected less than or equal to 65535; found 99999",
            'store.url: expected "sqlite:///file", "redis://host:6379/0" or "memory://"; found \'mysql://…@db\'',
            "log.level: expected 'debug', 'info', 'warning' or 'error'; found 'loud'",
            "bots.main.workdir: expected a path; found 3",
            "bots.main.modell: unknown key; did you mean 'model'?",
            'bots.main.approval_timeout: expected a duration such as "90s", "15m", "12h" or "30d"; '
            "found '5 fortnights'",
            'bots.main.handlers[0]: expected one of chat, commands, permissions, or "module:attribute"; '
            "found 'chatt'",
            "bots.main.agents: expected a JSON object: Input data was truncated; found '{'",
            'bots.main.limits.user: expected a rate such as "20 per minute" or "100 per 6 hours"; "" is no limit; '
            "found '20 per minutes and more'",
            "bots.main.acess: neither a table of a bot nor an installed adapter "
            f"(installed: {', '.join(names('adapters'))}); did you mean 'access'?",
            "bots.main.tests.botkit.test_config:plugin.bot_token: expected a value; found nothing",
            "bots.main.tests.botkit.test_config:plugin.bot_tokn: unknown key; did you mean 'bot_token'?",
            "bots.main.tests.botkit.test_config:plugin.encrypt: expected a valid string; "
            "found something else (not shown, it is a secret)",
            "bots.Not A Name: expected a name of at most 32 lower-case letters, digits, - and _; found 'Not A Name'",
        ]
    )


def test_a_missing_variable_is_named_with_its_key(tmp_path: Path) -> None:
    text = MINIMAL + 'model = "${MODEL:-opus}"\neffort = "${EFFORT}"\nsettings = "${"\n'
    assert problems(tmp_path, text) == [
        "bots.main.effort: expected the environment variable EFFORT; it is not set",
        'bots.main.settings: expected "${NAME}" or "${NAME:-default}"; \'${\'',
    ]


@pytest.mark.parametrize("adapter", ["slack", "feishu", "discord"])
def test_a_missing_variable_of_a_platform_is_said_once(tmp_path: Path, adapter: str) -> None:
    found = problems(tmp_path, example((adapter,)))
    assert found
    assert [each for each in found if "expected the environment variable" not in each] == []


def test_a_variable_is_put_in_once_and_may_have_a_default(tmp_path: Path) -> None:
    text = MINIMAL + 'model = "a-${A}-${B:-b}"\nappend_system_prompt = "$${HOME} is no variable, $HOME neither"\n'
    profile = load(written(tmp_path, text), {"A": "${HOME}"}).bots["main"].profile
    assert profile.model == "a-${HOME}-b"
    assert profile.append_system_prompt == "${HOME} is no variable, $HOME neither"


def test_a_variable_of_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + f'[bots.main.{CHAT}]\nbot_token = "from-file"\n')
    config = load(
        path,
        {
            "BOTKIT_STORE__URL": "redis://localhost/1",
            "BOTKIT_HTTP__PORT": "9090",
            "BOTKIT_BOTS__MAIN__MODEL": "haiku",
            "BOTKIT_BOTS__MAIN__ALLOWED_TOOLS": '["Read"]',
            "BOTKIT_DRAIN": "1m",
            "BOTKIT_LOG__LEVEL": "",
        },
    )
    assert (config.store.url, config.http.port, config.log.level) == ("redis://localhost/1", 9090, "info")
    assert (config.bots["main"].profile.model, config.bots["main"].settings.drain) == ("haiku", 60.0)
    assert config.bots["main"].profile.allowed_tools == ("Read",)
    assert problems(tmp_path, MINIMAL, BOTKIT_STORE__URLL="x") == ["store.urll: unknown key; did you mean 'url'?"]


def test_a_variable_that_names_no_key_or_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, MINIMAL, BOTKIT_STOER__URL="x") == [
        "BOTKIT_STOER__URL: names no key; did you mean 'store'?"
    ]
    (said,) = problems(tmp_path, MINIMAL, BOTKIT_HTTP="{")
    assert said.startswith("a BOTKIT_ environment variable cannot be read")


def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, MINIMAL + 'queue = "${SLACK_TOKEN}"\n', SLACK_TOKEN="xoxb-12345")
    assert said == "bots.main.queue: expected a valid integer; found '[secret]'"


def test_a_table_that_is_wrong_as_a_whole_does_not_show_its_tokens(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, f'{MINIMAL}[bots.main.{CHAT}]\nbot_token = "xoxb-12345"\napi_url = ""\n')
    assert said == "bots.main.tests.botkit.test_config:plugin: where is it?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "bots: expected at least one table such as [bots.main]; found nothing"),
        ("bots = 3", "bots: expected a table; found 3"),
        ("[bots]\nmain = 3", "bots.main: expected a table; found 3"),
        (MINIMAL + 'models = "opus"', "bots.main.models: expected a list; found 'opus'"),
        ("[bots.main]", "bots.main.workdir: expected a value; found nothing"),
        ("[bots", "cannot be read: Expected ']' at the end of a table declaration (at end of document)"),
    ],
)
def test_a_file_that_is_no_configuration_is_explained(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text) == [said]


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="botkit init") as caught:
        load(tmp_path / "none.toml", {})
    assert caught.value.file == str(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bots.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path, {})


def test_the_first_problem_is_also_in_the_attributes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "[bots.main]"), {})
    assert (caught.value.key, caught.value.problem) == ("bots.main.workdir", "expected a value")


def test_an_adapter_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, MINIMAL + '[bots.main."no.such.module:plugin"]\n')
    assert said.startswith("bots.main.no.such.module:plugin: adapters 'no.such.module:plugin' cannot be loaded")


def test_a_public_address_must_be_a_url(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, MINIMAL + '[http]\npublic_url = "bots.example.com"\n')
    assert said == "http.public_url: expected a URL such as \"https://bots.example.com\"; found 'bots.example.com'"


def test_the_terminal_chat_needs_no_file(tmp_path: Path) -> None:
    workdir = tmp_path / "${odd}"
    config = default_chat_config(workdir, {"HOME": str(tmp_path)})
    assert config.store.url == f"sqlite:///{tmp_path}/.local/state/botkit/chat.db"
    assert config.bots["chat"].profile.workdir == workdir
    assert config.bots["chat"].adapters.keys() == {"console"}
    assert config.bots["chat"].access.admins == {"console"}
    elsewhere = default_chat_config(workdir, {"HOME": str(tmp_path), "XDG_STATE_HOME": "/var/state"})
    assert elsewhere.store.url == "sqlite:////var/state/botkit/chat.db"


def test_a_negative_duration_is_refused(tmp_path: Path) -> None:
    tree: dict[str, Toml] = {"drain": -1, "bots": {"main": {"workdir": "."}}}
    with pytest.raises(ConfigError, match="drain: expected a duration of 0 or more; found -1"):
        build(tree, {}, root=tmp_path)
