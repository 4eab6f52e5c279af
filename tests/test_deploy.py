"""What is shipped to run botkit somewhere: as far as it can be checked without the machines it is for."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from botkit.settings import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
WORKERS_CLOSE = 30.0
"""Seconds that closing all workers may take after the drain."""


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep the case of keys
    parser.read(DEPLOY / "botkit.service", encoding="utf-8")
    return parser


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def dockerfile() -> list[str]:
    """Its instructions, with continued lines joined and comments left out."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text))
    return [line for line in joined.splitlines() if line]


def test_a_stop_of_the_service_leaves_time_for_running_turns() -> None:
    service = unit()["Service"]
    assert float(service["TimeoutStopSec"].removesuffix("s")) >= Settings().drain + WORKERS_CLOSE
    assert service["KillMode"] == "mixed"
    assert float(compose()["services"]["botkit"]["stop_grace_period"].removesuffix("s")) >= (
        Settings().drain + WORKERS_CLOSE
    )


def test_the_service_has_no_rights_it_does_not_need() -> None:
    service = unit()["Service"]
    assert service["User"] == "botkit"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"):
        assert service[key] == "yes"


def test_the_service_checks_the_config_and_does_not_restart_with_a_wrong_one() -> None:
    service = unit()["Service"]
    assert service["ExecStartPre"].endswith("botkit check")
    assert service["ExecStart"].endswith("botkit run")
    assert service["RestartPreventExitStatus"] == "2"
    assert "HUP" in service["ExecReload"]


def test_the_image_runs_as_a_user_without_rights_and_tells_its_health() -> None:
    lines = dockerfile()
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM"))
    final = lines[last:]
    assert "USER botkit" in final
    assert any("--uid 10001" in line for line in final)
    assert any(line.startswith("HEALTHCHECK") and "/healthz" in line for line in final)
    assert 'ENTRYPOINT ["botkit"]' in final
    assert "VOLUME /data" in final


def test_the_image_holds_the_cli_and_the_compiled_modules() -> None:
    (install,) = (line for line in dockerfile() if "pip install" in line)
    assert '".[all]"' in install
    assert "--compile" in install


def test_whatever_the_image_copies_is_there_and_is_let_through() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for line in dockerfile():
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in kept


def test_the_store_of_compose_keeps_every_acknowledged_message() -> None:
    services = compose()["services"]
    command = " ".join(services["store"]["command"])
    assert "--appendfsync always" in command
    assert "--maxmemory-policy noeviction" in command
    assert services["store"]["healthcheck"]["test"]
    assert services["botkit"]["depends_on"]["store"]["condition"] == "service_healthy"
    assert (DEPLOY / services["botkit"]["build"]["context"] / services["botkit"]["build"]["dockerfile"]).is_file()
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose()["volumes"]


def test_compose_publishes_to_this_machine_only() -> None:
    for port in compose()["services"]["botkit"]["ports"]:
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize(
    "word", ["botkit init slack", "connections:write", "botkit.service", "compose.yaml", "/readyz"]
)
def test_the_instructions_name_every_step(word: str) -> None:
    assert word in (DEPLOY / "README.md").read_text(encoding="utf-8")


def test_files_that_the_instructions_name_are_there() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"deploy/([\w.-]+)", text):
        assert (DEPLOY / name).is_file(), name


def test_the_search_for_a_python_finds_one_or_says_what_to_do() -> None:
    found = subprocess.run([DEPLOY / "find-python"], capture_output=True, text=True, timeout=30, check=True)
    assert found.stdout.strip()
    none = subprocess.run(
        [DEPLOY / "find-python"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHON": "/no/such/python"},
    )
    assert none.returncode == 1
    assert "botkit needs Python 3.11 or newer" in none.stderr


def test_the_workflow_runs_what_everybody_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["test"]["steps"]
    assert steps[-1] == {"run": ".ci/run"}
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
