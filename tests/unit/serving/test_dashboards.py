"""The dashboards' bundle: complete, consistent with the KPI views, and refused when it is not. No services."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from lakehouse.errors import DashboardError
from lakehouse.services.source_health import SILENT_AFTER_H, age_of
from lakehouse.serving.dashboards.bundle import KPI_VIEWS, MOST_CHARTS, Sources, build, faults, read_sources
from lakehouse.serving.dashboards.import_bundle import cause_chain
from lakehouse.serving.dashboards.query_context import query_context
from lakehouse.tables.gold import CATEGORIES

HOME = Path(__file__).resolve().parents[3]
CONFIG = HOME / "conf" / "superset" / "superset_config.py"
GOOD_KEY = "".join(chr(97 + (7 * place) % 26) for place in range(44))


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read_sources()


@pytest.fixture(scope="module")
def assets(sources: Sources) -> dict[str, dict]:
    return {path: yaml.safe_load(text) for path, text in build(sources, "127.0.0.1", 28080).items()}


def of_kind(assets: dict[str, dict], kind: str) -> dict[str, dict]:
    return {Path(path).stem: document for path, document in assets.items() if path.startswith(f"{kind}/")}


def test_the_bundle_holds_together(sources: Sources) -> None:
    assert faults(sources) == []
    assert build(sources, "127.0.0.1", 28080) == build(read_sources(), "127.0.0.1", 28080)


def test_every_object_has_a_uuid_of_its_own(assets: dict[str, dict]) -> None:
    uuids = [document["uuid"] for path, document in assets.items() if path != "metadata.yaml"]
    assert len(uuids) == len(set(uuids))
    assert all(document["is_managed_externally"] for path, document in assets.items() if path != "metadata.yaml")


def test_the_database_is_the_stacks_own_trino_as_the_reader(assets: dict[str, dict]) -> None:
    database = assets["databases/lakehouse.yaml"]
    assert database["sqlalchemy_uri"] == "trino://superset@127.0.0.1:28080/kpi"
    assert not any(database[right] for right in ("allow_ctas", "allow_cvas", "allow_dml", "allow_file_upload", "allow_run_async"))


def test_dataset_columns_are_those_of_the_views_declaration(assets: dict[str, dict], sources: Sources) -> None:
    for name, dataset in of_kind(assets, "datasets").items():
        declared = yaml.safe_load((KPI_VIEWS / name / "kpi.yaml").read_text())["columns"]
        stored = {column["column_name"]: column["description"] for column in dataset["columns"] if column["expression"] is None}
        assert stored == {column["name"]: column["description"] for column in declared}, name
        assert all(stored.values()), name
        assert (dataset["catalog"], dataset["schema"], dataset["sql"]) == ("kpi", "plant", None)


def test_ratios_are_one_exact_sum_over_another(assets: dict[str, dict]) -> None:
    expressions = {metric["metric_name"]: metric["expression"] for dataset in of_kind(assets, "datasets").values() for metric in dataset["metrics"]}
    for name in ("oee", "performance", "availability", "scrap", "without_data"):
        shape = re.fullmatch(r"CAST\(sum\((\w+)\).* AS DECIMAL\(38,12\)\) / NULLIF\(sum\((\w+)\).*, 0\)", expressions[name], re.DOTALL)
        assert shape, name
        assert not any(part.endswith("_ratio") for part in shape.groups()), name
    assert not any(re.search(r"\bavg\b|_ratio\s*\*", expression) for expression in expressions.values())


def test_a_ratios_two_sums_are_over_the_same_rows(assets: dict[str, dict]) -> None:
    for dataset in of_kind(assets, "datasets").values():
        for metric in dataset["metrics"]:
            conditions = re.findall(r"FILTER \((WHERE [^)]*)\)", metric["expression"])
            assert len(set(conditions)) <= 1, metric["metric_name"]
            assert len(conditions) in {0, 2} or "NULLIF" not in metric["expression"], metric["metric_name"]


def test_every_state_has_words_and_one_colour(sources: Sources, assets: dict[str, dict]) -> None:
    assert set(CATEGORIES) | {"micro_stop", "breakdown"} == set(sources.states)
    colours = assets["dashboards/plant_overview.yaml"]["metadata"]["label_colors"]
    assert len(set(colours.values())) == len(sources.states)
    assert [colours[label] for label in ("Running", "Planned stop", "Micro-stop", "Unplanned stop", "Breakdown", "No data")] == [
        "#3FA45B", "#9AA5B1", "#F2C230", "#D9433B", "#F08A24", "#E9EDF0",
    ]  # fmt: skip
    table = of_kind(assets, "charts")["machine_now"]["params"]["conditional_formatting"]
    assert {rule["targetValue"]: rule["colorScheme"] for rule in table} == colours


WORDS = {"in time": "Fresh", "late": "Late", "silent": "Silent", "no row": "No data", "no promise": "On arrival", "events": "Quiet"}
"""Of each verdict of `bin/lakehouse health` the dashboard's word."""
ALLOWED_S, SILENT_S = 80, SILENT_AFTER_H * 3600
NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
AGES = (None, 0, ALLOWED_S, ALLOWED_S + 1, SILENT_S, SILENT_S + 1)


