"""`olist-segments superset`: the dashboard of bi/superset/dashboard.yml as a bundle that Superset imports.

A bundle is a zip of YAML files, the format of Superset's own exports: a database, its datasets, charts and a dashboard,
each with an identifier (UUID) that follows from its name, so that an import finds what an earlier one made. The types
and the descriptions of tables and columns are those of the published file.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import duckdb
import yaml

from olist_segments.connectors.input_layer import PROJECT
from olist_segments.errors import UserError
from olist_segments.serving.atomic import replace_file
from olist_segments.serving.tables import Described, add_source_option, choose_source, described, open_tables
from olist_segments.shop import Shop, read_shop

DEFAULT_FILE = "segments.zip"
DASHBOARD = PROJECT / "bi" / "superset" / "dashboard.yml"
_DATABASE = "Customer segments"
_ROOT = "customer_segments"
_VERSION = "1.0.0"
# Nobody who is connected can open other files, or undo that.
_LOCKED = {"read_only": True, "config": {"enable_external_access": False, "lock_configuration": True}}
_CERTIFIED_BY = "olist-segments"
# A zip knows no earlier time, and the same bundle is the same file.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_ROWS = 10_000
_ROW_LIMIT = 1_000
_TEMPORAL = ("DATE", "TIMESTAMP")
_CHARTS_OF_TIME = ("lines", "bars")
_VIZ_TYPES = {
    "number": "big_number_total",
    "heat_map": "heatmap_v2",
    "lines": "echarts_timeseries_line",
    "bars": "echarts_timeseries_bar",
    "sums": "table",
    "rows": "table",
}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments superset`."""
    parser = commands.add_parser("superset", help="write the dashboard that Superset imports")
    parser.add_argument(
        "--uri",
        required=True,
        help="the SQLAlchemy URI by which Superset opens the published file: duckdb:////srv/olist/serving/segments.duckdb",
    )
    parser.add_argument("--out", type=Path, default=Path(DEFAULT_FILE), metavar="FILE", help=f"default: {DEFAULT_FILE}")
    add_source_option(parser)
    parser.set_defaults(run=lambda arguments: print(superset(arguments.out, arguments.uri, arguments.source)))


def superset(file: Path, uri: str, kind: str | None = None, definition: Path = DASHBOARD) -> str:
    """Write the bundle to `file`, whole or not at all; a sentence that says so.

    `uri`: where Superset finds the published file. `kind`: one of SOURCES, or None. UserError where the URI is not one
    of DuckDB, there are no tables, or `definition` names what the tables do not have.
    """
    if not uri.startswith("duckdb:///"):
        raise UserError(
            f"--uri '{uri}' is not a DuckDB URI: write duckdb:/// and the path by which Superset finds the "
            "published file."
        )
    layout = yaml.safe_load(definition.read_text(encoding="utf-8"))
    path = choose_source(kind)
    with open_tables(path) as connection:
        bundle = Bundle(layout, uri, described_tables(connection, layout["tables"]), read_shop(connection))
    content = bundle.packed()
    replace_file(file, content)
    return (
        f"Wrote '{file}': a dashboard of {len(layout['charts'])} charts on {len(layout['tables'])} tables. Import it "
        f"with superset import-dashboards --path {file} --username NAME."
    )


def described_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> dict[str, Described]:
    """What each table says of itself; UserError where one is missing."""
    found = {}
    for table in tables:
        of_table = described(connection, table)
        if of_table is None:
            raise UserError(
                f"there is no table '{table}', which the dashboard reads: run dbt build to its end and publish again."
            )
        found[table] = of_table
    return found


