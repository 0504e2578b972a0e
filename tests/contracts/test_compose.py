"""The Docker way says the same as the local way: services, commands, probes, ports, variables, versions; and its files hold up.

Nothing here needs a container engine: compose is read by the parser of Docker Compose, Dockerfiles by BuildKit's linter, both
built by Go from the pinned module docker/compose-check.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.ports import PORTS
from lakehouse.services.environment import stack_variables
from lakehouse.services.render import TEMPLATE_FOLDERS, fill, placeholders
from lakehouse.settings import SECRET_NAMES, Settings
from lakehouse.setup.places import Places

REPO = Path(__file__).resolve().parents[2]
COMPOSE = REPO / "docker-compose.yml"
DOCKERFILES = sorted(REPO.glob("docker/*/Dockerfile"))
PROCESSES: dict[str, Any] = yaml.safe_load((REPO / "conf" / "process-compose.yaml").read_text())["processes"]
CONDITIONS = {"process_healthy": "service_healthy", "process_completed_successfully": "service_completed_successfully"}
RUN = "/lake/run/docker"
Check = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def no_stack_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests chose for their stack says nothing about the containers."""
    for name in [each for each in os.environ if each.startswith("LAKEHOUSE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Build the checker once; downloads and builds are kept where the set-up keeps Go's."""
    binary, cache = tmp_path_factory.mktemp("compose-check") / "compose-check", Places.here().cache / "go"
    variables = {**os.environ, "GOMODCACHE": str(cache / "mod"), "GOCACHE": str(cache / "build"), "CGO_ENABLED": "0"}
    build = ["go", "build", "-mod=readonly", "-modcacherw", "-trimpath", "-o", str(binary), "."]
    subprocess.run(build, cwd=REPO / "docker" / "compose-check", env=variables, check=True, capture_output=True, text=True, timeout=900)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        words = [str(binary), *map(str, arguments)]
        return subprocess.run(words, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture(scope="module")
def project(check: Check) -> dict[str, Any]:
    read = check("compose", COMPOSE)
    assert read.returncode == 0, read.stderr
    return json.loads(read.stdout)


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, Any]:
    return project["services"]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("    restart: always", "    restarts: always"), ("settings: {condition", "setting: {condition"), ("source: kafka", "source: kafk")],
)
def test_the_parser_refuses_a_misspelt_key_service_and_volume(check: Check, tmp_path: Path, was: str, becomes: str) -> None:
    text = COMPOSE.read_text()
    assert was in text
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(text.replace(was, becomes, 1))
    assert check("compose", broken).returncode == 1


def test_dockerfiles_pass_buildkits_linter_and_our_rules(check: Check) -> None:
    linted = check("dockerfile", *DOCKERFILES)
    assert (linted.returncode, linted.stdout) == (0, "")
    assert {path.parent.name for path in DOCKERFILES} == {"kafka", "minio", "nessie", "trino", "spark", "airflow", "superset"}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("FROM python:latest", "pinned-base"),
        ("FROM python:3.11", "pinned-base"),
        ("ADD x /x", "no-add"),
        ("USER root", "non-root"),
        ("HEALTHCHECK NONE", "healthcheck"),
        ("ENV API_TOKEN=abc", "SecretsUsedInArgOrEnv"),
        ("CMD run me", "JSONArgsRecommended"),
        ("FROM ${NOWHERE}", "build"),
        ("COPYY a b", "unreadable"),
    ],
)
def test_the_linter_sees(check: Check, tmp_path: Path, line: str, rule: str) -> None:
    good = ["FROM python:3.11.14-slim-bookworm", "USER 10001", 'HEALTHCHECK CMD ["true"]']
    lines = [line, *good[1:]] if line.startswith("FROM") else [*good, line]
    path = tmp_path / "Dockerfile"
    path.write_text("\n".join(lines) + "\n")
    linted = check("dockerfile", path)
    assert linted.returncode == 1
    assert f" {rule}: " in linted.stdout


