"""The dashboard as its readers meet it: figures equal to Trino's, nothing writable, drawn without an error, imported twice as once.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lakehouse.services.environment import superset_environment
from lakehouse.serving.dashboards.bundle import BUNDLE, asset_uuid
from lakehouse.serving.screenshot import take
from lakehouse.settings import HOME, Settings

pytestmark = [pytest.mark.stack, pytest.mark.browser]
PERIOD = "DATEADD(DATETIME('today'), -29, day) : DATEADD(DATETIME('today'), 1, day)"
OVER_PERIOD = "site_id = 'demo' AND shift_start_local >= current_date - INTERVAL '29' DAY AND shift_start_local < current_date + INTERVAL '1' DAY"


class Superset:
    """One account's cookie session with its CSRF token, as a browser has them."""

    def __init__(self, address: str, user: str = "", password: str = "") -> None:
        self.address, self.http = address, requests.Session()
        if not user:
            return
        form = {"username": user, "password": password, "csrf_token": self._token("/login/")}
        answer = self.http.post(f"{address}/login/", data=form, headers={"Referer": address}, timeout=60)
        assert answer.ok, answer.status_code
        assert "/login" not in answer.url
        self.http.headers.update({"X-CSRFToken": self._token("/superset/dashboard/plant-overview/"), "Referer": address})

    def _token(self, path: str) -> str:
        page = self.http.get(f"{self.address}{path}", timeout=60)
        token = re.search(r'csrf_token[^>]*?value="([^"]+)"|csrf_token(?:&#34;|"):\s*(?:&#34;|")([^"&]+)', page.text)
        assert token, f"no CSRF token on {path}: {page.status_code}"
        return token.group(1) or token.group(2)

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.http.request(method, f"{self.address}{path}", timeout=120, allow_redirects=False, **more)

    def listed(self, kind: str) -> dict[str, int]:
        """uuid to id of all charts, datasets, dashboards or databases that the account may see."""
        answer = self.call("GET", f"/api/v1/{kind}/?q=(page_size:100,columns:!(id,uuid))")
        assert answer.ok, answer.text
        return {item["uuid"]: item["id"] for item in answer.json()["result"]}


@pytest.fixture(scope="module")
def address(published: Settings) -> str:
    return f"http://{published.host}:{published.port('superset')}"


@pytest.fixture(scope="module")
def viewer(published: Settings, address: str) -> Superset:
    return Superset(address, "viewer", published.secret("superset_viewer_password"))


@pytest.fixture(scope="module")
def admin(published: Settings, address: str) -> Superset:
    return Superset(address, "admin", published.secret("superset_admin_password"))


