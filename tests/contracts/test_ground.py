"""What holds for the repository as a whole: sizes, no addresses, no secrets, locks, the generated pages."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lakehouse.ports import PORTS
from lakehouse.settings import PORTS as SETTINGS_PORTS
from lakehouse.setup import catalogue, jars

HOME = Path(__file__).resolve().parents[2]
MODULE_LINES, FUNCTION_LINES, SHORT_LINES, SHORT_SHARE, JOB_LINES = 400, 50, 28, 0.95, 40
LOCKS = ("uv", "jobs", "airflow", "superset")
# In pieces, so that this file passes its own test.
REGISTRIES = tuple(f"{one}{other}" for one, other in (
    ("pypi", ".org"), ("python", "hosted.org"), ("repo", ".maven"), ("repo1", ".maven"), ("proxy", ".golang"), ("sum", ".golang"), ("npm", "js.org"),
))  # fmt: skip
MACHINE_PATHS = re.compile(r"(?<![\w./$}])/(?:ro" + r"ot|wo" + r"rk)/[\w.]")
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|"
    r"(?i:password|secret|token|api_?key)[\w.]*[\"']?\s*[:=]\s*[\"'](?=[^\"']*\d)[A-Za-z0-9+/_=-]{12,}[\"']"
)


def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    answer = subprocess.run(command, cwd=HOME, check=True, capture_output=True, text=True)
    return [path for name in answer.stdout.split("\0") if name and (path := HOME / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of each tracked text file."""
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:4096]:
            yield str(path.relative_to(HOME)), content.decode("utf-8", errors="replace")


def sources(*folders: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(HOME).parts[0] in folders]


def code_lines(tree: ast.AST, lines: list[str], first: int, last: int) -> int:
    """Lines that are neither blank, nor comment, nor docstring."""
    words: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0], "value", None), ast.Constant):
            words.update(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    return sum(bool(lines[n - 1].strip()) and not lines[n - 1].lstrip().startswith("#") and n not in words for n in range(first, last + 1))


def function_sizes() -> dict[str, int]:
    found = {}
    for path in sources("lakehouse", "jobs", "dags"):
        text = path.read_text()
        tree, lines = ast.parse(text), text.splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(HOME)}:{node.lineno} {node.name}"
                found[name] = code_lines(node, lines, node.lineno, node.end_lineno or node.lineno)
    return found


def test_modules_are_short():
    every = sources("lakehouse", "jobs", "dags", "bench", "tests")
    lengths = {str(path.relative_to(HOME)): len(path.read_text().splitlines()) for path in every}
    assert {name: n for name, n in lengths.items() if n > MODULE_LINES} == {}


def test_no_function_is_long():
    assert {name: n for name, n in function_sizes().items() if n > FUNCTION_LINES} == {}


def test_most_functions_are_short():
    sizes = function_sizes()
    longer = {name: n for name, n in sizes.items() if n >= SHORT_LINES}
    assert len(longer) <= (1 - SHORT_SHARE) * len(sizes), longer


def test_jobs_are_thin():
    long = {}
    for path in sources("jobs"):
        text = path.read_text()
        count = code_lines(ast.parse(text), text.splitlines(), 1, len(text.splitlines()))
        if count > JOB_LINES:
            long[path.name] = count
    assert long == {}


def test_no_registry_address():
    assert [name for name, text in texts() if any(host in text for host in REGISTRIES)] == []


