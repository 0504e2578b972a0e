"""From the short YAML of `bundle/` to Superset's own assets, complete and checked.

A chart, dataset or dashboard is called by its file's name; its uuid follows from that name, so an import always meets the same object.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import DashboardError
from lakehouse.serving.dashboards.layout import chart_numbers, native_filters, position
from lakehouse.serving.dashboards.query_context import query_context

BUNDLE = Path(__file__).resolve().parent / "bundle"
KPI_VIEWS = Path(__file__).resolve().parent.parent / "kpi"
DATABASE = "lakehouse"
CATALOG = "kpi"
SCHEMA = "plant"
MOST_CHARTS = 12
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "dashboards.lakehouse.invalid")
_MANAGED = {"is_managed_externally": True}

Document = dict[str, Any]


def asset_uuid(kind: str, name: str) -> str:
    """Return the uuid of an asset; `kind` is databases, datasets, charts or dashboards."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


@dataclass(frozen=True)
class Sources:
    """What `bundle/` and the KPI views say, as read.

    Attributes:
        metadata: Superset's bundle header.
        states: category to `label` and `colour` (#rrggbb).
        database, datasets, charts, dashboards: by file name.
        columns: view to its columns (`name`, `type`, `description`).
    """

    metadata: Document
    states: dict[str, dict[str, str]]
    database: Document
    datasets: dict[str, Document]
    charts: dict[str, Document]
    dashboards: dict[str, Document]
    columns: dict[str, list[dict[str, str]]]
    descriptions: dict[str, str]


