"""What macros may ask of the adapter on every engine: to check vars, to load the raw files and what campaigns read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dbt.adapters.base.meta import AdapterMeta, available
from dbt_common.exceptions import DbtRuntimeError

from olist_segments.campaigns.load import CampaignInputs, SourceTables, load_inputs, read_inputs
from olist_segments.connectors.definition import read_connector
from olist_segments.connectors.engine import Inputs
from olist_segments.connectors.load import load_shop
from olist_segments.connectors.salt import FILE, site_salt
from olist_segments.errors import UserError
from olist_segments.loading.declared import RawTable
from olist_segments.loading.engine import RawFiles
from olist_segments.settings import check
from olist_segments.settings.model import Group, Settings


class ProjectAdapter(metaclass=AdapterMeta):
    """Methods that macros call; a UserError ends the run with its sentence alone."""

    config: Any
    add_query: Any
    _campaign_inputs: CampaignInputs

    def raw_files(self) -> RawFiles:
        """How this engine reads raw files."""
        raise NotImplementedError

    def inputs(self, *, is_logged: bool) -> Inputs:
        """How this engine reads other shops' files; `is_logged`: by dbt's log, which keeps what errors quote."""
        raise NotImplementedError

    def source_tables(self) -> SourceTables:
        """How this engine makes the source tables of campaigns."""
        raise NotImplementedError

    @available
    def check_settings(
        self,
        var: Any,
        feature_columns: Mapping[str, Mapping[str, Any]] | None,
        forecast_columns: Mapping[str, Mapping[str, Any]] | None,
    ) -> None:
        """Check all vars, which dbt's `var` gives, and names given on the command line.

        Features and forecast terms are looked for among the columns of customer_features_monthly and forecast_features
        in dbt's graph, where these are given.
        """
        values = {name: var(name) for name in (*Settings.model_fields, *check.GONE) if var.has_var(name)}

        def check_all() -> None:
            settings = check.check_settings(values | dict(self.config.cli_vars))
            if feature_columns is not None:
                check.check_features(settings.features, feature_columns)
            if forecast_columns is not None:
                check.check_forecast_terms(settings.forecast_terms, forecast_columns)

        _told_by_dbt(check_all)

    @available
    def check_setting(self, name: str, value: Any) -> Any:
        """One var, checked while dbt reads the project, before any hook runs; keys left out have their default."""
        checked = _told_by_dbt(lambda: check.check_setting(name, value))
        return checked.model_dump() if isinstance(checked, Group) else value

    @available
    def load_raw_files(
        self,
        connector: str,
        folder: str,
        sources: Sequence[Mapping[str, Any]],
        invalid_statuses: list[str],
        warn: Callable[[str], Any],
    ) -> None:
        """See `connectors.load.load_shop`; `sources` are the nine tables as dbt's graph holds them."""
        tables = [RawTable.model_validate(source) for source in sources]
        project = Path(self.config.project_root)

        def salt() -> str:
            text, is_new = site_salt(project)
            if is_new:
                warn(f"Customer ids are hashed with a new salt, kept in {FILE}: back it up, and show it to nobody.")
            return text

        def load() -> None:
            read = read_connector(project, connector)
            if self.config.credentials.type not in read.engines:
                raise UserError(
                    f"The SQL of connector {connector} runs on {' and '.join(read.engines)}, not on "
                    f"{self.config.credentials.type}: take another target, or write it for both and say so in engines."
                )
            inputs = self.inputs(is_logged=read.reads_the_nine_files)
            load_shop(inputs, read, tables, folder, salt, invalid_statuses, warn)

        _told_by_dbt(load)

    @available
    def read_campaign_inputs(self, folder: str) -> None:
        """Read and check what campaigns need beside the nine files, whose folder it is; nothing is changed yet."""
        self._campaign_inputs = _told_by_dbt(lambda: read_inputs(folder))

    @available
    def load_campaign_inputs(self, schema: str, customers: str) -> None:
        """Load what `read_campaign_inputs` read; see `campaigns.load.load_inputs`."""
        load_inputs(self.source_tables(), self._campaign_inputs, schema, customers)

    @available
    def absolute_path(self, path: str) -> str:
        """The path as it can be read from any folder."""
        return os.path.abspath(path)

    def rows_of(self, statement: str) -> list[tuple[Any, ...]]:
        """Run SQL in the connection that dbt holds, outside of transactions of its own; DbtRuntimeError."""
        _, cursor = self.add_query(statement, auto_begin=False)
        return [tuple(row) for row in cursor.fetchall() or []]


def _told_by_dbt(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except UserError as error:
        sentence = str(error)
    # Not while the other is handled, whose traceback would go on holding the connection.
    raise DbtRuntimeError(sentence)