def test_no_path_of_a_machine():
    found = [f"{name}: {hit[0]}" for name, text in texts() for hit in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_no_secret():
    found = [f"{name}: {hit[0][:60]}" for name, text in texts() if not name.startswith(("tests/", "locks/")) for hit in SECRETS.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_lock_carries_hashes_and_no_address(name: str):
    text = (HOME / "locks" / f"{name}.txt").read_text()
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    pins = re.split(r"^(?=[A-Za-z0-9][\w.\[\],-]*==)", text, flags=re.MULTILINE)[1:]
    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_every_direct_requirement_is_locked():
    for name in LOCKS:
        asked = re.findall(r"^([A-Za-z0-9][\w.-]*)", (HOME / "locks" / f"{name}.in").read_text(), re.MULTILINE)
        held = re.findall(r"^([A-Za-z0-9][\w.-]*)", (HOME / "locks" / f"{name}.txt").read_text(), re.MULTILINE)
        normal = {re.sub(r"[-_.]+", "-", one).lower() for one in held}
        assert {one for one in asked if re.sub(r"[-_.]+", "-", one).lower() not in normal} == set()


@pytest.mark.parametrize("profile", jars.PROFILES)
def test_the_jars_lock_is_of_this_pom(profile: str):
    asks, pins = jars.read_lock(HOME / jars.LOCK)
    assert asks[profile] == jars.asked(HOME / jars.POM, profile), "run: make lock-jars"
    assert pins[profile]


def test_the_error_catalogue_is_current():
    assert (HOME / catalogue.PLACE).read_text() == catalogue.page(), "run: make docs"


def test_every_error_has_its_own_code_and_status():
    errors = list(catalogue.classes())
    assert len({error.code for error in errors}) == len({error.exit_code for error in errors}) == len(errors)
    assert all(2 <= error.exit_code <= 125 and error.remedy for error in errors)
    remedies = [error.remedy for error in errors[1:]]
    assert errors[0].remedy not in remedies, "a class without a remedy of its own"


def test_error_classes_stand_in_one_file():
    code = re.compile(r'^ +code(: .*)? = "E_', re.MULTILINE)
    declared = [str(path.relative_to(HOME)) for path in sources("lakehouse", "jobs", "dags") if code.search(path.read_text())]
    assert declared == ["lakehouse/errors.py"]


def test_the_settings_know_the_one_port_list():
    assert SETTINGS_PORTS is PORTS
    assert len(set(PORTS.values())) == len(PORTS)


def doubled_keys(text):
    """Line and key of every key that a mapping of a YAML text says twice."""
    nodes, found = list(yaml.compose_all(text, yaml.SafeLoader)), []
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            said = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            found += [(key.start_mark.line + 1, key.value) for at, key in enumerate(said) if key.value in [each.value for each in said[:at]]]
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return found


def test_every_yaml_file_reads_and_says_nothing_twice():
    files = [path for path in tracked() if path.suffix in (".yaml", ".yml")]
    assert HOME / "conf/sources.yaml" in files
    assert {str(path.relative_to(HOME)): found for path in files if (found := doubled_keys(path.read_text()))} == {}
    assert doubled_keys("a: {b: 1, c: [{d: 1, d: 2}]}\na: 3\n") == [(2, "a"), (1, "d")]


def test_the_set_up_runs_on_a_bare_python():
    names = ",".join(f"lakehouse.setup.{path.stem}" for path in (HOME / "lakehouse/setup").glob("*.py") if not path.stem.startswith("__"))
    command = [sys.executable, "-S", "-c", f"import {names}, lakehouse.setup.__main__"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(HOME)})
    assert answer.returncode == 0, answer.stderr


def test_the_integration_runs_the_readme_s_test_command():
    script = HOME / ".ci/run"
    assert os.access(script, os.X_OK) and "make test" in script.read_text()


def test_make_help_lists_every_public_target():
    told = subprocess.run(["make", "help"], cwd=HOME, check=True, capture_output=True, text=True).stdout
    targets = {name for line in re.findall(r"^\.PHONY: (.*)$", (HOME / "Makefile").read_text(), re.M) for name in line.split()}
    assert {"demo", "test", "check", "bench", "setup", "doctor", "up", "down", "status", "reset"} <= targets
    assert {target for target in targets if not re.search(rf"^  make {target} +\S", told, re.M)} == set()
