"""What the tests share: one Spark session, one stack of real services on its own ports and folder, started when first asked for.

The stack is called `test`; it stands beside a running demo. LAKEHOUSE_KEEP_STACK=1 leaves it up for the next run.

`make test` runs two lanes side by side, each in a process with a stack of its own (`test`, `test-2`): tests with the Spark session, and all
others. A test without services belongs to either; one with services may rely on what its own lane has put into the stack, on no more.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pyspark import SparkContext
from pyspark.sql import SparkSession

from lakehouse.nessie import Nessie
from lakehouse.services.sql import run_sql
from lakehouse.services.stack import bring_up, take_down
from lakehouse.services.supervisor import Supervisor
from lakehouse.settings import HOME, Settings
from lakehouse.setup.jdks import find_jdk

T = TypeVar("T")
STACKS = {"gw0": ("test", 10_000), "gw1": ("test-2", 11_500)}
"""Stack and port offset of each lane's process; a thousand more than another offset would put one service on another's port."""
STACK, OFFSET = STACKS[os.environ.get("PYTEST_XDIST_WORKER", "gw0")]
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
"""Java processes of tests live too short for the second compiler, which takes half of their time; the first needs more room for its code."""
REPORTS = "15 0 * * *"
"""One shift report run a day, so that a week is backfilled with seven."""
SHARED = HOME.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the long tests, which are left out otherwise."""
    parser.addoption("--campaign", action="store_true", help="run the tests marked `campaign`, and no others")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take campaigns or the rest; skip what needs the real data where there is none; run unit tests first, browser tests last."""
    others = [item for item in items if ("campaign" in item.keywords) != config.getoption("--campaign")]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    no_data = pytest.mark.skip(reason="skipped: no shared data")
    for item in items:
        if "shared" in item.keywords and not SHARED.is_dir():
            item.add_marker(no_data)
        item.add_marker(pytest.mark.xdist_group(_lane(item)))
    items.sort(key=lambda item: ("browser" in item.keywords, "stack" in item.keywords))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to go on where pytest-xdist does not know the lanes: both processes would want one module's stack."""
    if hasattr(session.config, "workerinput") and not all(item.nodeid.endswith(f"@{_lane(item)}") for item in session.items):
        raise pytest.UsageError("pytest-xdist knows no lanes: run it with --dist loadgroup, and with a pytest whose node ids it may extend")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what an interrupted process of a lane has left running; it has no time to do so itself."""
    if not os.environ.get("LAKEHOUSE_KEEP_STACK") and session.config.getoption("numprocesses", None):
        for name, offset in STACKS.values():
            take_down(Settings(stack=name, port_offset=offset))


def _lane(item: pytest.Item) -> str:
    """Return the lane that a test names; else `spark` for those that share the session (a browser's too, for its rows), `beside` for all others."""
    named = item.get_closest_marker("xdist_group")
    if named:
        return str(named.args[0])
    return "spark" if "browser" in item.keywords or "spark" in getattr(item, "fixturenames", ()) else "beside"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that ask for it carry the marker `shared`."""
    return SHARED


@pytest.fixture(scope="session")
def keep_stack() -> bool:
    """Whether the test stack of an earlier run is used, and left up."""
    return bool(os.environ.get("LAKEHOUSE_KEEP_STACK"))


@pytest.fixture(scope="session")
def java_options() -> str:
    """What the Java processes of tests are told beside their own."""
    return JAVA_OPTIONS


@pytest.fixture(scope="session")
def settings(java_options: str, *, keep_stack: bool) -> Settings:
    """Settings of the test stack, of which nothing is left from earlier runs: the one session's secrets are those of its services."""
    os.environ["LAKEHOUSE_STACK"] = STACK
    os.environ["LAKEHOUSE_PORT_OFFSET"] = str(OFFSET)
    os.environ["LAKEHOUSE_SHIFT_REPORT_CRON"] = REPORTS
    os.environ["LAKEHOUSE_JAVA_OPTIONS"] = java_options
    made = Settings()
    if not keep_stack:
        take_down(made)
        if made.run.is_dir():
            shutil.rmtree(made.run)
    return made


@pytest.fixture(scope="session")
def core(settings: Settings, *, keep_stack: bool) -> Iterator[Settings]:
    """The test stack's broker, store, catalog and engine, with all tables and views."""
    bring_up(settings, ["core", "tables", "views"], [], 420, lambda _: None)
    yield settings
    if not keep_stack:
        take_down(settings)


@pytest.fixture(scope="module")
def with_airflow(core: Settings) -> Iterator[Settings]:
    """The test stack with Airflow, for one module: its schedule would land the files of other tests."""
    bring_up(core, ["airflow"], [], 300, lambda _: None)
    yield core
    for name in ("airflow-scheduler", "airflow-dag-processor", "airflow-api"):
        Supervisor(core).stop(name)


@pytest.fixture(scope="session")
def with_superset(core: Settings) -> Settings:
    """The test stack with Superset and its dashboards."""
    bring_up(core, ["superset"], [], 300, lambda _: None)
    return core


@pytest.fixture
def live(core: Settings) -> Iterator[Settings]:
    """The test stack with the live application running for one test."""
    bring_up(core, ["live"], [], 180, lambda _: None)
    yield core
    Supervisor(core).stop("live")


@pytest.fixture(scope="session")
def spark(settings: Settings) -> Iterator[SparkSession]:
    """The run's one Spark session: local, two cores, with the test stack's catalog where the stack is up.

    Its rows are few, so expressions are interpreted; jobs that run in processes of their own compile them.
    """
    os.environ.setdefault("JAVA_HOME", str(find_jdk(17, 17)))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from lakehouse.services.render import render
    from lakehouse.spark.session import session
    from lakehouse.spark.small_work import SETTINGS

    render(settings)
    made = session(settings, "tests", {**SETTINGS, "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "2g"})
    yield made
    made.stop()


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    """Let Spark's JVM forget a module's plans: it keeps what Python holds, and Python does not know how much that is."""
    yield
    if SparkContext._active_spark_context is not None:
        gc.collect()


@pytest.fixture(scope="session")
def nessie(core: Settings) -> Nessie:
    """A client of the test stack's catalog."""
    return Nessie(core.nessie_api)


@pytest.fixture(scope="session")
def ask(core: Settings) -> Callable[..., list[Sequence[Any]]]:
    """Ask the test stack's Trino: `ask(sql, user="engineer")` returns the rows."""

    def answer(sql: str, user: str = "engineer") -> list[Sequence[Any]]:
        return [tuple(row) for row in run_sql(core, sql, user=user).rows]

    return answer


@pytest.fixture(scope="session")
def submit(core: Settings) -> Callable[..., subprocess.Popen[str]]:
    """Start a job as its own process: `submit("jobs/publish.py", "--wait", "5", env={...})`."""

    def start(job: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "JAVA_HOME": str(find_jdk(17, 17)),
            "PYTHONPATH": str(HOME),
            "LAKEHOUSE_STACK": core.stack,
            "LAKEHOUSE_PORT_OFFSET": str(core.port_offset),
            **(env or {}),
        }
        for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_SUBMIT_ARGS"):
            environment.pop(name, None)
        command = [sys.executable, str(HOME / job), *arguments]
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=HOME, start_new_session=True)

    return start


def until(predicate: Callable[[], T], within_s: float, what: str, every_s: float = 0.5) -> T:
    """Return the predicate's first true answer; fail with `what` after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s} s: {what}; last answer {found!r}")
        time.sleep(every_s)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """`wait_until(predicate, within_s, what)`: the first true answer, or a failure that says what was awaited."""
    return until