def before(age_s: int | None) -> datetime | None:
    return None if age_s is None else NOW - timedelta(seconds=age_s)


def instant(at: datetime | None) -> str:
    return f"timestamp '{at:%Y-%m-%d %H:%M:%S}'" if at else "CAST(NULL AS timestamp)"


def test_freshness_on_the_dashboard_is_the_verdict_of_health(sources: Sources) -> None:
    (freshness,) = (each for each in sources.datasets["data_health"]["calculated_columns"] if each["column_name"] == "freshness")
    seen = set()
    for landed, event, allowed, is_event in itertools.product(AGES, AGES, (None, ALLOWED_S), (False, True)):
        row = {"newest_landed_at": before(landed), "newest_event_at": before(event), "allowed_s": allowed, "is_event": is_event}
        verdict = age_of({"site_id": "demo", "silver_table": "thing", **row}, NOW, timedelta(hours=SILENT_AFTER_H)).verdict
        columns = f"{instant(before(landed))} newest_landed_at, {instant(before(event))} newest_event_at, ? allowed_s, ? is_event"
        expression = freshness["expression"].replace("current_timestamp", instant(NOW))
        assert duckdb.execute(f"SELECT {expression} FROM (SELECT {columns})", [allowed, is_event]).fetchone() == (WORDS[verdict],), row
        seen.add(verdict)
    assert seen == set(WORDS)


def test_every_word_of_lateness_has_its_colour(assets: dict[str, dict]) -> None:
    rules = of_kind(assets, "charts")["data_health"]["params"]["conditional_formatting"]
    colours = {rule["targetValue"]: rule["colorScheme"] for rule in rules if rule["column"] == "freshness"}
    assert set(colours) == set(WORDS.values()) - {"On arrival"}
    assert [word for word, colour in colours.items() if colour == colours["Late"]] == ["Late"]


def test_every_chart_can_be_asked_and_says_where_its_number_comes_from(assets: dict[str, dict]) -> None:
    charts = of_kind(assets, "charts")
    assert 0 < len(charts) <= MOST_CHARTS
    for name, chart in charts.items():
        stored = json.loads(chart["query_context"])
        assert stored["datasource"] == {"id": 0, "type": "table"}, name
        assert stored["queries"], name
        assert "kpi.plant." in chart["description"], name
        assert not {"datasource", "slice_id"} & set(chart["params"]), name


def test_charts_of_shifts_follow_the_period_on_the_plants_clock(sources: Sources, assets: dict[str, dict]) -> None:
    for name, chart in of_kind(assets, "charts").items():
        periods = [item["subject"] for item in chart["params"]["adhoc_filters"] if item["operator"] == "TEMPORAL_RANGE"]
        has_shifts = sources.datasets[sources.charts[name]["dataset"]]["main_dttm_col"] is not None
        assert periods == (["shift_start_local"] if has_shifts else []), name


def test_filters(assets: dict[str, dict]) -> None:
    filters = {item["name"]: item for item in assets["dashboards/plant_overview.yaml"]["metadata"]["native_filter_configuration"]}
    assert set(filters) == {"Site", "Line", "Machine", "Shift", "Period"}
    assert filters["Site"]["defaultDataMask"]["filterState"]["value"] == ["demo"]
    assert filters["Site"]["scope"]["excluded"] == []
    assert filters["Period"]["targets"] == [{}]
    assert filters["Machine"]["cascadeParentIds"] == [filters["Site"]["id"], filters["Line"]["id"]]
    numbers = {node["meta"]["sliceName"]: node["meta"]["chartId"] for node in positions(assets) if node["type"] == "CHART"}
    assert set(filters["Period"]["scope"]["excluded"]) == {numbers["Machines now"], numbers["Data health"]}


def positions(assets: dict[str, dict]) -> list[dict]:
    return [node for node in assets["dashboards/plant_overview.yaml"]["position"].values() if isinstance(node, dict)]


def with_chart(sources: Sources, **change: object) -> Sources:
    chart = {**sources.charts["oee_trend"], **change}
    return replace(sources, charts={**sources.charts, "oee_trend": chart})


