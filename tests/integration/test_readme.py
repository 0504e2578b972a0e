"""What the README tells people to type works: its queries on a real stack, its make targets and commands by name, its links.

What acts on a plant is run where there is one: `land` and `status` in test_real_data.py, `inject` and `kpi explain` in test_books.py, `up`,
`down` and `reset` in test_stack.py.
"""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from lakehouse.settings import HOME, Settings

README = (HOME / "README.md").read_text()
QUERIES = re.findall(r'^bin/lakehouse query "(.+)"$', README, re.MULTILINE)
COMMANDS = re.findall(r"^\| (`bin/lakehouse .+?) \|", README, re.MULTILINE)
VERBS = sorted({verb for cell in COMMANDS for verb in re.findall(r"`(?:bin/lakehouse )?([a-z]+)", cell)})
TARGETS = sorted(set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)))
LINKS = re.findall(r"\]\((?!http)([^)#]+)\)", README)


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=HOME, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120, check=False)


def test_it_is_short_and_begins_with_the_two_commands() -> None:
    assert len(README.splitlines()) < 200
    assert README.index("make demo") < README.index("make test") < 1500
    assert QUERIES
    assert {"up", "down", "landed", "report", "kpi"} <= set(VERBS)


@pytest.mark.parametrize("path", LINKS)
def test_what_it_links_to_is_there(path: str) -> None:
    assert (HOME / path).is_file()


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_its_targets(target: str) -> None:
    done = run("make", "-n", target)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_line_knows_its_verbs(verb: str) -> None:
    done = run("bin/lakehouse", verb, "--help")
    assert done.returncode == 0, done.stderr


@pytest.mark.stack
@pytest.mark.parametrize("sql", QUERIES)
def test_its_queries_are_answered(core: Settings, sql: str) -> None:
    done = run("bin/lakehouse", "query", sql, LAKEHOUSE_STACK=core.stack, LAKEHOUSE_PORT_OFFSET=str(core.port_offset))
    assert done.returncode == 0, done.stderr
