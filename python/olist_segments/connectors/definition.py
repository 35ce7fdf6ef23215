"""A connector as its folder defines it: `connector.yml`, and SQL for the tables that it provides."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from olist_segments.errors import UserError

OLIST = "olist"
"""The connector of the nine files themselves, which are read as they are."""

TABLES = {
    "orders": "olist_orders_dataset",
    "customers": "olist_customers_dataset",
    "order_items": "olist_order_items_dataset",
    "order_payments": "olist_order_payments_dataset",
    "order_reviews": "olist_order_reviews_dataset",
    "products": "olist_products_dataset",
    "sellers": "olist_sellers_dataset",
    "geolocation": "olist_geolocation_dataset",
    "product_categories": "product_category_name_translation",
}
"""Name of a connector's SQL file, without its ending → the raw table that it provides."""
SHORT_NAMES = {raw: short for short, raw in TABLES.items()}
NEEDED_TABLES = ("orders", "customers", "order_items")
"""Without these nothing can be built."""
SHOP, REFUSALS, DATA_QUALITY = "shop", "refusals", "data_quality"
"""SQL files beside those of tables; a connector may leave them out."""

NAME = r"[a-z][a-z0-9_]*"
"""What may be the name of a connector, or a name in its SQL."""
_OF_LOADER = {"file_name", "file_row"}


class Input(BaseModel):
    """Files of the shop that SQL reads under one name; every value is text, an empty one is null.

    `columns` and `optional_columns`: name in SQL → names that the file may use. Where `header` is false, `columns` are
    those of the file, in its order.
    """

    model_config = ConfigDict(extra="forbid")

    files: list[str] = Field(min_length=1)
    needed: bool = True
    columns: dict[str, list[str]] = Field(min_length=1)
    optional_columns: dict[str, list[str]] = {}
    delimiter: str = ","
    header: bool = True
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    table: str | None = None

    @model_validator(mode="after")
    def _agree(self) -> Input:
        for name in [*self.columns, *self.optional_columns]:
            if not re.fullmatch(NAME, name) or name in _OF_LOADER:
                raise ValueError(f"'{name}' can't be the name of a column in SQL: use small letters, digits and _")
        if self.delimiter != "whitespace" and len(self.delimiter) != 1:
            raise ValueError("delimiter is one character, or whitespace")
        return self

    @property
    def all_columns(self) -> dict[str, list[str]]:
        """Needed columns first, then the optional ones."""
        return self.columns | self.optional_columns


class Conditions(BaseModel):
    """What an order is, as SQL conditions that the SQL files use by name; more may be added."""

    model_config = ConfigDict(extra="allow")

    purchase: str
    cancelled: str
    refunded: str
    test_account: str