def with_dashboard(sources: Sources, **change: object) -> Sources:
    return replace(sources, dashboards={"plant_overview": {**sources.dashboards["plant_overview"], **change}})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: with_chart(s, dataset="nowhere"), "no dataset nowhere"),
        (lambda s: with_chart(s, description="OEE"), "does not name the view kpi.plant.oee_by_shift"),
        (lambda s: with_chart(s, params={**s.charts["oee_trend"]["params"], "groupby": ["robot"]}), "no column robot"),
        (lambda s: with_chart(s, params={**s.charts["oee_trend"]["params"], "metrics": ["luck"]}), "no metric luck"),
        (lambda s: replace(s, columns={**s.columns, "scrap_by_shift": []}), "time column shift_start_local is not in the view"),
        (lambda s: with_dashboard(s, rows=[{"height": 9, "items": [{"chart": "oee_tile", "width": 5}]}], filters=[]), "add up to 12"),
        (lambda s: with_dashboard(s, rows=[{"height": 9, "items": [{"chart": "gone", "width": 12}]}], filters=[]), "no chart gone"),
        (lambda s: with_dashboard(s, filters=[{"name": "X", "column": "robot", "dataset": "oee_by_shift"}]), "unknown column robot"),
    ],
)
def test_a_contradiction_is_refused_by_name(sources: Sources, change: object, said: str) -> None:
    with pytest.raises(DashboardError, match=re.escape(said)):
        build(change(sources), "127.0.0.1", 28080)


def test_more_charts_than_a_page_should_hold(sources: Sources) -> None:
    rows = [{"height": 9, "items": [{"chart": f"c{number}", "width": 12}]} for number in range(MOST_CHARTS + 1)]
    charts = {f"c{number}": sources.charts["oee_tile"] for number in range(MOST_CHARTS + 1)}
    crowded = with_dashboard(replace(sources, charts=charts), rows=rows, filters=[])
    assert faults(crowded) == [f"dashboard plant_overview: {MOST_CHARTS + 1} charts, at most {MOST_CHARTS}"]


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DashboardError, match=r"metadata\.yaml"):
        read_sources(tmp_path)
    (tmp_path / "metadata.yaml").write_text("a: [")
    with pytest.raises(DashboardError, match="not YAML"):
        read_sources(tmp_path)
    (tmp_path / "metadata.yaml").write_text("- one")
    with pytest.raises(DashboardError, match="not a mapping"):
        read_sources(tmp_path)


def test_unknown_chart_type() -> None:
    with pytest.raises(DashboardError, match="pie"):
        query_context({"viz_type": "pie"})


def test_the_cause_behind_superset_s_message_is_told_even_when_it_is_a_circle() -> None:
    inner, outer = ValueError("no column"), RuntimeError("Import failed for an unknown reason")
    outer.__cause__, inner.__context__ = inner, outer
    assert cause_chain(outer) == "RuntimeError: Import failed for an unknown reason <- ValueError: no column"


def load_config(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import json, runpy, sys; c = runpy.run_path(sys.argv[1]); print(json.dumps({k: v for k, v in c.items() if k.isupper()}, default=str))"
    given = {"PATH": os.environ["PATH"], "SUPERSET_HOME": str(tmp_path), **environment}
    return subprocess.run([sys.executable, "-c", code, str(CONFIG)], env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("key", ["", "tiny-key", "a" * 64, "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET", "TEST_NON_DEV_SECRET_superset_1234567890"])
def test_a_missing_short_or_published_key_ends_the_start(tmp_path: Path, key: str) -> None:
    refused = load_config(tmp_path, SUPERSET_SECRET_KEY=key)
    assert refused.returncode == 1
    assert "E_SETTINGS SUPERSET_SECRET_KEY" in refused.stderr
    assert key not in refused.stderr or not key


def test_settings_of_superset(tmp_path: Path) -> None:
    loaded = load_config(tmp_path, SUPERSET_SECRET_KEY=GOOD_KEY)
    assert loaded.returncode == 0, loaded.stderr
    config = json.loads(loaded.stdout)
    assert config["WTF_CSRF_ENABLED"]
    assert config["TALISMAN_ENABLED"]
    assert config["TALISMAN_CONFIG"]["force_https"] is False
    assert config["TALISMAN_CONFIG"]["content_security_policy"]["script-src"] == ["'self'", "'strict-dynamic'"]
    assert "http" not in json.dumps(config["TALISMAN_CONFIG"]["content_security_policy"])
    assert config["FEATURE_FLAGS"]["ENABLE_TEMPLATE_PROCESSING"] is False
    assert config["SQLALCHEMY_DATABASE_URI"].startswith(f"sqlite:///{tmp_path}")
    assert config["DATA_CACHE_CONFIG"]["CACHE_DIR"].startswith(str(tmp_path))
    assert not config["PUBLIC_ROLE_LIKE"]


def test_settings_need_a_folder(tmp_path: Path) -> None:
    refused = load_config(tmp_path, SUPERSET_SECRET_KEY=GOOD_KEY, SUPERSET_HOME="")
    assert refused.returncode == 1
    assert "E_SETTINGS SUPERSET_HOME" in refused.stderr