@pytest.fixture(scope="module")
def import_bundle(published: Settings) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        command = [published.lake_home / "envs" / "superset" / "bin" / "python", "-m", "lakehouse.serving.dashboards.import_bundle"]
        port = ["--trino-port", str(published.port("trino"))]
        environment = {"PATH": os.environ["PATH"], **superset_environment(published)}
        done = subprocess.run([*command, *port, *arguments], cwd=HOME, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


# Questions to Trino in words of their own: not made from the bundle's expressions.
RATIO = "CAST(sum({0}) AS DECIMAL(38,12)) / NULLIF(sum({1}), 0)"
KNOWN = "{0} IS NOT NULL AND unknown_time_ratio < 1"


def ratio(view: str, top: str, bottom: str, known: str = "true", group: str = "") -> str:
    chosen = f"{group}, " if group else ""
    tail = f" GROUP BY {group}" if group else ""
    above, below = f"IF({known}, {top})", f"IF({known}, {bottom})"
    return f"SELECT {chosen}{RATIO.format(above, below)} FROM kpi.plant.{view} WHERE {OVER_PERIOD}{tail}"


OEE = ("oee_by_shift", "earned_good_s", "pbt_s", KNOWN.format("oee_ratio"))
AVAILABILITY = ("availability_by_shift", "apt_s", "pbt_s", KNOWN.format("availability_ratio"))
PERFORMANCE = ("oee_by_shift", "earned_produced_s", "apt_s", KNOWN.format("performance_ratio"))
MINUTES = "CAST(sum(downtime_s) AS DECIMAL(38,12)) / 60"
REASON = "coalesce(reason_text, reason_code, 'No reason given')"
TRUTH = {
    "oee_tile": ratio(*OEE),
    "availability_tile": ratio(*AVAILABILITY),
    "performance_tile": ratio(*PERFORMANCE),
    "scrap_tile": ratio("scrap_by_shift", "sq_count", "pq_count"),
    "without_data_tile": ratio("availability_by_shift", "unknown_s", "pbt_s"),
    "stop_minutes_tile": f"SELECT {MINUTES} FROM kpi.plant.downtime_pareto WHERE category = 'unplanned_stop' AND {OVER_PERIOD}",
    "oee_trend": ratio(*OEE, group="machine_id, date_trunc('day', shift_start_local)"),
    "downtime_pareto": f"SELECT {REASON}, category, {MINUTES} FROM kpi.plant.downtime_pareto WHERE {OVER_PERIOD} GROUP BY 1, 2",
    "oee_heat_map": ratio(*OEE, group="shift_id, machine_id"),
    "machine_now": "SELECT machine_id, reason, since FROM (SELECT machine_id, coalesce(reason_text, reason_code, '') reason, "
    "date_format(since_local, '%d %b %H:%i') since FROM kpi.plant.machine_now WHERE site_id = 'demo')",
    "data_health": "SELECT silver_table, kept_count, quarantined_count FROM kpi.plant.data_health WHERE site_id = 'demo'",
}
COLUMNS = {
    "oee_trend": ("machine_id", "shift_start_local", "oee"),
    "downtime_pareto": ("reason", "state", "downtime_minutes"),
    "oee_heat_map": ("shift_id", "machine_id", "oee"),
    "machine_now": ("machine_id", "reason", "since_clock"),
    "data_health": ("silver_table", "kept_count", "quarantined_count"),
}


def asked(viewer: Superset, name: str, chart_id: int) -> list[dict[str, Any]]:
    """The chart's own stored question with the dashboard's filters, without what only shapes the answer for drawing."""
    chart = viewer.call("GET", f"/api/v1/chart/{chart_id}").json()["result"]
    question = json.loads(chart["query_context"])
    question["force"] = True
    for query in question["queries"]:
        query["post_processing"] = []
        query["filters"].append({"col": "site_id", "op": "IN", "val": ["demo"]})
        for item in query["filters"]:
            if item["op"] == "TEMPORAL_RANGE":
                item["val"] = PERIOD
    answer = viewer.call("POST", "/api/v1/chart/data", json=question)
    assert answer.ok, f"{name}: {answer.text}"
    return answer.json()["result"][-1]["data"]


def plain(value: Any) -> Any:
    """One form for a value from JSON and from Trino: nine digits for numbers, milliseconds for instants."""
    if hasattr(value, "timestamp"):
        value = int((value - value.__class__(1970, 1, 1)).total_seconds() * 1000)
    if isinstance(value, Decimal | float) or (isinstance(value, int) and not isinstance(value, bool)):
        return f"{float(value):.9e}"
    return value


def row_set(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted((tuple(plain(value) for value in row) for row in rows), key=str)


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_charts_figures_are_trinos(name: str, viewer: Superset, ask: Callable[..., list[Any]]) -> None:
    chart_id = viewer.listed("chart")[asset_uuid("charts", name)]
    data = asked(viewer, name, chart_id)
    columns = COLUMNS.get(name) or tuple(data[0])
    shown = [tuple(row[column] for column in columns) for row in data]
    wanted = [tuple(row) for row in ask(TRUTH[name], user="superset")]
    if name == "downtime_pareto":
        words = {category: state["label"] for category, state in yaml.safe_load((BUNDLE / "states.yaml").read_text()).items()}
        wanted = [(reason, words[category], minutes) for reason, category, minutes in wanted]
    assert wanted, "the stack has no published rows for the demo site"
    assert row_set(shown) == row_set(wanted)


def test_a_healthy_source_is_not_shown_late(viewer: Superset) -> None:
    shown = asked(viewer, "data_health", viewer.listed("chart")[asset_uuid("charts", "data_health")])
    words = {row["silver_table"]: row["freshness"] for row in shown}
    assert (words["machine_interruption"], words["confirmation"]) == ("Quiet", "On arrival")


def test_the_list_above_names_every_chart() -> None:
    assert set(TRUTH) == {path.stem for path in (BUNDLE / "charts").glob("*.yaml")}


def test_no_data_is_not_nought(viewer: Superset) -> None:
    """A question about a machine that does not exist answers NULL, not 0."""
    chart_id = viewer.listed("chart")[asset_uuid("charts", "oee_tile")]
    question = json.loads(viewer.call("GET", f"/api/v1/chart/{chart_id}").json()["result"]["query_context"])
    for query in question["queries"]:
        query["filters"].append({"col": "machine_id", "op": "IN", "val": ["none such"]})
    answer = viewer.call("POST", "/api/v1/chart/data", json=question).json()
    assert answer["result"][-1]["data"] == [{"oee": None}]


WRITES = [
    ("POST", "/api/v1/dashboard/", {"dashboard_title": "mine"}),
    ("PUT", "/api/v1/dashboard/{dashboard}", {"dashboard_title": "mine"}),
    ("DELETE", "/api/v1/dashboard/{dashboard}", None),
    ("POST", "/api/v1/dashboard/{dashboard}/copy/", {"dashboard_title": "mine", "json_metadata": "{}"}),
    ("POST", "/api/v1/chart/", {"slice_name": "mine", "datasource_id": 1, "datasource_type": "table", "viz_type": "table"}),
    ("PUT", "/api/v1/chart/{chart}", {"slice_name": "mine"}),
    ("DELETE", "/api/v1/chart/{chart}", None),
    ("DELETE", "/api/v1/chart/?q=!({chart})", None),
    ("POST", "/api/v1/dataset/", {"database": 1, "schema": "plant", "table_name": "oee_by_shift"}),
    ("PUT", "/api/v1/dataset/{dataset}", {"description": "mine"}),
    ("PUT", "/api/v1/dataset/{dataset}/refresh", None),
    ("DELETE", "/api/v1/dataset/{dataset}", None),
    ("POST", "/api/v1/database/", {"database_name": "mine", "sqlalchemy_uri": "trino://engineer@127.0.0.1:1/lake"}),
    ("PUT", "/api/v1/database/1", {"database_name": "mine"}),
    ("DELETE", "/api/v1/database/1", None),
    ("POST", "/api/v1/sqllab/execute/", {"database_id": 1, "sql": "SELECT 1", "runAsync": False}),
    ("POST", "/api/v1/saved_query/", {"label": "mine", "sql": "SELECT 1", "db_id": 1}),
    ("POST", "/api/v1/annotation_layer/", {"name": "mine"}),
    ("POST", "/api/v1/css_template/", {"template_name": "mine", "css": ""}),
    ("POST", "/api/v1/security/users/", {"username": "mine"}),
    ("POST", "/api/v1/security/roles/", {"name": "mine"}),
    ("GET", "/api/v1/database/", None),
    ("GET", "/api/v1/security/users/", None),
    ("GET", "/api/v1/query/", None),
    ("GET", "/api/v1/assets/export/", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[f"{method} {path}" for method, path, _ in WRITES])
def test_a_viewer_cannot_write_nor_look_elsewhere(method: str, path: str, body: dict | None, viewer: Superset, admin: Superset) -> None:
    ids = {
        "dashboard": viewer.listed("dashboard")[asset_uuid("dashboards", "plant_overview")],
        "chart": viewer.listed("chart")[asset_uuid("charts", "oee_tile")],
        "dataset": viewer.listed("dataset")[asset_uuid("datasets", "oee_by_shift")],
    }
    before = {kind: admin.listed(kind) for kind in ("dashboard", "chart", "dataset", "database")}
    answer = viewer.call(method, path.format(**ids), json=body)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"}), answer.text[:300]
    assert {kind: admin.listed(kind) for kind in before} == before
    assert admin.call("GET", f"/api/v1/dashboard/{ids['dashboard']}").json()["result"]["dashboard_title"] == "Plant overview"


@pytest.fixture
def other_dataset(admin: Superset) -> Iterator[int]:
    """A data set on another schema of the same catalog, made by the administrator."""
    database = admin.listed("database")[asset_uuid("databases", "lakehouse")]
    wanted = {"database": database, "catalog": "kpi", "schema": "information_schema", "table_name": "tables"}
    answer = admin.call("POST", "/api/v1/dataset/", json=wanted)
    assert answer.status_code == 201, answer.text
    yield answer.json()["id"]
    assert admin.call("DELETE", f"/api/v1/dataset/{answer.json()['id']}").ok


def test_a_viewer_sees_one_schema_only(other_dataset: int, viewer: Superset, admin: Superset) -> None:
    question = {
        "datasource": {"id": other_dataset, "type": "table"},
        "queries": [{"columns": ["table_name"], "metrics": None, "filters": [], "row_limit": 5, "orderby": []}],
        "result_format": "json",
        "result_type": "full",
    }
    assert admin.call("POST", "/api/v1/chart/data", json=question).ok
    assert viewer.call("POST", "/api/v1/chart/data", json=question).status_code == 403
    assert viewer.call("GET", f"/api/v1/dataset/{other_dataset}").status_code in {403, 404}
    assert other_dataset not in viewer.listed("dataset").values()


def test_a_viewer_cannot_smuggle_a_query_into_a_chart(viewer: Superset) -> None:
    dataset = viewer.listed("dataset")[asset_uuid("datasets", "oee_by_shift")]
    column = {"label": "x", "sqlExpression": "(SELECT max(table_name) FROM kpi.information_schema.tables)", "expressionType": "SQL"}
    question = {"datasource": {"id": dataset, "type": "table"}, "queries": [{"columns": [column], "metrics": None, "row_limit": 1}]}
    answer = viewer.call("POST", "/api/v1/chart/data", json=question)
    assert answer.status_code == 403, answer.text


def test_without_a_login_there_is_nothing(address: str, viewer: Superset) -> None:
    stranger = Superset(address)
    chart_id = viewer.listed("chart")[asset_uuid("charts", "oee_tile")]
    assert stranger.call("GET", "/superset/dashboard/plant-overview/").status_code in {302, 401, 403, 404}
    for path in (f"/api/v1/chart/{chart_id}/data/", f"/api/v1/chart/{chart_id}", "/api/v1/dashboard/plant-overview"):
        assert stranger.call("GET", path).status_code in {401, 403, 404}, path
    assert stranger.call("GET", "/api/v1/chart/").json().get("count", 0) == 0


def test_pages_report_themselves_without_an_error(viewer: Superset) -> None:
    events = {"events": json.dumps([{"event_name": "load_chart"}])}
    assert viewer.call("POST", "/superset/log/?explode=events&dashboard_id=1", data=events).status_code == 200


def test_a_person_sees_a_whole_dashboard(published: Settings, address: str, tmp_path: Path) -> None:
    picture = tmp_path / "plant_overview.png"
    sight = take(address, "viewer", published.secret("superset_viewer_password"), picture)
    assert sight.errors == ()
    assert sight.empty == ()
    assert sight.title == "Plant overview"
    assert sight.chart_count == len(TRUTH)
    assert picture.read_bytes().startswith(b"\x89PNG")
    for words in ("OEE", "Availability", "Scrap", "Machines now", "Data health", "M01", "How to check a number"):
        assert words in sight.text


def exported(admin: Superset) -> dict[str, str]:
    """Digest of each exported asset; Superset's own time of export is left out."""
    answer = admin.call("GET", "/api/v1/assets/export/")
    assert answer.ok
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("metadata.yaml")]
        return {name.split("/", 1)[1]: hashlib.sha256(archive.read(name)).hexdigest() for name in names}


def everything(admin: Superset) -> dict[str, dict[str, int]]:
    return {kind: admin.listed(kind) for kind in ("database", "dataset", "chart", "dashboard")}


def test_importing_twice_is_once(import_bundle: Callable[..., str], admin: Superset) -> None:
    import_bundle()
    objects, assets = everything(admin), exported(admin)
    assert import_bundle() == f"imported {sum(len(found) for found in objects.values())} assets\n"
    assert everything(admin) == objects
    assert exported(admin) == assets


def test_what_the_bundle_drops_goes_and_what_people_made_stays(import_bundle: Callable[..., str], admin: Superset, tmp_path: Path) -> None:
    dataset = admin.listed("dataset")[asset_uuid("datasets", "oee_by_shift")]
    own = {"slice_name": "A person's own", "datasource_id": dataset, "datasource_type": "table", "viz_type": "table", "params": "{}"}
    made = admin.call("POST", "/api/v1/chart/", json=own).json()["id"]
    bundle = tmp_path / "bundle"
    shutil.copytree(BUNDLE, bundle)
    (bundle / "charts" / "data_health.yaml").unlink()
    dashboard = bundle / "dashboards" / "plant_overview.yaml"
    content = yaml.safe_load(dashboard.read_text())
    content["rows"] = content["rows"][:-1]
    for item in content["filters"]:
        item["not_for"] = [name for name in item.get("not_for", []) if name != "data_health"]
    dashboard.write_text(yaml.safe_dump(content))
    try:
        assert "dropped Slice Data health" in import_bundle("--bundle", str(bundle))
        charts = admin.listed("chart")
        assert asset_uuid("charts", "data_health") not in charts
        assert made in charts.values()
    finally:
        import_bundle()
        admin.call("DELETE", f"/api/v1/chart/{made}")
    assert asset_uuid("charts", "data_health") in admin.listed("chart")
