"""`lakehouse demo`: everything up, thirty days of a plant, live from then on, and where to look first."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.cli import simulate
from lakehouse.cli.console import out
from lakehouse.cli.land import land_real
from lakehouse.errors import LakehouseError, ServiceError
from lakehouse.services.airflow_api import Airflow
from lakehouse.services.sql import run_sql
from lakehouse.services.stack import bring_up
from lakehouse.services.state import addresses, stack_status
from lakehouse.settings import HOME, Settings
from lakehouse.simulator import dumps

SHARED = HOME.parent / "shared" / "data"
ANSWER = """
SELECT machine_id, shift_date, shift_id, CAST(100 * oee_ratio AS decimal(6, 1)) AS oee_pct,
       CAST(100 * availability_ratio AS decimal(6, 1)) AS availability_pct, CAST(100 * quality_ratio AS decimal(6, 1)) AS quality_pct,
       CAST(pq_count AS decimal(12, 1)) AS pieces
FROM kpi.plant.oee_by_shift WHERE site_id = 'demo' AND NOT is_provisional AND oee_ratio IS NOT NULL
ORDER BY shift_start_local DESC, machine_id LIMIT 8
"""
LANDED_SEQ = "SELECT coalesce(max(commit_seq), 0) FROM lake.ops.topic_commit"
PUBLISHED_SEQ = "SELECT coalesce(max(topic_seq), 0) FROM lake.ops.publication"
LIVE_LAG = 2000
SEED, DUMP_SITE = 7, "demo"
DUMP_ROWS = {"mes-plan-shift": 1_200, "mes-result": 6_000, "erp-item": 3_000, "erp-warehouse": 2_000, "erp-bill-of-material": 600}


def command(
    days: Annotated[int, typer.Option(min=1, max=400, help="Days of history.")] = 30,
    real: Annotated[bool, typer.Option(help="Land the real files of ../shared/data too, where they are.")] = True,
) -> None:
    """Start everything, fill it with a believable plant, keep it live, say where to look. Safe to interrupt and to repeat.

    Example: lakehouse demo --days 30
    """
    settings, begun = Settings(), time.monotonic()
    _step("starting all services", lambda: bring_up(settings, [], [], 420, lambda _: None))
    if not (settings.run / "sim" / "state.json").is_file():
        out.print(f"[bold]{days} days of history[/]")
        simulate.history(days=days, seed=SEED, until="", to=None, send=True, every=60, messages=True)
    _step("the plant goes on live", lambda: bring_up(settings, ["simulator"], [], 60, lambda _: None))
    _step("landing and publishing the history", lambda: _history_in_gold(settings))
    _step("a day of dumps into the landing bucket", lambda: _dumps(settings))
    _step("Airflow takes the files in", lambda: _files(settings))
    if real and SHARED.is_dir():
        _step("landing the real files", lambda: land_real(settings, SHARED, lambda line: out.print(line, soft_wrap=True)))
    _finish(settings, time.monotonic() - begun)


def _step(what: str, work: Callable[[], object]) -> None:
    started = time.monotonic()
    with out.status(what):
        work()
    out.print(f"[green]✔[/] {what} ({time.monotonic() - started:.0f} s)")


def _dumps(settings: Settings) -> None:
    """Deliver the MES and ERP dumps of the demo's plant; sent again they are the same bytes, which changes nothing."""
    zone = LandingZone(settings)
    with TemporaryDirectory(prefix="lakehouse-demo-") as folder:
        dumps.write_all(Path(folder), SEED, DUMP_ROWS)
        for source, name in dumps.OBJECTS.items():
            zone.upload(Path(folder) / name, f"{source}/{DUMP_SITE}/{name}")


def _files(settings: Settings) -> None:
    """Run both file DAGs as their buttons do; a run that fails is told, with where its log is, and one that asks a person, with where."""
    airflow, address = Airflow(settings), addresses(settings)["airflow"]
    for dag_id in ("bronze_mes_files", "bronze_confirmations"):
        state = airflow.wait(dag_id, airflow.trigger(dag_id), 1200)
        if state == "failed":
            raise ServiceError(dag_id, "its run failed; the log's last line says why", f"open {address}/dags/{dag_id}")
        if state == "asked":
            out.print(f"  refused rows wait for your answer: {address}/required_actions", soft_wrap=True)


def _history_in_gold(settings: Settings) -> None:
    """Wait until all that was sent is landed, and then until the commits that landed it are published."""
    _until(settings, lambda: _landed(settings), 900)
    landed = run_sql(settings, LANDED_SEQ).rows[0][0]
    _until(settings, lambda: run_sql(settings, PUBLISHED_SEQ).rows[0][0] >= landed, 600)


def _landed(settings: Settings) -> bool:
    topics = stack_status(settings).topics
    return bool(topics) and all(topic.lag <= LIVE_LAG for topic in topics)


def _until(settings: Settings, predicate: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not predicate():
        if time.monotonic() > deadline:
            raise ServiceError(
                "live", f"gold has not caught up within {within_s:.0f} s", f"less {settings.run / 'logs' / 'live.log'}"
            )
        time.sleep(1)


def _finish(settings: Settings, took_s: float) -> None:
    where = addresses(settings)
    table = Table(title="where to look", title_justify="left", box=None)
    for heading in ("what", "address", "login", "look at this first"):
        table.add_column(heading, no_wrap=True)
    table.add_row("dashboards", f"{where['superset']}/superset/dashboard/plant-overview/", "viewer / superset_viewer_password", "Plant overview")
    table.add_row("workflows", f"{where['airflow']}/assets", "admin / airflow_admin_password", "the asset graph: open silver_confirmation")
    table.add_row("SQL", where["trino"], "user engineer", "SHOW TABLES FROM kpi.plant")
    table.add_row("object store", where["minio_console"], "lakehouse-root / minio_root_password", "buckets landing, lake")
    table.add_row("Spark", where["spark_ui"], "", "the live application")
    _wide().print(table)
    out.print(f"passwords are in {settings.secrets_file} (only you can read it)", soft_wrap=True)
    _print_answer(settings)
    status = stack_status(settings)
    out.print(
        f"memory of the whole stack: {status.resident_bytes / 2**30:.1f} GiB; ready in {took_s:.0f} s; stop with bin/lakehouse down", soft_wrap=True
    )


def _wide() -> Console:
    """Return a console on which no address is cut, however narrow the terminal says it is."""
    return Console(highlight=False, width=max(out.width, 200))


def _print_answer(settings: Settings) -> None:
    try:
        answer = run_sql(settings, ANSWER)
    except LakehouseError as error:
        out.print(error.line(), style="red", markup=False)
        return
    table = Table(title="OEE of the last finished shifts (kpi.plant.oee_by_shift)", title_justify="left", box=None)
    for column in answer.columns:
        table.add_column(column)
    for row in answer.rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    _wide().print(table)
