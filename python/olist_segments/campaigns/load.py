"""What campaigns read beside the nine files, as the source tables that dbt's models read.

People whom the file of customers doesn't hold lose their id on the way, and with it all that was known of them: the log
and the file of suppressed customers must not bring a person back into the warehouse. Their rows stay, to be counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

from olist_segments.campaigns.inputs import (
    LOG_COLUMNS,
    OF_ARM,
    OF_CAMPAIGN,
    campaign_folder,
    log_query,
    read_forgotten,
    read_suppressed,
    suppressed_file,
)
from olist_segments.loading.engine import Rows

LOG, SUPPRESSED, FORGOTTEN = "campaign_log", "suppressed_customers", "forgotten_customers"
TABLES = {
    LOG: LOG_COLUMNS,
    SUPPRESSED: {"customer_unique_id": "varchar", "reason": "varchar", "suppressed_since": "date"},
    FORGOTTEN: {"forgotten_digest": "varchar", "forgotten_on": "date"},
}
"""The source tables and their columns, with DuckDB's names of the types; the log gets `is_gone` beside them."""


@dataclass(frozen=True)
class CampaignInputs:
    """What was read and found right, before anything is loaded; the log as SQL of DuckDB."""

    log: str
    suppressed: Rows
    forgotten: Rows


class SourceTables(Protocol):
    """An engine that the inputs are put into."""

    def relation(self, name: str, columns: Mapping[str, str], rows: str | Rows) -> str:
        """What SQL of the engine reads `rows` from: they are given, or what a query of DuckDB finds in files."""

    def make(self, tables: Mapping[str, str]) -> None:
        """Put each table in the place of that of the same name, as the rows of its query."""


def read_inputs(data_folder: str) -> CampaignInputs:
    """All inputs, checked; UserError for the first fault."""
    folder = campaign_folder()
    with duckdb.connect() as connection:
        log = log_query(connection, folder)
    suppressed = read_suppressed(suppressed_file(data_folder))
    return CampaignInputs(
        log,
        [(key, entry.reason, entry.since) for key, entry in sorted(suppressed.items())],
        sorted(read_forgotten(folder).items()),
    )


def load_inputs(engine: SourceTables, inputs: CampaignInputs, schema: str, customers: str) -> None:
    """Make the source tables in `schema`; `customers` is the loaded table of customer records."""
    rows: dict[str, Any] = {LOG: inputs.log, SUPPRESSED: inputs.suppressed, FORGOTTEN: inputs.forgotten}
    relations = {name: engine.relation(f"{name}_read", columns, rows[name]) for name, columns in TABLES.items()}
    engine.make(
        {
            f"{schema}.{LOG}": _of_known_people(LOG, relations[LOG], customers),
            f"{schema}.{SUPPRESSED}": _of_known_people(SUPPRESSED, relations[SUPPRESSED], customers),
            f"{schema}.{FORGOTTEN}": f"select * from {relations[FORGOTTEN]}",
        }
    )


def _of_known_people(table: str, relation: str, customers: str) -> str:
    """The rows of `relation`; of people whom `customers` lacks only what is of no person."""
    kept = {*OF_CAMPAIGN, *OF_ARM} if table == LOG else set()
    shown = ", ".join(
        f"found.{name}" if name in kept else f"case when known.customer_key is not null then found.{name} end as {name}"
        for name in TABLES[table]
    )
    gone = ", found.customer_unique_id is not null and known.customer_key is null as is_gone" if table == LOG else ""
    return (
        f"select {shown}{gone} from {relation} as found left join (select distinct customer_unique_id as customer_key "
        f"from {customers}) as known on found.customer_unique_id = known.customer_key"
    )
