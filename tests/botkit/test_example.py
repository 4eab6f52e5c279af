"""bots.example.toml is what the settings say, and all of it is accepted."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from botkit.config import load
from botkit.errors import ConfigError
from botkit.example import example
from botkit.plugins import load_site, names
from botkit.settings import Bot, Claude, Settings

FILE = Path(__file__).parents[2] / "bots.example.toml"
VARIABLE = re.compile(r"\$\{([A-Z_]+)")


def environment(text: str) -> dict[str, str]:
    """A value for every variable, none alike; the head of the file explains ${NAME} and is no key."""
    keys = "\n".join(line for line in text.splitlines() if not line.startswith("# "))
    return {name: f"secret-of-{name.lower()}" for name in VARIABLE.findall(keys)}


def test_the_example_in_the_repository_is_the_generated_one() -> None:
    assert FILE.read_text(encoding="utf-8") == example()


def test_the_example_is_accepted_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bots.toml"
    path.write_text(example(), encoding="utf-8")
    config = load(path, environment(example()))
    assert set(config.bots["main"].adapters) == {"slack"}
    assert config.literal_secrets == ()


def test_every_key_of_the_example_is_accepted_with_its_default(tmp_path: Path) -> None:
    path = tmp_path / "bots.toml"
    text = re.sub(r"(?m)^#(?=\S)", "", example())
    path.write_text(text, encoding="utf-8")
    config = load(path, environment(text))
    assert set(config.bots["main"].adapters) == set(names("adapters"))
    assert set(config.sites) == set(names("sites"))
    path.write_text(example(), encoding="utf-8")
    plain = load(path, environment(example()))
    assert (config.http, config.log, config.store, config.pool, config.turn) == (
        plain.http,
        plain.log,
        plain.store,
        plain.pool,
        plain.turn,
    )
    assert config.bots["main"].profile == plain.bots["main"].profile
    assert config.bots["main"].settings == plain.bots["main"].settings


def test_no_key_is_left_out_of_the_example() -> None:
    tree = tomllib.loads(re.sub(r"(?m)^#(?=\S)", "", example()))
    assert tree.keys() == Settings.model_fields.keys() | set(names("sites"))
    assert tree["gateway"].keys() == load_site("gateway").settings.model_fields.keys()
    assert tree["claude"].keys() == Claude.model_fields.keys()
    assert tree["bots"]["main"].keys() == Bot.model_fields.keys() | set(names("adapters"))


def test_an_example_without_adapters_needs_no_variable(tmp_path: Path) -> None:
    path = tmp_path / "bots.toml"
    path.write_text(example(()), encoding="utf-8")
    assert load(path, {}).bots["main"].adapters == {}


def test_what_is_switched_on_is_served_and_what_need_not_be_there_stays_off(tmp_path: Path) -> None:
    path = tmp_path / "bots.toml"
    path.write_text(example(("feishu", "http")), encoding="utf-8")
    config = load(path, {"FEISHU_APP_ID": "cli_1", "FEISHU_APP_SECRET": "secret"})
    assert set(config.bots["main"].adapters) == {"feishu", "http"}
    assert set(config.sites) == {"gateway"}
    assert "jwt" not in tomllib.loads(path.read_text(encoding="utf-8"))["gateway"]["admin"]


def test_an_adapter_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ConfigError, match="no adapters named 'telegram'"):
        example(("telegram",))
