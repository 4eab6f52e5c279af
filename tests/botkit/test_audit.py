"""What a valid configuration is warned about."""

from __future__ import annotations

import re
from pathlib import Path

from botkit.audit import warnings
from botkit.config import load
from tests.botkit.test_config import CHAT, MINIMAL, written


def warned(tmp_path: Path, text: str) -> str:
    return "\n".join(warnings(load(written(tmp_path, text), {})))


def test_a_bot_that_answers_nobody_is_warned_about(tmp_path: Path) -> None:
    said = warned(tmp_path, MINIMAL)
    assert "bots.main.access: nobody is allowed" in said
    assert "bots.main: no adapter" in said
    assert f"bots.main.workdir: {tmp_path}/work is not a folder" in said
    assert "bots.main.limits: no limit" in said


def test_whatever_opens_a_bot_widely_is_warned_about(tmp_path: Path) -> None:
    said = warned(
        tmp_path,
        MINIMAL
        + 'trust_workdir = true\npermission_mode = "bypassPermissions"\naccess.allow_users = ["*"]\n'
        + '[http]\nhost = "0.0.0.0"\npublic_url = "http://bots.example.com"\n[store]\nurl = "redis://db.example.com"\n',
    )
    for words in (
        "trust_workdir: settings and hooks",
        "permission_mode: no tool ever asks",
        "allow_users: everybody",
        "http.host: 0.0.0.0 can be reached",
        "http.public_url: not https",
        "redis:// is not encrypted",
    ):
        assert words in said


def test_a_careful_configuration_is_not_warned_about(tmp_path: Path) -> None:
    text = (
        f'[bots.main]\nworkdir = "."\n[bots.main.{CHAT}]\nbot_token = "${{TOKEN}}"\n'
        '[bots.main.access]\nallow_users = ["U1"]\n[bots.main.limits]\nuser = "20 per minute"\n'
    )
    assert warnings(load(written(tmp_path, text), {"TOKEN": "xoxb-1234"})) == []


def test_a_file_for_claude_that_is_not_there_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("{}")
    said = warned(tmp_path, MINIMAL + 'mcp_config = ["there.json", "{}", "gone.json"]\nsettings = "lost.json"\n')
    assert f"bots.main.mcp_config: there is no file {tmp_path}/gone.json" in said
    assert f"bots.main.settings: there is no file {tmp_path}/lost.json" in said
    assert said.count("there is no file") == 2


def test_two_bots_with_one_account_are_warned_about(tmp_path: Path) -> None:
    tables = "".join(f'[bots.{bot}]\nworkdir = "."\n[bots.{bot}.{CHAT}]\nbot_token = "${{T}}"\n' for bot in ("a", "b"))
    said = "\n".join(warnings(load(written(tmp_path, tables), {"T": "xoxb-1234"})))
    assert re.search(r"bots\.a\..*bot_token, bots\.b\..*bot_token: the same account", said)


def test_a_webhook_address_without_a_proxy_is_warned_about(tmp_path: Path) -> None:
    said = warned(tmp_path, MINIMAL + '[http]\npublic_url = "https://bots.example.com/"\n[store]\nurl = "memory://"\n')
    assert "only a proxy on this machine can forward https://bots.example.com to 127.0.0.1:8080" in said
    assert "memory:// forgets" in said


def test_a_bot_for_programs_alone_needs_nobody_named_but_its_site(tmp_path: Path) -> None:
    text = f'[bots.main]\nworkdir = "{tmp_path}"\n[bots.main.limits]\nuser = "9 per hour"\n[bots.main.http]\n'
    assert warned(tmp_path, text) == "bots.main.http: nothing serves it; add [gateway]"
    assert warned(tmp_path, f"{text}[gateway]\n") == ""
