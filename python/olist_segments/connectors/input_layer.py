"""`python -m olist_segments.connectors.input_layer` writes docs/input_layer.md from `_olist__sources.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from olist_segments.connectors.definition import SHORT_NAMES

PROJECT = Path(__file__).resolve().parents[3]
SOURCES = PROJECT / "models" / "staging" / "_olist__sources.yml"
PAGE = PROJECT / "docs" / "input_layer.md"

_TOP = """\
# The input layer

<!-- Written by python -m olist_segments.connectors.input_layer from models/staging/_olist__sources.yml. -->

Nine tables are all that the models read of a shop. The files of the Olist export hold them as they are; a connector
([connectors.md](connectors.md)) makes them of other files. What is **needed** must be there; **never empty** means that
a row without a value is refused. All else may be left out, table or column: what it adds is left out, too, and nothing
is made up. A table that is provided needs the needed columns of its own.

Times are on the shop's own clock, amounts have at most two decimals, a value that is not known is null.
"""


def page(declared: dict[str, Any]) -> str:
    """The whole page, from the sources as YAML holds them."""
    (source,) = declared["sources"]
    parts = [_TOP, _overview(source["tables"])]
    parts += [_table(table) for table in source["tables"]]
    return "\n".join(parts)


def _overview(tables: list[dict[str, Any]]) -> str:
    rows = []
    for table in tables:
        name, need = SHORT_NAMES[table["name"]], "needed" if _meta(table).get("needed") else "optional"
        rows.append(f"| [`{name}`](#{name}) | {need} | {_text(_meta(table)['adds'])} |")
    return "\n".join(["| table | | what it adds |", "|---|---|---|", *rows, ""])


def _table(table: dict[str, Any]) -> str:
    rows = []
    for column in table["columns"]:
        meta = _meta(column)
        need = "never empty" if meta.get("required") else "needed" if meta.get("needed") else "optional"
        text = _text(column["description"] + (f" Adds: {meta['adds']}" if "adds" in meta else ""))
        rows.append(f"| `{column['name']}` | {need} | {_kind(column)} | {text} |")
    return "\n".join(
        [
            f"## {SHORT_NAMES[table['name']]}",
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


def _meta(declared: dict[str, Any]) -> dict[str, Any]:
    return dict(declared.get("config", {}).get("meta", {}))


def _text(text: str) -> str:
    return " ".join(text.split())


def current_page() -> str:
    """The page as it should be."""
    return page(yaml.safe_load(SOURCES.read_text(encoding="utf-8")))


def main() -> None:
    """Write the page."""
    PAGE.write_text(current_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
