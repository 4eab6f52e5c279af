"""What is shipped to run botkit somewhere: as far as it can be checked without the machines it is for."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import crossplane  # pyright: ignore[reportMissingTypeStubs]  # ships none
import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]  # ships none
import pytest
import yaml

from adapters.http.routes import ENDPOINTS
from adapters.http.settings import GatewaySettings
from botkit.config import build
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


def kubernetes() -> dict[str, dict[str, Any]]:
    """The objects of the manifest by their kind."""
    found = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
    return {each["kind"]: each for each in found}


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    return spec


def test_kubernetes_knows_every_key_of_the_manifest() -> None:
    for each in kubernetes().values():
        validate: Any = kubernetes_validate.validate  # its types leave out what it takes
        validate(each, "1.31", strict=True)


def test_the_config_for_kubernetes_is_accepted(tmp_path: Path) -> None:
    text = kubernetes()["ConfigMap"]["data"]["bots.toml"]
    environ = {name: f"value of {name}" for name in re.findall(r"\$\{(\w+)\}", text)}
    config = build(tomllib.loads(text), environ, root=tmp_path)
    assert config.bots["main"].access.allow_users
    assert config.literal_secrets == ()


def test_kubernetes_runs_the_image_as_the_image_expects() -> None:
    (container,), lines = pod()["containers"], dockerfile()
    assert f"--uid {pod()['securityContext']['runAsUser']} " in "\n".join(lines)
    (exposed,) = (int(line.split()[1]) for line in lines if line.startswith("EXPOSE"))
    (port,) = container["ports"]
    (service,) = kubernetes()["Service"]["spec"]["ports"]
    assert (port["containerPort"], service["targetPort"]) == (exposed, port["name"])
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert {"/data", "/data/bots.toml", "/tmp"} == mounts.keys(), "nothing else can be written to"
    assert set(mounts.values()) == {volume["name"] for volume in pod()["volumes"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_what_kubernetes_names_is_in_the_manifest_and_its_secrets_are_not() -> None:
    objects = kubernetes()
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == labels == objects["Service"]["spec"]["selector"]
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    claim = volumes["state"]["persistentVolumeClaim"]["claimName"]
    assert claim == objects["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["config"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert "Secret" not in objects
    (container,) = pod()["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "botkit"}}]


def test_kubernetes_gives_turns_time_one_writer_and_memory() -> None:
    assert pod()["terminationGracePeriodSeconds"] >= Settings().drain + WORKERS_CLOSE
    assert kubernetes()["Deployment"]["spec"]["replicas"] == 1
    assert kubernetes()["Deployment"]["spec"]["strategy"]["type"] == "Recreate"
    (container,) = pod()["containers"]
    (variable,) = container["env"]
    assert variable["name"] == "BOTKIT_CLAUDE__POOL__MEMORY"
    limit = int(container["resources"]["limits"]["memory"].removesuffix("Gi")) * 1024
    assert int(variable["value"]) <= limit - 512
    assert container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def nginx(tmp_path: Path) -> list[dict[str, Any]]:
    """What stands in the proxy's `http` block, as nginx itself would read it."""
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"events {{}}\nhttp {{\n include {DEPLOY / 'nginx.conf'};\n}}\n", encoding="utf-8")
    parse: Any = crossplane.parse  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    read = parse(str(whole), combine=True)
    assert (read["status"], read["errors"]) == ("ok", [])
    (http,) = (part for part in read["config"][0]["parsed"] if part["directive"] == "http")
    inside: list[dict[str, Any]] = http["block"]
    return inside


def locations(tmp_path: Path) -> dict[str, dict[str, list[str]]]:
    """Of the server with TLS: for each pattern its directives; a header's with its name."""
    (server,) = (
        part["block"]
        for part in nginx(tmp_path)
        if part["directive"] == "server" and any("ssl" in each["args"] for each in part["block"])
    )
    found: dict[str, dict[str, list[str]]] = {}
    for part in server:
        if part["directive"] == "location":
            found[part["args"][-1]] = {
                " ".join([each["directive"], *each["args"][:-1]]): each["args"] for each in part["block"]
            }
    return found


def through(path: str, tmp_path: Path) -> list[dict[str, list[str]]]:
    return [inside for pattern, inside in locations(tmp_path).items() if pattern != "/" and re.search(pattern, path)]


def test_the_proxy_forwards_all_that_programs_and_platforms_call_and_nothing_else(tmp_path: Path) -> None:
    for endpoint in ENDPOINTS:
        (inside,) = through(re.sub(r"\{\w+\}", "x1", endpoint.path), tmp_path)
        assert "proxy_buffering" in inside, endpoint.path
    for path in ("/acme/slack/events", "/acme/feishu/events"):
        assert len(through(path, tmp_path)) == 1
    for path in ("/healthz", "/readyz", "/", "/apis", "/acme/slack/eventsx"):
        assert through(path, tmp_path) == []


def test_the_proxy_lets_streams_through_as_long_and_as_large_as_botkit_does(tmp_path: Path) -> None:
    (inside,) = through("/v1/models", tmp_path)
    assert inside["proxy_buffering"] == ["off"]
    for key in ("proxy_read_timeout", "proxy_send_timeout"):
        (minutes,) = inside[key]
        assert float(minutes.removesuffix("m")) * 60 > GatewaySettings().request_time
    (size,) = inside["client_max_body_size"]
    assert int(size.removesuffix("m")) * 1024 * 1024 >= GatewaySettings().max_body
    assert inside["proxy_set_header Upgrade"][-1] == "$http_upgrade"
    assert inside["proxy_set_header X-Forwarded-For"][-1] == "$proxy_add_x_forwarded_for"
    assert inside["proxy_http_version"] == ["1.1"]


def test_the_proxy_asks_botkit_where_it_listens(tmp_path: Path) -> None:
    (upstream,) = (part for part in nginx(tmp_path) if part["directive"] == "upstream")
    servers = [part["args"] for part in upstream["block"] if part["directive"] == "server"]
    assert servers == [[f"{Settings().http.host}:{Settings().http.port}"]]
    for inside in locations(tmp_path).values():
        assert inside.get("proxy_pass", ["http://botkit"]) == [f"http://{upstream['args'][0]}"]


def test_the_variables_of_each_platform_are_those_of_the_example() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    table = text.partition("| platform |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([A-Z_]+)`", table))
    assert len(named) == 8
    example = (ROOT / "bots.example.toml").read_text(encoding="utf-8")
    assert named <= set(re.findall(r"\$\{(\w+)", example))


@pytest.mark.parametrize(
    "word",
    [
        *("botkit init slack", "botkit init feishu", "botkit init discord", "botkit init http", "connections:write"),
        *("botkit.service", "compose.yaml", "kubernetes.yaml", "nginx.conf", "litellm.yaml", "/readyz"),
    ],
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
