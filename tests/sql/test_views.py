"""Every kpi view on a real Trino: readable by the dashboards' user, its columns as described, its grain unique, its checks without a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.flow.health import PROMISES
from lakehouse.flow.publish import publish
from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.serving.views import KpiView, read_views
from lakehouse.settings import Settings
from lakehouse.tables import SILVER

# The lane whose stack holds plans, orders and stock, worked cases and topics beside each other.
pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("spark")]
Ask = Callable[..., list[Sequence[Any]]]
VIEWS = read_views()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_columns_are_those_described_and_the_dashboard_user_reads_them(ask: Ask, view: KpiView) -> None:
    described = {row[0]: row[3] for row in ask(f"DESCRIBE kpi.plant.{view.name}", user="superset")}
    assert described == {column.name: column.description for column in view.columns}
    ask(f"SELECT * FROM kpi.plant.{view.name} LIMIT 5", user="superset")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_row_is_found_once_by_its_grain(ask: Ask, view: KpiView) -> None:
    key = ", ".join(view.grain)
    assert ask(f"SELECT {key}, count(*) FROM kpi.plant.{view.name} GROUP BY {key} HAVING count(*) > 1") == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_its_checks_find_nothing(ask: Ask, view: KpiView) -> None:
    assert ask(view.checks) == []


PART = r"(\([a-z0-9_ +]+\)|[a-z][a-z0-9_]*_(?:s|count|qty))"
QUOTIENT = re.compile(rf"{PART} / {PART}")


def quotients(view: KpiView) -> dict[str, tuple[str, str]]:
    """Ratio to its numerator and denominator, as its description says; one that says more than a quotient is left out."""
    told = {column.name: QUOTIENT.search(column.description) for column in view.columns if column.name.endswith("_ratio")}
    names = {column.name for column in view.columns}
    whole = {column.name for column in view.columns if column.description.startswith(("Product", "Lowest", "NEE"))}
    found = {name: (match[1], match[2]) for name, match in told.items() if match and name not in whole}
    return {name: parts for name, parts in found.items() if set(re.findall(r"[a-z][a-z0-9_]+", " ".join(parts))) <= names}


@pytest.mark.parametrize("view", [view for view in VIEWS if quotients(view)], ids=lambda view: view.name)
def test_a_ratio_is_the_quotient_that_its_description_names(ask: Ask, view: KpiView) -> None:
    wrong = [f"abs({name} - CAST({top} AS decimal(38, 12)) / NULLIF({bottom}, 0)) > 1e-9" for name, (top, bottom) in quotients(view).items()]
    assert ask(f"SELECT count(*) FROM kpi.plant.{view.name} WHERE {' OR '.join(wrong)}") == [(0,)]


def test_no_table_stands_among_the_views(ask: Ask) -> None:
    views = {row[0] for row in ask("SELECT table_name FROM kpi.information_schema.views WHERE table_schema = 'plant'")}
    assert {row[0] for row in ask("SHOW TABLES FROM kpi.plant")} == views == {view.name for view in VIEWS}


@pytest.fixture(scope="module")
def published(core: Settings, spark: SparkSession, nessie: Nessie) -> None:
    """Gold as of now: nobody writes silver while these tests run."""
    publish(spark, nessie, load_plant(core.plant_folders), "test", ttl_s=60, wait_s=30)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("table", SILVER, ids=lambda table: table.name)
def test_data_health_counts_what_is_there(ask: Ask, table: Table) -> None:
    """Its counts are added up from publication to publication; they must be those of the tables."""
    sums = "coalesce(sum(kept_count), 0), coalesce(sum(quarantined_count), 0)"
    kept = ask(f"SELECT {sums} FROM kpi.plant.data_health WHERE silver_table = '{table.name}'")
    there = ask(f"SELECT (SELECT count(*) FROM lake.silver.{table.name}), (SELECT count(*) FROM lake.silver.{table.name}_quarantine)")
    assert kept == there


@pytest.mark.usefixtures("published")
def test_data_health_says_what_is_declared(ask: Ask) -> None:
    """Of every row, also of those that the last publication did not count again."""
    found = ask("SELECT DISTINCT silver_table, promised_within_s, allowed_s, is_event FROM kpi.plant.data_health")
    assert found
    assert {tuple(row) for row in found} <= set(PROMISES)
