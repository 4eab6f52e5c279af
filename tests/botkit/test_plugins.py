"""How adapters, handlers and middleware are found, and what is said when they are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from botkit.errors import ConfigError
from botkit.plugins import Setup, load, load_adapter, names, setup_of


def test_the_installed_ones_are_known_by_name() -> None:
    assert {"console", "slack"} <= set(names("adapters"))
    assert {"chat", "commands", "permissions"} <= set(names("handlers"))
    assert {"errors", "log", "lane", "session"} <= set(names("middleware"))


def test_one_s_own_code_is_named_by_module_and_attribute() -> None:
    assert load("handlers", "handlers.chat:routes") is load("handlers", "chat")


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no handlers named 'chatt' \(installed: .*chat.*module:attribute"):
        load("handlers", "chatt")


@pytest.mark.parametrize("text", ["def (", "import nowhere_at_all", "unknown", "raise ValueError('no')", "x = 1"])
def test_a_module_with_a_mistake_is_named_with_the_mistake(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ConfigError, match=f"'{name}:routes' cannot be loaded: [A-Z]"):
        load("handlers", f"{name}:routes")


def test_what_is_no_adapter_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not an AdapterPlugin"):
        load_adapter("handlers.chat:routes")


def test_the_terminal_needs_no_set_up() -> None:
    with pytest.raises(ConfigError, match="needs no set-up"):
        setup_of("console", Setup(()))


def test_knowing_an_adapter_does_not_load_its_sdk() -> None:
    code = (
        "import sys; from botkit.plugins import load_adapter; load_adapter('slack'); print('slack_bolt' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout.strip() == "False"
