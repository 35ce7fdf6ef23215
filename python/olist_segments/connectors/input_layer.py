"""docs/input_layer.md, written from what `_olist__sources.yml` declares: `python -m olist_segments.connectors.input_layer`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[3]
SOURCES = PROJECT / "models" / "staging" / "_olist__sources.yml"
PAGE = PROJECT / "docs" / "input_layer.md"

_TOP = """\
# The input layer

<!-- Written by python -m olist_segments.connectors.input_layer from models/staging/_olist__sources.yml. -->

Nine tables are all that the models read of a shop. The files of the Olist export hold them as they are; a connector
([connectors.md](connectors.md)) makes them of other files. Of a table or column that is **needed**, every row must have a
value, unless it says otherwise. All else may be left out: then what it adds is left out, too, and nothing is made up.

Times are the shop's own clock, amounts have at most two decimals, a value that is not known is null.
"""


def page(declared: dict[str, Any]) -> str:
    """The whole page, from the sources as YAML holds them."""
    (source,) = declared["sources"]
    parts = [_TOP, _overview(source["tables"])]
    parts += [_table(table) for table in source["tables"]]
    return "\n".join(parts)


def _overview(tables: list[dict[str, Any]]) -> str:
    rows = [
        f"| [`{_short_name(table)}`](#{_short_name(table)}) | {'needed' if _meta(table).get('needed') else 'optional'} "
        f"| {_text(_meta(table)['adds'])} |"
        for table in tables
    ]
    return "\n".join(["| table | | what it adds |", "|---|---|---|", *rows, ""])


def _table(table: dict[str, Any]) -> str:
    adds = _meta(table).get("columns_add", {})
    names = {column["name"] for column in table["columns"]}
    if unknown := sorted(set(adds) - names):
        raise ValueError(f"{table['name']} has no column {unknown[0]}, of which columns_add speaks")
    rows = []
    for column in table["columns"]:
        is_needed = _meta(column).get("needed", False)
        text = _text(" ".join(filter(None, [column["description"], adds.get(column["name"])])))
        rows.append(
            f"| `{column['name']}` | {'needed' if is_needed else 'optional'} | {_kind(column)} | {text} |"
        )
    return "\n".join(
        [
            f"## {_short_name(table)}",
            "",
            f"{table['description']} Raw table and file: `{table['name']}`.",
            "",
            "| column | | type | what it is, and what it adds |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _kind(column: dict[str, Any]) -> str:
    """The type with its bounds."""
    meta = _meta(column)
    bounds = ""
    if "min" in meta:
        bounds = f", at least {meta['min']}" if "max" not in meta else f", {meta['min']} to {meta['max']}"
    return f"{str(column['data_type']).split('(')[0]}{bounds}"


def _short_name(table: dict[str, Any]) -> str:
    """The name of a connector's SQL file for the table."""
    if table["name"] == "product_category_name_translation":
        return "product_categories"
    return str(table["name"]).removeprefix("olist_").removesuffix("_dataset")


def _meta(declared: dict[str, Any]) -> dict[str, Any]:
    return dict(declared.get("config", {}).get("meta", {}))


def _text(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(yaml.safe_load(SOURCES.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
