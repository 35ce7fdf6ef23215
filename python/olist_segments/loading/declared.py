"""What `_olist__sources.yml` declares of the raw files, as dbt's graph holds it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """The `meta` of a column: what a value must keep to beside its type, and the words for what a pattern wants.

    needed: a connector must provide the column; one that is `required` as well. optional: the nine files may lack it.
    adds: what the column is good for. pattern: how Brazil writes such a value.
    """

    model_config = ConfigDict(extra="forbid")

    required: bool = False
    needed: bool = False
    optional: bool = False
    adds: str | None = None
    min: int | float | None = None
    max: int | float | None = None
    pattern: str | None = None
    advice: str | None = None

    @property
    def bounds(self) -> str:
        """The bounds in words, to stand behind what a value should be."""
        if self.min is None:
            return ""
        return f" of at least {self.min}" if self.max is None else f" from {self.min} to {self.max}"


class RawColumn(BaseModel):
    """A column that a file must have; its text is what the `data_type` says, or missing."""

    name: str
    data_type: str
    meta: Limits = Limits()

    @property
    def expected(self) -> str:
        """What a value should be, to stand behind "is not", and how to write it."""
        bounds = self.meta.bounds
        if self.data_type == "timestamp":
            return "a timestamp of the years 1990 to 2099: write it as YYYY-MM-DD HH:MM:SS"
        if self.data_type == "integer":
            return f"a whole number{bounds}: write digits only"
        if self.data_type == "double":
            return f"a decimal number{bounds}: write it with a point, like -23.54"
        if self.data_type == "text":
            return f"allowed here: {self.meta.advice or f'it must match {self.meta.pattern}'}"
        return f"an amount of money{bounds}: write it with a point and at most two decimals, like 12.50"


class RawTable(BaseModel):
    """A table of the input layer, named as its file in the Olist export."""

    schema_name: str = Field(alias="schema")
    name: str
    columns: dict[str, RawColumn]

    @property
    def needed_columns(self) -> list[str]:
        """The columns that a connector must provide where it provides the table."""
        return [column.name for column in self.columns.values() if column.meta.needed or column.meta.required]

    @property
    def in_use(self) -> str:
        """The table that models read."""
        return f"{self.schema_name}.{self.name}"

    @property
    def incoming(self) -> str:
        """The table beside it that a file is loaded into."""
        return f"{self.in_use}__incoming"
