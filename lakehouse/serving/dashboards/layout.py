"""A dashboard's places and filters, from rows of charts to Superset's `position` and `native_filter_configuration`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Node = dict[str, Any]
_GRID = ["ROOT_ID", "GRID_ID"]
_WHOLE_DASHBOARD = {"rootPath": ["ROOT_ID"]}


def chart_numbers(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return a number, from 1, for each chart of the rows; the import replaces them by Superset's own ids."""
    charts = [item["chart"] for row in rows for item in row["items"] if "chart" in item]
    return {name: number for number, name in enumerate(charts, 1)}


def _item(item: Mapping[str, Any], key: str, parents: list[str], height: int, chart: Callable[[str], Node]) -> Node:
    size = {"width": item["width"], "height": height}
    if "text" in item:
        return {"type": "MARKDOWN", "id": key, "children": [], "parents": parents, "meta": {**size, "code": item["text"]}}
    return {"type": "CHART", "id": key, "children": [], "parents": parents, "meta": {**size, **chart(item["chart"])}}


def position(title: str, rows: Sequence[Mapping[str, Any]], chart: Callable[[str], Node]) -> Node:
    """Return the grid.

    Args:
        title: heading of the page.
        rows: `height` (units of 8 pixels) and `items`, each with a `width` (of 12) and a `chart` or a `text`.
        chart: from a chart's name to what its place must know of it (chartId, uuid, sliceName).
    """
    nodes: Node = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    for number, row in enumerate(rows, 1):
        row_id = f"ROW-{number}"
        nodes["GRID_ID"]["children"].append(row_id)
        keys = [f"CHART-{item['chart']}" if "chart" in item else f"MARKDOWN-{number}-{place}" for place, item in enumerate(row["items"])]
        meta = {"background": "BACKGROUND_TRANSPARENT"}
        nodes[row_id] = {"type": "ROW", "id": row_id, "children": keys, "parents": _GRID, "meta": meta}
        for key, item in zip(keys, row["items"], strict=True):
            nodes[key] = _item(item, key, [*_GRID, row_id], row["height"], chart)
    return nodes


def _filter_id(name: str) -> str:
    return "NATIVE_FILTER-" + "".join(letter for letter in name.lower() if letter.isalnum())


def _no_choice() -> Node:
    return {"extraFormData": {}, "filterState": {}, "ownState": {}}


def _time_filter(spec: Mapping[str, Any]) -> Node:
    mask = {"extraFormData": {"time_range": spec["time_range"]}, "filterState": {"value": spec["time_range"]}, "ownState": {}}
    return {"filterType": "filter_time", "targets": [{}], "controlValues": {"enableEmptyFilter": False}, "defaultDataMask": mask}


def _select_filter(spec: Mapping[str, Any], dataset_uuid: Callable[[str], str]) -> Node:
    chosen = spec.get("default")
    mask = _no_choice()
    if chosen:
        mask["extraFormData"] = {"filters": [{"col": spec["column"], "op": "IN", "val": list(chosen)}]}
        mask["filterState"] = {"value": list(chosen), "label": ", ".join(chosen)}
    controls = {
        "multiSelect": spec["multiple"],
        "enableEmptyFilter": bool(chosen),
        "defaultToFirstItem": False,
        "inverseSelection": False,
        "searchAllOptions": False,
        "sortAscending": True,
    }
    target = {"column": {"name": spec["column"]}, "datasetUuid": dataset_uuid(spec["dataset"])}
    return {"filterType": "filter_select", "targets": [target], "controlValues": controls, "defaultDataMask": mask}


def native_filters(specs: Sequence[Mapping[str, Any]], numbers: Mapping[str, int], dataset_uuid: Callable[[str], str]) -> list[Node]:
    """Return the dashboard's filters.

    Args:
        specs: `name` and either `time_range` or `column`, `dataset`, `multiple`; `below` names the filters that narrow its list,
            `not_for` the charts that it does not reach.
        numbers: chart name to number of `chart_numbers`.
        dataset_uuid: from a dataset's name to its uuid.
    """
    filters = []
    for spec in specs:
        kind = _time_filter(spec) if "time_range" in spec else _select_filter(spec, dataset_uuid)
        filters.append(
            {
                "id": _filter_id(spec["name"]),
                "type": "NATIVE_FILTER",
                "name": spec["name"],
                "description": "",
                "cascadeParentIds": [_filter_id(name) for name in spec.get("below", [])],
                "scope": {**_WHOLE_DASHBOARD, "excluded": [numbers[name] for name in spec.get("not_for", [])]},
                **kind,
            }
        )
    return filters
