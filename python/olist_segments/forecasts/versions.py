"""Versions of the forecast: fitted rarely, appended, never changed.

Three tables are written: the evidence of a version (`append_candidates`) and its parameters (`append_models`), both
append-only, and what a purchase process says of every three numbers of a customer (`lookup`), for SQL has no
hypergeometric function. Nothing is done unless there is no version yet or a refit is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import Any

import pandas as pd

from olist_segments.arrays import typed_table
from olist_segments.errors import UserError
from olist_segments.forecasts import candidates
from olist_segments.forecasts.candidates import evaluate
from olist_segments.forecasts.history import COLUMNS as KEYS_AND_OUTCOMES
from olist_segments.forecasts.history import History
from olist_segments.forecasts.parameters import Parameter, from_json
from olist_segments.forecasts.purchase_process import Customers, PurchaseProcess, lookup_rows
from olist_segments.selection.versions import fitted_by_a_killed_build, is_same_evidence
from olist_segments.settings.check import check_setting
from olist_segments.settings.model import ForecastRule

CANDIDATE_COLUMNS = {
    "forecast_version": "int64",
    **candidates.COLUMNS,
    "data_as_of": "datetime64[us]",
    "fitted_at": "datetime64[us]",
    "package_versions": "string",
}
"""Columns of fit_forecast_candidates and their types."""

MODEL_COLUMNS = {
    "forecast_version": "int64",
    "fitted_on": "datetime64[us]",
    "data_as_of": "datetime64[us]",
    "model": "string",
    "is_abstaining": "bool",
    "reason": "string",
    "part": "string",
    "term": "string",
    "level": "string",
    "shift": "float64",
    "scale": "float64",
    "coefficient": "float64",
}
"""Columns of fit_forecast_model and their types."""

LOOKUP_COLUMNS = {
    "forecast_version": "int64",
    "fitted_on": "datetime64[us]",
    "as_of_date": "datetime64[us]",
    "purchase_day_count": "int64",
    "active_days": "int64",
    "tenure_days": "int64",
    "order_probability": "float64",
    "expected_orders": "float64",
    "expected_orders_year": "float64",
}
"""Columns of fit_forecast_lookup and their types."""

PROCESS_COLUMNS = ("as_of_date", "purchase_day_count", "active_days", "tenure_days")
"""The columns of forecast_features that `lookup` reads."""

_PACKAGES = ("numpy", "scipy", "pandas", "clvkit", "olist-segments")
# Columns of the evidence that are equal where data, settings and packages are.
_FITTED = ["model", "as_of_date", "tenth", "is_chosen", "parameters", "data_as_of", "package_versions"]


@dataclass(frozen=True)
class Terms:
    """What a fit is asked for: `terms`, the columns of the regression; so many `training_dates`; the `rule`."""

    terms: Sequence[str]
    training_dates: int
    rule: ForecastRule

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Terms:
        """Those of the settings of the dbt model fit_forecast_candidates."""
        return cls(
            list(settings["terms"]), int(settings["training_dates"]), check_setting("forecast_rule", settings["rule"])
        )

    @property
    def columns(self) -> list[str]:
        """The columns of forecast_features that a fit reads."""
        return [*KEYS_AND_OUTCOMES, *(term for term in self.terms if term not in KEYS_AND_OUTCOMES)]


def no_candidates() -> pd.DataFrame:
    """No evidence, in its columns."""
    return typed_table([], CANDIDATE_COLUMNS)


def append_candidates(
    features: Callable[[], pd.DataFrame],
    existing: pd.DataFrame | None,
    asked: Terms,
    *,
    refit: bool,
    builds: Callable[[], pd.DataFrame | None] = lambda: None,
) -> pd.DataFrame:
    """The evidence rows (CANDIDATE_COLUMNS) of the next version, or none.

    `features`: gives the rows of forecast_features, in the order of dates and customers; called only for a fit.
    `existing`: the rows written so far, None before the first. The first version has parameters for every date, each
    from what was known then; a later one for its newest date only. `builds`: the notes in build_log.builds; where a
    build was killed after it had fitted the newest version, and the refit finds the same again, that version is the one
    asked for and none is appended. UserError where there is nobody to forecast.
    """
    is_first = existing is None or existing.empty
    if not is_first and not refit:
        return no_candidates()
    frame = features()
    if frame.empty:
        raise UserError(
            "nobody bought anything by any as-of date (table forecast_features): there is nobody to forecast."
        )
    history = History(frame.reset_index(drop=True), tuple(asked.terms), asked.training_dates)
    table = evaluate(history, asked.rule, only_newest=not is_first)
    number = 1 if existing is None or existing.empty else int(existing["forecast_version"].max()) + 1
    versions = {package: package_version(package) for package in _PACKAGES}
    table = table.assign(
        forecast_version=number,
        data_as_of=history.dates[-1],
        fitted_at=datetime.now(UTC).replace(tzinfo=None),
        package_versions=json.dumps(versions, sort_keys=True),
    )
    table = table[list(CANDIDATE_COLUMNS)].astype(CANDIDATE_COLUMNS)
    if existing is not None and not existing.empty:
        version = "forecast_version"
        if fitted_by_a_killed_build(existing, builds(), version) and is_same_evidence(
            table, existing, _FITTED, version
        ):
            return no_candidates()
    return table


def append_models(evidence: pd.DataFrame, existing: pd.DataFrame | None, outcome_days: int) -> pd.DataFrame:
    """The parameters (MODEL_COLUMNS) of every version in `evidence` that has none in `existing` yet.

    One row per part, term and level of the chosen model of each date, and one that keeps the `outcome_days` it was
    fitted on; a date of which nothing was known has one row, part and model 'none'.
    """
    written = set() if existing is None else set(existing["forecast_version"])
    chosen = evidence[evidence["is_chosen"] & (evidence["tenth"] == 0) & evidence["as_of_date"].notna()]
    chosen = chosen[~chosen["forecast_version"].isin(written)].sort_values(["forecast_version", "as_of_date"])
    rows: list[dict[str, Any]] = []
    for candidate in chosen.to_dict("records"):
        has_any = isinstance(candidate["parameters"], str)
        period = Parameter("period", "outcome_days", "", float(outcome_days))
        parameters = (
            [*from_json(candidate["parameters"]), period] if has_any else [Parameter("none", "", "", float("nan"))]
        )
        said = {
            "forecast_version": candidate["forecast_version"],
            "fitted_on": candidate["as_of_date"],
            "data_as_of": candidate["data_as_of"],
            "model": candidate["model"] if has_any else "none",
            "is_abstaining": candidate["is_abstaining"],
            "reason": candidate["reason"],
        }
        rows += [said | parameter._asdict() for parameter in parameters]
    return typed_table(rows, MODEL_COLUMNS)


def lookup(models: pd.DataFrame, features: Callable[[], pd.DataFrame], outcome_days: int) -> pd.DataFrame:
    """What the purchase processes in force say (LOOKUP_COLUMNS), a row per date and distinct customer of it.

    `models`: the rows of fit_forecast_model; `features`: gives PROCESS_COLUMNS of forecast_features, and is called only
    where some version is a purchase process. A date is forecast by the set fitted last on or before it, of the highest
    version.
    """
    sets = models[models["part"] == "purchase_process"]
    if sets.empty:
        return typed_table([], LOOKUP_COLUMNS)
    fitted = models[["forecast_version", "fitted_on"]].drop_duplicates().sort_values(["fitted_on", "forecast_version"])
    parts = [typed_table([], LOOKUP_COLUMNS)]
    for date, customers in features().groupby("as_of_date", sort=True):
        before = fitted[fitted["fitted_on"] <= date]
        if before.empty:
            continue
        version, fitted_on = before.iloc[-1]
        own = sets[(sets["forecast_version"] == version) & (sets["fitted_on"] == fitted_on)]
        if own.empty:
            continue
        values = dict(zip(own["term"], own["coefficient"].astype(float), strict=True))
        kind = str(own["model"].iloc[0]).removesuffix("_recalibrated")
        numbers = (customers[name].to_numpy(dtype="float64") for name in PROCESS_COLUMNS[1:])
        rows = lookup_rows(PurchaseProcess.of(kind, values, outcome_days), Customers.of(*numbers))
        rows = rows.assign(forecast_version=version, fitted_on=fitted_on, as_of_date=date)
        parts.append(rows[list(LOOKUP_COLUMNS)].astype(LOOKUP_COLUMNS))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
