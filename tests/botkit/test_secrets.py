"""Which values of a configuration are secrets."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from botkit.config import Config, load
from botkit.secrets import held
from tests.botkit.test_config import CHAT, MINIMAL, written


def secretive(tmp_path: Path) -> Config:
    text = (
        MINIMAL
        + f"""
    settings = '{{"env": "${{GITHUB_TOKEN}}"}}'
    environment = {{ NPM_TOKEN = "npm-literal", HOME = "${{HOME}}" }}
    [bots.main.{CHAT}]
    bot_token = "${{BOT}}"
    encrypt = "crypt-literal"
    [store]
    url = "redis://:p%40ssword@localhost/0"
    [claude]
    pass_environment = ["MY_API_KEY", "JAVA_HOME"]
    """
    )
    return load(
        written(tmp_path, text),
        {
            "BOT": "xoxb-from-environment",
            "GITHUB_TOKEN": "ghp-1234",
            "HOME": "/home/me",
            "ANTHROPIC_API_KEY": "sk-ant-1",
            "MY_API_KEY": "key-1234",
            "JAVA_HOME": "/opt/java",
            "OTHER_TOKEN": "unused-1234",
        },
    )


def test_every_secret_is_known_wherever_it_comes_from(tmp_path: Path) -> None:
    assert secretive(tmp_path).secrets == {
        "xoxb-from-environment",
        "ghp-1234",
        "npm-literal",
        "crypt-literal",
        "p%40ssword",
        "p@ssword",
        "sk-ant-1",
        "key-1234",
    }


def test_no_secret_is_in_the_repr_of_a_configuration(tmp_path: Path) -> None:
    shown = repr(secretive(tmp_path).bots["main"].adapters) + repr(secretive(tmp_path).secrets and "")
    assert "xoxb" not in shown
    assert "crypt-literal" not in shown


def test_a_secret_that_stands_in_the_file_is_warned_about(tmp_path: Path) -> None:
    assert secretive(tmp_path).literal_secrets == (
        "bots.main.environment.NPM_TOKEN",
        "bots.main.tests.botkit.test_config:plugin.encrypt",
        "store.url",
    )


class Nested(BaseModel):
    """A server of somebody's own adapter."""

    url: str = ""
    password: str = ""


class Servers(BaseModel):
    """Secrets where a third party's settings may hold them."""

    api_token: str
    main: Nested
    others: dict[str, Nested | str | int]


def test_secrets_are_found_in_settings_of_any_shape() -> None:
    settings = Servers(
        api_token="token-1",
        main=Nested(url="https://me:pass-1@host", password="pass-2"),
        others={"a": Nested(password="pass-3"), "x_secret": "pass-4", "port": 80, "b": Nested(url="https://[broken")},
    )
    assert {(key, value) for key, value in held(settings, "s") if value} == {
        ("s.api_token", "token-1"),
        ("s.main.url", "pass-1"),
        ("s.main.password", "pass-2"),
        ("s.others.a.password", "pass-3"),
        ("s.others.x_secret", "pass-4"),
    }