def _document(path: Path) -> Document:
    if not path.is_file():
        raise DashboardError(str(path.name), f"no such file in {path.parent.name}/")
    try:
        loaded = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise DashboardError(path.name, f"not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise DashboardError(path.name, "not a mapping")
    return loaded


def _folder(path: Path) -> dict[str, Document]:
    return {file.stem: _document(file) for file in sorted(path.glob("*.yaml"))}


def read_sources(folder: Path = BUNDLE, kpi_folder: Path = KPI_VIEWS) -> Sources:
    """Read the bundle and the declarations of the views that its datasets stand on.

    Args:
        folder: the bundle's folder.
        kpi_folder: folder with `<view>/kpi.yaml`.

    Raises:
        DashboardError: a file is missing or not a YAML mapping.
    """
    datasets = _folder(folder / "datasets")
    views = {name: _document(kpi_folder / name / "kpi.yaml") for name in datasets}
    return Sources(
        metadata=_document(folder / "metadata.yaml"),
        states=_document(folder / "states.yaml"),
        database=_document(folder / "databases" / f"{DATABASE}.yaml"),
        datasets=datasets,
        charts=_folder(folder / "charts"),
        dashboards=_folder(folder / "dashboards"),
        columns={name: view["columns"] for name, view in views.items()},
        descriptions={name: str(view.get("description", "")) for name, view in views.items()},
    )


def _state_label(states: Mapping[str, Mapping[str, str]]) -> str:
    cases = " ".join(f"WHEN '{category}' THEN '{state['label']}'" for category, state in states.items())
    return f"CASE category {cases} ELSE category END"


def _column(name: str, kind: str, description: str, **more: Any) -> Document:
    temporal = kind.upper().startswith(("TIMESTAMP", "DATE"))
    return {
        "column_name": name,
        "verbose_name": None,
        "is_dttm": temporal,
        "is_active": True,
        "type": kind.upper(),
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": description,
        "python_date_format": None,
        "extra": {},
        **more,
    }


def _dataset(sources: Sources, name: str) -> Document:
    given = sources.datasets[name]
    columns = [_column(item["name"], item["type"], item["description"]) for item in sources.columns[name]]
    for item in given.get("calculated_columns", []):
        expression = item["expression"].replace("{state_label}", _state_label(sources.states))
        more = {"expression": expression, "verbose_name": item["verbose_name"]}
        columns.append(_column(item["column_name"], item["type"], item["description"], **more))
    metrics = [{"metric_type": None, "currency": None, "extra": {}, "warning_text": None, **metric} for metric in given["metrics"]]
    return {
        "table_name": name,
        "main_dttm_col": given["main_dttm_col"],
        "description": sources.descriptions[name],
        "cache_timeout": given["cache_timeout"],
        "catalog": CATALOG,
        "schema": SCHEMA,
        "sql": None,
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "offset": 0,
        "columns": columns,
        "metrics": metrics,
        "uuid": asset_uuid("datasets", name),
        "database_uuid": asset_uuid("databases", DATABASE),
        "version": "1.0.0",
        **_MANAGED,
    }


def _state_formats(column: str, states: Mapping[str, Mapping[str, str]]) -> list[Document]:
    return [
        {"column": column, "operator": "=", "targetValue": state["label"], "colorScheme": state["colour"], "useGradient": False}
        for state in states.values()
    ]


def _chart(sources: Sources, name: str) -> Document:
    given = sources.charts[name]
    params = {"viz_type": given["viz_type"], "extra_form_data": {}, **given["params"]}
    coloured = params.pop("state_colours", None)
    if coloured:
        params["conditional_formatting"] = _state_formats(coloured, sources.states)
    return {
        "slice_name": given["slice_name"],
        "description": given["description"],
        "certified_by": None,
        "certification_details": None,
        "viz_type": given["viz_type"],
        "params": params,
        "query_context": json.dumps(query_context(params), sort_keys=True),
        "cache_timeout": None,
        "uuid": asset_uuid("charts", name),
        "version": "1.0.0",
        "dataset_uuid": asset_uuid("datasets", given["dataset"]),
        **_MANAGED,
    }


def _dashboard(sources: Sources, name: str) -> Document:
    given = sources.dashboards[name]
    numbers = chart_numbers(given["rows"])

    def place(chart: str) -> Document:
        return {"chartId": numbers[chart], "uuid": asset_uuid("charts", chart), "sliceName": sources.charts[chart]["slice_name"]}

    return {
        "dashboard_title": given["dashboard_title"],
        "description": given["description"],
        "css": "",
        "slug": given["slug"],
        "published": True,
        "certified_by": "",
        "certification_details": "",
        "uuid": asset_uuid("dashboards", name),
        "position": position(given["dashboard_title"], given["rows"], place),
        "metadata": {
            "color_scheme": "plantMachines",
            "refresh_frequency": given["refresh_seconds"],
            "cross_filters_enabled": False,
            "filter_bar_orientation": "HORIZONTAL",
            "label_colors": {state["label"]: state["colour"] for state in sources.states.values()},
            "shared_label_colors": [],
            "color_scheme_domain": [],
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
            "chart_configuration": {},
            "global_chart_configuration": {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "chartsInScope": []},
            "native_filter_configuration": native_filters(given["filters"], numbers, lambda dataset: asset_uuid("datasets", dataset)),
        },
        "version": "1.0.0",
        **_MANAGED,
    }


def _named_columns(params: Mapping[str, Any]) -> Iterator[str]:
    groups = params.get("groupby", [])
    yield from [groups] if isinstance(groups, str) else groups
    yield from params.get("all_columns", [])
    yield from (item["subject"] for item in params.get("adhoc_filters", []))
    if "x_axis" in params:
        yield params["x_axis"]


def _chart_faults(sources: Sources, name: str) -> Iterator[str]:
    chart = sources.charts[name]
    dataset = sources.datasets.get(chart["dataset"])
    if dataset is None:
        yield f"chart {name}: no dataset {chart['dataset']}"
        return
    if f"{CATALOG}.{SCHEMA}.{chart['dataset']}" not in str(chart.get("description")):
        yield f"chart {name}: its description does not name the view {CATALOG}.{SCHEMA}.{chart['dataset']}"
    columns = {item["name"] for item in sources.columns[chart["dataset"]]}
    columns |= {item["column_name"] for item in dataset.get("calculated_columns", [])}
    metrics = {item["metric_name"] for item in dataset["metrics"]}
    params = chart["params"]
    asked = [params["metric"]] if "metric" in params else params.get("metrics", [])
    yield from (f"chart {name}: {chart['dataset']} has no column {column}" for column in _named_columns(params) if column not in columns)
    yield from (f"chart {name}: {chart['dataset']} has no metric {metric}" for metric in asked if metric not in metrics)


def _dashboard_faults(sources: Sources, name: str) -> Iterator[str]:
    given = sources.dashboards[name]
    placed = list(chart_numbers(given["rows"]))
    yield from (f"dashboard {name}: no chart {chart}" for chart in placed if chart not in sources.charts)
    if len(placed) > MOST_CHARTS:
        yield f"dashboard {name}: {len(placed)} charts, at most {MOST_CHARTS}"
    for row in given["rows"]:
        if sum(item["width"] for item in row["items"]) != 12:
            yield f"dashboard {name}: a row's widths do not add up to 12"
    for item in given["filters"]:
        known = {column["name"] for column in sources.columns.get(item.get("dataset", ""), [])}
        if "column" in item and item["column"] not in known:
            yield f"dashboard {name}: filter {item['name']} names the unknown column {item['column']}"
        yield from (f"dashboard {name}: filter {item['name']} names {chart}" for chart in item.get("not_for", []) if chart not in placed)


def faults(sources: Sources) -> list[str]:
    """Return everything in which the bundle contradicts itself or the views, one sentence each."""
    found = [fault for name in sources.charts for fault in _chart_faults(sources, name)]
    found += [fault for name in sources.dashboards for fault in _dashboard_faults(sources, name)]
    for name, dataset in sources.datasets.items():
        main = dataset["main_dttm_col"]
        if main and main not in {item["name"] for item in sources.columns[name]}:
            found.append(f"dataset {name}: its time column {main} is not in the view")
    return found


def build(sources: Sources, trino_host: str, trino_port: int) -> dict[str, str]:
    """Return Superset's assets bundle.

    Args:
        sources: what `read_sources` returned.
        trino_host: address of the stack's Trino.
        trino_port: its port.

    Returns:
        Path below the bundle's root to YAML text.

    Raises:
        DashboardError: the bundle contradicts itself; all faults are named.
    """
    found = faults(sources)
    if found:
        raise DashboardError("dashboards bundle", "; ".join(found))
    database = {
        **sources.database,
        "sqlalchemy_uri": f"trino://superset@{trino_host}:{trino_port}/{CATALOG}",
        "uuid": asset_uuid("databases", DATABASE),
        "version": "1.0.0",
        **_MANAGED,
    }
    documents: dict[str, Document] = {"metadata.yaml": sources.metadata, f"databases/{DATABASE}.yaml": database}
    documents |= {f"datasets/{DATABASE}/{name}.yaml": _dataset(sources, name) for name in sources.datasets}
    documents |= {f"charts/{name}.yaml": _chart(sources, name) for name in sources.charts}
    documents |= {f"dashboards/{name}.yaml": _dashboard(sources, name) for name in sources.dashboards}
    return {path: yaml.safe_dump(document, sort_keys=False, allow_unicode=True) for path, document in documents.items()}