class Connector(BaseModel):
    """How a shop's files become the nine raw tables."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=f"^{NAME}$")
    title: str
    engines: list[Literal["duckdb", "spark"]] = ["duckdb"]
    customer_ids: Literal["hashed", "kept"] = "hashed"
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    time_zone: str | None = None
    country: str | None = Field(None, pattern="^[A-Z]{2}$")
    inputs: dict[str, Input] = {}
    conditions: Conditions | None = None
    steps: list[str] = []
    folder: Path = Field(exclude=True)

    @property
    def reads_the_nine_files(self) -> bool:
        """Whether the raw tables are read from files of their own names, without any SQL."""
        return self.name == OLIST

    def has(self, sql_file: str) -> bool:
        """Whether the folder holds this SQL file, named without its ending."""
        return (self.folder / f"{sql_file}.sql").is_file()

    def sql(self, sql_file: str) -> str:
        """The SQL of a file, the conditions put in; UserError where it names one that is not defined."""
        path = self.folder / f"{sql_file}.sql"
        conditions = self.conditions.model_dump() if self.conditions else {}
        in_brackets = {name: f"({str(condition).strip()})" for name, condition in conditions.items()}
        try:
            environment = Environment(undefined=StrictUndefined, loader=FileSystemLoader(self.folder.parent))
            template = environment.from_string(path.read_text(encoding="utf-8"))
            return template.render(in_brackets).strip().rstrip(";")
        except TemplateNotFound as error:
            raise UserError(
                f"{self.place(sql_file)} includes '{error.name}': there is no such file in connectors/."
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{self.place(sql_file)} can't be read ({error}).") from error
        except TemplateError as error:
            raise UserError(
                f"{self.place(sql_file)}: {error.message}: what stands in double braces must be one of the conditions "
                f"of connector.yml ({', '.join(conditions)})."
            ) from error

    def place(self, sql_file: str) -> str:
        """A SQL file as a sentence names it."""
        return f"Connector {self.name}, {sql_file}.sql"


def connector_names(project: Path) -> list[str]:
    """The connectors that stand in the project, by name."""
    return sorted(path.parent.name for path in (project / "connectors").glob("*/connector.yml"))


def read_connector(project: Path, name: str) -> Connector:
    """The connector of this name; UserError in one sentence where it is not there, or not what it should be."""
    folder = project / "connectors" / name
    file = folder / "connector.yml"
    if not re.fullmatch(NAME, name) or not file.is_file():
        raise UserError(
            f"There is no connector '{name}': OLIST_CONNECTOR is one of {', '.join(connector_names(project))}, or a "
            "folder that `olist-segments connector new` makes."
        )
    where = f"connectors/{name}/connector.yml"
    try:
        declared = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{where} can't be read ({' '.join(str(error).split())}).") from error
    if not isinstance(declared, Mapping):
        raise UserError(f"{where} is no list of settings: write name, title, inputs and conditions into it.")
    try:
        connector = Connector.model_validate({**declared, "folder": folder})
    except ValidationError as error:
        raise UserError(f"{where}, {_first_fault(error)}") from error
    if connector.name != name:
        raise UserError(f"{where}, name: '{connector.name}' is not the name of its folder, '{name}'.")
    if not connector.reads_the_nine_files:
        _check_files(connector, where)
    return connector


def told_or(connector: str | None, variable: str, pattern: str, example: str) -> str | None:
    """What an environment variable tells of the shop, in place of what its connector does."""
    value = os.environ.get(variable, "")
    if value and not re.fullmatch(pattern, value):
        raise UserError(f"{variable} is '{value}': write it like {example}.")
    return value or connector


def _check_files(connector: Connector, where: str) -> None:
    if not connector.inputs:
        raise UserError(f"{where} has no inputs: name the files that the shop exports.")
    if connector.conditions is None:
        raise UserError(f"{where} has no conditions: say how a purchase, a cancelled order and a refund are told.")
    for name in connector.inputs:
        if not re.fullmatch(NAME, name):
            raise UserError(f"{where}, inputs: '{name}' can't be a name in SQL: use small letters, digits and _.")
    for step in connector.steps:
        if not re.fullmatch(NAME, step) or step in TABLES or step in connector.inputs:
            raise UserError(f"{where}, steps: '{step}' is the name of a table or an input, or no name: take another.")
    for needed in [*NEEDED_TABLES, *connector.steps]:
        if not connector.has(needed):
            raise UserError(f"connectors/{connector.name} has no {needed}.sql: write it.")
    known = {*TABLES, *connector.steps, SHOP, REFUSALS, DATA_QUALITY}
    for file in sorted(connector.folder.glob("*.sql")):
        if file.stem not in known:
            raise UserError(
                f"connectors/{connector.name}/{file.name} is no table of the input layer: name it in the steps of "
                "connector.yml, or remove it."
            )


def _first_fault(error: ValidationError) -> str:
    fault: Any = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"]) or "settings"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        message = "there is no such setting"
    elif fault["type"] == "missing":
        message = "it is missing"
    return f"{place}: {message[0].lower()}{message[1:]}."