def test_services_are_the_processes_and_one_that_writes_the_settings(services: dict[str, Any]) -> None:
    assert set(services) == {*PROCESSES, "settings"}
    for name, process in PROCESSES.items():
        assert process["namespace"] in services[name]["profiles"]
        for needed in services[name]["depends_on"]:
            assert set(services[name]["profiles"]) <= set(services[needed]["profiles"])


@pytest.mark.parametrize("name", PROCESSES)
def test_a_service_does_what_the_process_does(services: dict[str, Any], name: str) -> None:
    service, process = services[name], PROCESSES[name]
    assert service["command"][:2] == ["sh", "-c"]
    assert service["command"][2].strip() == process["command"].strip()
    variables = {**service["environment"]}
    assert service["working_dir"] == re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], process["working_dir"])
    needed = {other: CONDITIONS[how["condition"]] for other, how in process.get("depends_on", {}).items()}
    found = {other: how["condition"] for other, how in service["depends_on"].items()}
    assert found == {"settings": "service_completed_successfully", **needed}
    available = process["availability"]
    assert service["restart"] == ("always" if available["restart"] == "always" else f"on-failure:{available['max_restarts']}")
    if "shutdown" in process:
        assert service["stop_grace_period"] == f"{process['shutdown']['timeout_seconds']}s"


@pytest.mark.parametrize("name", PROCESSES)
def test_a_service_is_probed_as_the_process_is(services: dict[str, Any], name: str) -> None:
    health, probe = services[name]["healthcheck"], PROCESSES[name].get("readiness_probe")
    if probe is None:
        assert health == {"disable": True}
        return
    assert health["test"] == ["CMD-SHELL", probe["exec"]["command"]]
    assert (seconds(health["interval"]), seconds(health["timeout"]), health["retries"]) == (
        probe["period_seconds"],
        probe["timeout_seconds"],
        probe["failure_threshold"],
    )


def test_a_probe_asks_the_container_that_serves(services: dict[str, Any]) -> None:
    """A probe asks its own container unless the variable names another one; asked in the wrong one, a service never becomes healthy."""
    server = {port["target"]: name for name, one in services.items() for port in one.get("ports", ())}
    for name, service in services.items():
        if "test" not in service["healthcheck"]:
            continue
        found = re.search(r"probe\.py \w+ \$\{(\w+)\}", service["healthcheck"]["test"][1])
        assert found
        asked = server[int(service["environment"][found[1]])]
        assert service["environment"].get("LAKEHOUSE_PROBE_HOST", name) == asked, name
        assert set(service["profiles"]) <= set(services[asked]["profiles"])


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_images_own_probe_is_that_of_its_service(path: Path) -> None:
    main = {"airflow": "airflow-api", "spark": "live"}.get(path.parent.name, path.parent.name)
    probe = PROCESSES[main]["readiness_probe"]
    shape = r'^HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s --retries=(\d+) \\\n +CMD \["sh", "-c", "(.+)"\]$'
    found = re.search(shape, path.read_text(), re.MULTILINE)
    assert found
    assert found[4] == probe["exec"]["command"]
    assert tuple(map(int, found.groups()[:3])) == (probe["period_seconds"], probe["timeout_seconds"], probe["failure_threshold"])


def test_ports_are_the_one_list_on_loopback(services: dict[str, Any]) -> None:
    published: list[int] = []
    for service in services.values():
        for port in service.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1"
            assert int(port["published"]) == port["target"]
            published.append(port["target"])
    inside = [int(port) for service in services.values() for port in service.get("expose", ())]
    assert sorted(inside) == sorted([PORTS["kafka_controller"], PORTS["nessie_management"]])
    assert sorted(published + inside) == sorted(set(PORTS.values()) - {PORTS["process_compose"]})


