"""The example data sets through the running stack: the known figures from Trino, and the same again after all is sent twice."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from known_figures import KNOWN
from messages import send

from lakehouse.settings import HOME, Settings

pytestmark = [pytest.mark.stack, pytest.mark.shared]
Ask = Callable[..., list[Sequence[Any]]]
COUNTS = """
SELECT (SELECT count(*) FROM lake.bronze.mes_production_log), (SELECT count(*) FROM lake.bronze.confirmation_sheet),
       (SELECT count(*) FROM lake.silver.production_event), (SELECT count(*) FROM lake.silver.confirmation),
       (SELECT count(*) FROM lake.silver.sensor_reading WHERE site_id = 'nab'), (SELECT count(*) FROM lake.silver.production_event_quarantine),
       (SELECT count(*) FROM lake.gold.machine_shift WHERE site_id IN ('molding', 'production-log')),
       (SELECT sum(duration_s) FROM lake.gold.time_segment WHERE site_id IN ('molding', 'production-log')),
       (SELECT count(*) FROM lake.ops.landing)
"""


def land(core: Settings, folder: Path) -> dict[str, dict[str, Any]]:
    """Run the command as a person does; figure to what the files say, what Trino says and whether they agree."""
    environment = {**os.environ, "LAKEHOUSE_STACK": core.stack, "LAKEHOUSE_PORT_OFFSET": str(core.port_offset)}
    for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_SUBMIT_ARGS"):
        environment.pop(name, None)
    command = [str(HOME / "bin" / "lakehouse"), "land", "--real", str(folder), "--within", "600", "--json"]
    ended = subprocess.run(command, env=environment, cwd=HOME, text=True, capture_output=True, timeout=1500, check=False)
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
    return {each["figure"]: each for each in json.loads(ended.stdout)}


@pytest.fixture(scope="module")
def landed(core: Settings, shared_data: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """The answers after the data sets went in once, while the live application runs."""
    from lakehouse.services.stack import bring_up
    from lakehouse.services.supervisor import Supervisor

    bring_up(core, ["live"], [], 300, lambda _: None)
    yield land(core, shared_data)
    Supervisor(core).stop("live")


def trino_says(answers: dict[str, dict[str, Any]]) -> dict[str, Decimal]:
    return {name: Decimal(each["trino"]) for name, each in answers.items()}


def test_trino_answers_the_known_figures(landed: dict[str, dict[str, Any]]) -> None:
    answers = trino_says(landed)
    assert {name: answers[name] for name in KNOWN} == {name: Decimal(value) for name, value in KNOWN.items()}


def test_every_figure_of_the_files_is_answered(landed: dict[str, dict[str, Any]]) -> None:
    assert not [each for each in landed.values() if not each["agrees"]]


def test_every_row_is_somewhere(landed: dict[str, dict[str, Any]], ask: Ask) -> None:
    commits = ask("SELECT in_count, kept_count + quarantined_count + duplicate_count + superseded_count FROM lake.ops.file_commit")
    assert len(commits) >= 2
    assert all(seen == told for seen, told in commits)


def test_the_live_application_has_published_and_status_says_how_fresh_it_is(
    core: Settings, landed: dict[str, dict[str, Any]], ask: Ask, wait_until: Callable[..., Any]
) -> None:
    sent_at = datetime.now(UTC)
    body = {"event_id": f"fresh-{time.time_ns()}", "site_id": "demo", "machine_id": "M01", "sensor": "zone_1", "unit": "C", "temperature_c": 200.5}
    send(core.kafka_bootstrap, "sensor.temperature", [{"schema_version": 1, "ts": f"{sent_at:%Y-%m-%dT%H:%M:%SZ}", **body}])
    seen = (
        "SELECT p.publisher FROM kpi.plant.data_health AS h JOIN lake.ops.publication AS p ON p.revision = h.revision WHERE h.site_id = 'demo'"
        f" AND h.silver_table = 'sensor_reading' AND h.newest_landed_at >= from_iso8601_timestamp('{sent_at.isoformat()}')"
    )
    assert wait_until(lambda: ask(seen), 180, "a publication that knows the reading", 1.0) == [("live application",)]
    environment = {**os.environ, "LAKEHOUSE_STACK": core.stack, "LAKEHOUSE_PORT_OFFSET": str(core.port_offset)}
    said = subprocess.run([HOME / "bin" / "lakehouse", "status", "--json"], env=environment, cwd=HOME, capture_output=True, text=True, check=True)
    status = json.loads(said.stdout)
    (row,) = [each for each in status["freshness"] if (each["site_id"], each["silver_table"]) == ("demo", "sensor_reading")]
    assert datetime.fromisoformat(row["newest_landed_at"]) >= sent_at
    assert status["publication"]["publisher"] == "live application"
    assert {each["topic"]: each["lag"] for each in status["topics"]}["sensor.temperature"] == 0


def test_doing_it_all_twice_changes_nothing(core: Settings, landed: dict[str, dict[str, Any]], shared_data: Path, ask: Ask) -> None:
    before = ask(COUNTS)
    assert trino_says(land(core, shared_data)) == trino_says(landed)
    assert ask(COUNTS) == before