class Bundle:
    """The files of a bundle. `tables`: what each table of the layout says of itself."""

    def __init__(self, layout: Mapping[str, Any], uri: str, tables: Mapping[str, Described], shop: Shop) -> None:
        self._layout, self._uri, self._tables, self._shop = layout, uri, tables, shop
        self._numbers = {name: number for number, name in enumerate(layout["charts"], 1)}
        self._check()

    def packed(self) -> bytes:
        """The zip; the same definition and tables give the same bytes."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in self.files().items():
                text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)
                archive.writestr(zipfile.ZipInfo(f"{_ROOT}/{name}", _NO_TIME), text, zipfile.ZIP_DEFLATED)
        return content.getvalue()

    def files(self) -> dict[str, dict[str, Any]]:
        """Every file by its path in the bundle. Without a type in its metadata every importer of Superset takes it."""
        return {
            "metadata.yaml": {"version": _VERSION, "timestamp": "1980-01-01T00:00:00+00:00"},
            f"databases/{_ROOT}.yaml": self._database(),
            **{f"datasets/{_ROOT}/{table}.yaml": self._dataset(table) for table in self._layout["tables"]},
            **{f"charts/{name}.yaml": self._chart(name) for name in self._layout["charts"]},
            f"dashboards/{self._layout['slug']}.yaml": self._dashboard(),
        }

    def _check(self) -> None:
        """UserError where the definition names a table, column, metric, filter or chart that is not there."""
        for name, chart in self._layout["charts"].items():
            table = chart["table"]
            if table not in self._layout["tables"]:
                raise _unknown(f"chart {name}", "table", table)
            spec = self._layout["tables"][table] or {}
            metrics, columns = spec.get("metrics", {}), {*spec.get("columns", {}), *self._names(table)}
            for metric in chart.get("metrics", ()):
                if metric not in metrics:
                    raise _unknown(f"chart {name}", "metric", metric)
            for column in (*chart.get("by", ()), *chart.get("columns", ()), *chart.get("where", ())):
                if column not in columns:
                    raise _unknown(f"chart {name}", "column", column)
            for wanted in chart.get("ignores", ()):
                if wanted not in {one["name"] for one in self._layout["filters"]}:
                    raise _unknown(f"chart {name}", "filter", wanted)
        placed = [name for row in self._layout["rows"] for name in row["charts"]]
        for name in {*placed, *self._layout["charts"]}:
            if name not in self._layout["charts"] or placed.count(name) != 1:
                raise UserError(f"{DASHBOARD.name}: chart '{name}' must be in charts and in one of the rows.")

    def _names(self, table: str) -> list[str]:
        return [name for name, _, _ in self._tables[table].columns]

    def _database(self) -> dict[str, Any]:
        return {
            "database_name": _DATABASE,
            "sqlalchemy_uri": self._uri,
            "expose_in_sqllab": True,
            "allow_dml": False,
            "extra": {"engine_params": {"connect_args": _LOCKED}},
            "uuid": _identifier("database"),
            "version": _VERSION,
        }

    def _dataset(self, table: str) -> dict[str, Any]:
        spec = self._layout["tables"][table] or {}
        columns = [
            {
                "column_name": name,
                "verbose_name": name.replace("_", " ").capitalize(),
                "type": data_type,
                "is_dttm": data_type.startswith(_TEMPORAL),
                "description": comment,
                "groupby": True,
                "filterable": True,
            }
            for name, data_type, comment in self._tables[table].columns
        ]
        computed = [
            {
                "column_name": name,
                "verbose_name": column["title"],
                "expression": column["expression"],
                "type": "VARCHAR",
                "is_dttm": False,
                "description": column["description"],
                "groupby": True,
                "filterable": True,
            }
            for name, column in spec.get("columns", {}).items()
        ]
        return {
            "table_name": table,
            "main_dttm_col": spec.get("time"),
            "description": self._tables[table].comment,
            "schema": "main",
            "columns": columns + computed,
            "metrics": [self._metric(name, metric) for name, metric in spec.get("metrics", {}).items()],
            "uuid": _identifier("dataset", table),
            "database_uuid": _identifier("database"),
            "version": _VERSION,
        }

    def _metric(self, name: str, metric: Mapping[str, Any]) -> dict[str, Any]:
        written = {
            "metric_name": name,
            "verbose_name": metric["title"],
            "expression": metric["expression"],
            "description": metric["description"],
            "d3format": metric["format"],
            "extra": {"certification": {"certified_by": _CERTIFIED_BY, "details": metric["description"]}},
        }
        if metric.get("money") and self._shop.currency:
            written["currency"] = {"symbol": self._shop.currency, "symbolPosition": "prefix"}
        return written

    def _chart(self, name: str) -> dict[str, Any]:
        chart = self._layout["charts"][name]
        viz_type = _VIZ_TYPES[chart["kind"]]
        return {
            "slice_name": chart["title"],
            "description": chart.get("description"),
            "certified_by": _CERTIFIED_BY,
            "viz_type": viz_type,
            "params": {"viz_type": viz_type, "datasource": "1__table", **self._params(chart)},
            "query_context": json.dumps(self._query_context(chart), sort_keys=True),
            "uuid": _identifier("chart", name),
            "dataset_uuid": _identifier("dataset", chart["table"]),
            "version": _VERSION,
        }

    def _params(self, chart: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a chart as Superset's own forms write them."""
        metrics, by = list(chart.get("metrics", ())), list(chart.get("by", ()))
        common: dict[str, Any] = {
            "adhoc_filters": [
                {
                    "clause": "WHERE",
                    "expressionType": "SIMPLE",
                    "subject": one["col"],
                    "operator": one["op"],
                    "operatorId": {"IS TRUE": "IS_TRUE", ">": "GREATER_THAN"}[one["op"]],
                    "comparator": one.get("val"),
                }
                for one in self._conditions(chart)
            ],
            "row_limit": _ROWS,
        }
        if chart["kind"] == "number":
            return common | {"metric": metrics[0], "header_font_size": 0.4, "subheader_font_size": 0.15}
        if chart["kind"] == "heat_map":
            return common | {
                "x_axis": by[0],
                "groupby": by[1],
                "metric": metrics[0],
                "sort_x_axis": "alpha_asc",
                "sort_y_axis": "alpha_desc",
                "normalize_across": "heatmap",
                "linear_color_scheme": "superset_seq_1",
                "legend_type": "continuous",
                "show_legend": False,
                "show_values": True,
                "xscale_interval": -1,
                "yscale_interval": -1,
                "left_margin": 150,
                "bottom_margin": 50,
                "value_bounds": [None, None],
            }
        if chart["kind"] in _CHARTS_OF_TIME:
            return common | {
                "x_axis": by[0],
                "x_axis_sort": by[0],
                "x_axis_sort_asc": True,
                "xAxisForceCategorical": True,
                "metrics": metrics,
                "groupby": by[1:],
                "order_desc": True,
                "show_legend": True,
                "legendType": "scroll",
                "legendOrientation": "top",
                "rich_tooltip": True,
                "stack": "Stack" if chart["kind"] == "bars" else None,
                "y_axis_bounds": [None, None],
                "truncateXAxis": True,
                "truncate_metric": True,
                "show_empty_columns": True,
            }
        if chart["kind"] == "sums":
            return common | {
                "query_mode": "aggregate",
                "groupby": by,
                "metrics": metrics,
                "order_desc": True,
                "timeseries_limit_metric": metrics[0],
                "row_limit": _ROW_LIMIT,
                "show_cell_bars": True,
                "percent_metrics": [],
                "all_columns": [],
            }
        return common | {
            "query_mode": "raw",
            "all_columns": list(chart["columns"]),
            "row_limit": _ROW_LIMIT,
            "order_by_cols": [],
            "groupby": [],
            "metrics": [],
            "percent_metrics": [],
            "table_timestamp_format": "%Y-%m-%d",
            "show_cell_bars": False,
            "column_config": {name: {"d3NumberFormat": ".2%"} for name in chart["columns"] if name.endswith("_share")},
        }

    def _query_context(self, chart: Mapping[str, Any]) -> dict[str, Any]:
        """The chart's query as a dashboard without filters asks it."""
        metrics, by = list(chart.get("metrics", ())), list(chart.get("by", ()))
        query: dict[str, Any] = {
            "columns": list(chart["columns"]) if chart["kind"] == "rows" else by,
            "filters": self._conditions(chart),
            "row_limit": _ROW_LIMIT if chart["kind"] in ("sums", "rows") else _ROWS,
            "extras": {"having": "", "where": ""},
        }
        if chart["kind"] == "rows":
            query["orderby"] = []
        else:
            query |= {"metrics": metrics, "orderby": [[metrics[0], False]]}
        return {
            "datasource": {"id": 1, "type": "table"},
            "force": False,
            "queries": [query],
            "result_format": "json",
            "result_type": "full",
        }

    def _conditions(self, chart: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What rows must meet: a flag is true, a number above 0."""
        types = {name: data_type for name, data_type, _ in self._tables[chart["table"]].columns}
        return [
            {"col": column, "op": "IS TRUE"} if types[column] == "BOOLEAN" else {"col": column, "op": ">", "val": 0}
            for column in chart.get("where", ())
        ]

    def _dashboard(self) -> dict[str, Any]:
        return {
            "dashboard_title": self._layout["title"],
            "description": self._layout["description"],
            "slug": self._layout["slug"],
            "certified_by": _CERTIFIED_BY,
            "css": "",
            "published": True,
            "position": self._position(),
            "metadata": {
                "native_filter_configuration": [self._filter(one) for one in self._layout["filters"]],
                "chart_configuration": {},
                "global_chart_configuration": {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "chartsInScope": []},
                "cross_filters_enabled": True,
                "color_scheme": "supersetColors",
                "refresh_frequency": 0,
            },
            "uuid": _identifier("dashboard"),
            "version": _VERSION,
        }

    def _filter(self, one: Mapping[str, Any]) -> dict[str, Any]:
        is_newest_first = one.get("is_newest_first", False)
        return {
            "id": f"NATIVE_FILTER-{one['column']}",
            "name": one["name"],
            "type": "NATIVE_FILTER",
            "filterType": "filter_select",
            "requiredFirst": is_newest_first,
            "targets": [{"datasetUuid": _identifier("dataset", one["table"]), "column": {"name": one["column"]}}],
            "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
            "controlValues": {
                "multiSelect": not is_newest_first,
                "defaultToFirstItem": is_newest_first,
                "sortAscending": not is_newest_first,
                "enableEmptyFilter": is_newest_first,
                "inverseSelection": False,
                "searchAllOptions": False,
            },
            "cascadeParentIds": [],
            "scope": {
                "rootPath": ["ROOT_ID"],
                "excluded": [
                    self._numbers[name]
                    for name, chart in self._layout["charts"].items()
                    if one["name"] in chart.get("ignores", ())
                ],
            },
        }

    def _position(self) -> dict[str, Any]:
        """Where the charts stand; Superset finds a chart by the identifier in its `meta`."""
        rows = {f"ROW-{number}": row for number, row in enumerate(self._layout["rows"], 1)}
        position: dict[str, Any] = {
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": list(rows), "parents": ["ROOT_ID"]},
            "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": self._layout["title"]}},
        }
        for key, row in rows.items():
            position[key] = {
                "type": "ROW",
                "id": key,
                "children": [f"CHART-{name}" for name in row["charts"]],
                "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }
            for name, width in row["charts"].items():
                position[f"CHART-{name}"] = {
                    "type": "CHART",
                    "id": f"CHART-{name}",
                    "children": [],
                    "parents": ["ROOT_ID", "GRID_ID", key],
                    "meta": {
                        "chartId": self._numbers[name],
                        "uuid": _identifier("chart", name),
                        "sliceName": self._layout["charts"][name]["title"],
                        "width": width,
                        "height": row["height"],
                    },
                }
        return position


def _identifier(*words: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(("olist-segments", "superset", *words))))


def _unknown(where: str, what: str, name: str) -> UserError:
    return UserError(f"{DASHBOARD.name}: {where} names the {what} '{name}', which is not there.")