def test_images_expose_what_their_services_listen_on(services: dict[str, Any]) -> None:
    for path in DOCKERFILES:
        own = [one for one in services.values() if one["image"].startswith(f"lakehouse-{path.parent.name}:")]
        wanted = {port["target"] for one in own for port in one.get("ports", ())} | {int(port) for one in own for port in one.get("expose", ())}
        found = re.search(r"^EXPOSE (.+)$", path.read_text(), re.MULTILINE)
        assert found and {int(port) for port in found[1].split()} == wanted


@pytest.mark.parametrize("name", PROCESSES)
def test_every_variable_that_is_named_is_set(services: dict[str, Any], name: str) -> None:
    service = services[name]
    text = service["command"][2] + " ".join(service["healthcheck"].get("test", ()))
    assert set(re.findall(r"\$\{(\w+)\}", text)) <= set(service["environment"])


def test_variables_have_the_values_that_the_stack_would_give_them(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ours = services["live"]["environment"]
    for name, value in ours.items():
        if name.startswith("LAKEHOUSE_"):
            monkeypatch.setenv(name, value)
    told = stack_variables(Settings())
    elsewhere = {"REPO", "JAVA_17", "JAVA_25", "SCHEDULER_LOG"}
    assert {name: value for name, value in ours.items() if name in told and name not in elsewhere} == {
        name: told[name] for name in ours if name in told and name not in elsewhere
    }
    missing = set(told) - set(ours) - {"PORT_PROCESS_COMPOSE", "PROJECT"}
    assert all(name.startswith("LAKEHOUSE_") for name in missing)
    assert set(Settings().hosts) <= set(PORTS)
    assert set(Settings().hosts.values()) <= set(services)


def test_templates_fill_with_the_containers_addresses(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in services["live"]["environment"].items():
        if name.startswith("LAKEHOUSE_"):
            monkeypatch.setenv(name, value)
    settings = Settings(lake_home=tmp_path)
    settings.secrets_file.parent.mkdir(parents=True)
    settings.secrets_file.write_text(json.dumps(dict.fromkeys(SECRET_NAMES, "x" * 32)))
    values = placeholders(settings)
    kafka = fill(REPO / "conf" / "kafka" / "server.properties", values)
    assert "advertised.listeners=PLAINTEXT://kafka:19092" in kafka
    assert "listeners=PLAINTEXT://0.0.0.0:19092,CONTROLLER://0.0.0.0:19093" in kafka
    assert "endpoint=http://minio:19000" in fill(REPO / "conf" / "nessie" / "application.properties", values)
    assert "discovery.uri=http://trino:18080" in fill(REPO / "conf" / "trino" / "config.properties", values)
    assert "nessie-catalog.uri=http://nessie:19120/api/v2" in fill(REPO / "conf" / "trino" / "catalog" / "lake.properties", values)


def test_each_server_sees_its_own_settings_only(services: dict[str, Any]) -> None:
    for name in TEMPLATE_FOLDERS:
        (mount,) = [one for one in services[name]["volumes"] if one["source"] == "stack"]
        assert (mount["target"], mount["volume"]["subpath"], mount["read_only"]) == (f"{RUN}/conf/{name}", f"conf/{name}", True)
    writers = [name for name, one in services.items() for mount in one["volumes"] if mount["source"] == "stack" and not mount.get("read_only")]
    assert writers == ["settings"]


def test_data_is_on_a_named_volume_where_the_process_keeps_it(services: dict[str, Any], project: dict[str, Any]) -> None:
    for name in ("kafka", "minio", "nessie", "trino", "superset"):
        assert (name, f"{RUN}/data/{name}") in {(mount["source"], mount["target"]) for mount in services[name]["volumes"]}
    for part in ("airflow-init", "airflow-api", "airflow-scheduler", "airflow-dag-processor"):
        assert ("airflow", f"{RUN}/data/airflow") in {(mount["source"], mount["target"]) for mount in services[part]["volumes"]}
    used = {mount["source"] for one in services.values() for mount in one["volumes"]}
    assert used == set(project["volumes"])
    assert all(mount["type"] == "volume" for one in services.values() for mount in one["volumes"])


def test_what_a_service_writes_is_made_for_its_user_by_the_image(services: dict[str, Any]) -> None:
    """An empty volume gets the image's folder and its owner; what the image lacks is root's, and so is a parent that `install` adds by itself."""
    for name, service in services.items():
        lines = re.findall(r"install -d -o lakehouse -g lakehouse (.+)$", (REPO / service["build"]["dockerfile"]).read_text(), re.MULTILINE)
        made = {Path(folder) for line in lines for folder in line.split()}
        for target in (Path(mount["target"]) for mount in service["volumes"] if not mount.get("read_only")):
            copied = {folder for one in made for folder in (one, *one.parents) if folder.is_relative_to(target)}
            assert {target, *copied} <= made, name


def test_no_service_has_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "devices", "pid", "env_file", "secrets"} & set(service)
        assert service.get("network_mode", "") in ("", "none")


def test_no_secret_is_in_the_file(services: dict[str, Any]) -> None:
    names = {name.lower() for service in services.values() for name in service["environment"]}
    assert not {name for name in names if re.search(r"password|secret|token|fernet|access_key", name)}
    assert not re.search("|".join(SECRET_NAMES), COMPOSE.read_text())


def test_versions_stand_in_one_place(services: dict[str, Any]) -> None:
    pom = ET.parse(REPO / "docker" / "jars" / "pom.xml").getroot()  # noqa: S314  our own file
    version = {one.tag.rpartition("}")[2]: one.text for one in pom.find("{*}properties") or ()}
    for path in (COMPOSE, REPO / "conf" / "process-compose.yaml"):
        assert set(re.findall(r"nessie-quarkus-([\d.]+)-runner", path.read_text())) <= {version["nessie.version"]}
    assert services["trino"]["environment"]["TRINO_DIST"] == f"/lake/dist/trino-{version['trino.version']}"
    ours = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"].partition(":")[2] for service in services.values()} == {ours}
    for path in DOCKERFILES:
        named = set(re.findall(r"\d+\.\d+(?:\.\d+)?", re.sub(r"^(FROM|#) .*|python3\.11|.*--interval.*", "", path.read_text(), flags=re.MULTILINE)))
        assert named == set(), path


def test_bases_are_the_same_everywhere_and_of_the_right_kind() -> None:
    bases = {base for path in DOCKERFILES for base in re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)}
    by_image: dict[str, set[str]] = {}
    for base in bases:
        image, _, tag = base.partition(":")
        by_image.setdefault(image, set()).add(tag.split("-")[0])
    assert {image for image, tags in by_image.items() if len(tags) > 1} == {"eclipse-temurin"}
    assert {tag.split(".")[0] for tag in by_image["eclipse-temurin"]} == {"17", "25"}
    (python,), (go,) = by_image["python"], by_image["golang"]
    assert python.startswith("3.11.")
    for module in ("tools", "compose-check"):
        asked = re.search(r"^go (\S+)$", (REPO / "docker" / module / "go.mod").read_text(), re.MULTILINE)
        assert asked and numbers(go) >= numbers(asked[1])


def test_every_copied_file_is_there_and_let_through() -> None:
    ignore = (REPO / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    allowed = [line[1:] for line in ignore if line.startswith("!")]
    assert not [path for path in allowed if path.startswith((".", "/"))]
    for path in DOCKERFILES:
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", path.read_text(), re.MULTILINE):
            for source in sources.split():
                assert source == "." or ((REPO / source).exists() and any(Path(source).is_relative_to(one) for one in allowed)), source


def seconds(duration: str) -> int:
    """Return the seconds of a duration as the parser writes it, e.g. `1m50s`."""
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration)
    assert found
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def numbers(version: str) -> list[int]:
    """Return a version as numbers."""
    return [int(part) for part in version.split(".")]
