"""The question a chart asks, as Superset stores it beside the chart, made from the chart's parameters.

Without it a chart draws in a browser but cannot be asked through `/api/v1/chart/<id>/data/`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lakehouse.errors import DashboardError

Params = Mapping[str, Any]


def _base_axis(params: Params) -> dict[str, Any]:
    name = params["x_axis"]
    axis = {"columnType": "BASE_AXIS", "sqlExpression": name, "label": name, "expressionType": "SQL"}
    return {"timeGrain": params["time_grain_sqla"], **axis} if "time_grain_sqla" in params else axis


def _filters(params: Params) -> list[dict[str, Any]]:
    return [{"col": item["subject"], "op": item["operator"], "val": item["comparator"]} for item in params.get("adhoc_filters", [])]


def _query(params: Params, **specific: Any) -> dict[str, Any]:
    common = {
        "filters": _filters(params),
        "extras": {"having": "", "where": ""},
        "applied_time_extras": {},
        "columns": [],
        "metrics": [],
        "orderby": [],
        "annotation_layers": [],
        "row_limit": params.get("row_limit", 10_000),
        "series_columns": [],
        "series_limit": 0,
        "order_desc": True,
        "url_params": {},
        "custom_params": {},
        "custom_form_data": {},
        "post_processing": [],
    }
    return {**common, **specific}


def _pivot(index: str, columns: list[str], metrics: list[str]) -> list[dict[str, Any]]:
    options = {"index": [index], "columns": columns, "aggregates": {name: {"operator": "mean"} for name in metrics}, "drop_missing_columns": False}
    return [{"operation": "pivot", "options": options}, {"operation": "flatten"}]


def _big_number(params: Params) -> list[dict[str, Any]]:
    metrics = [params["metric"]]
    trend = _query(params, columns=[_base_axis(params)], metrics=metrics, post_processing=_pivot(params["x_axis"], [], metrics))
    return [trend, _query(params, metrics=metrics)]


def _series(params: Params) -> list[dict[str, Any]]:
    metrics, groups = list(params["metrics"]), list(params["groupby"])
    return [
        _query(
            params,
            columns=[_base_axis(params), *groups],
            metrics=metrics,
            orderby=[[metrics[0], False]],
            series_columns=groups,
            post_processing=_pivot(params["x_axis"], groups, metrics),
        )
    ]


def _heat_map(params: Params) -> list[dict[str, Any]]:
    columns = [_base_axis(params), params["groupby"]]
    rank = [{"operation": "rank", "options": {"metric": params["metric"], "group_by": None}}]
    return [_query(params, columns=columns, metrics=[params["metric"]], orderby=[[params["x_axis"], True]], post_processing=rank)]


def _rows(params: Params) -> list[dict[str, Any]]:
    order = [json.loads(item) for item in params.get("order_by_cols", [])]
    return [_query(params, columns=list(params["all_columns"]), metrics=None, orderby=order)]


_QUERIES: dict[str, Callable[[Params], list[dict[str, Any]]]] = {
    "big_number": _big_number,
    "echarts_timeseries_line": _series,
    "echarts_timeseries_bar": _series,
    "heatmap_v2": _heat_map,
    "table": _rows,
}


def query_context(params: Params) -> dict[str, Any]:
    """Return a chart's stored question.

    Args:
        params: the chart's parameters with `viz_type`.

    Raises:
        DashboardError: the type of chart is none of those that this product uses.
    """
    kind = params["viz_type"]
    if kind not in _QUERIES:
        raise DashboardError(f"chart type {kind}", f"not one of {', '.join(sorted(_QUERIES))}")
    return {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": _QUERIES[kind](params),
        "form_data": dict(params),
        "result_format": "json",
        "result_type": "full",
    }
