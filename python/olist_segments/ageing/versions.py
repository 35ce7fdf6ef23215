"""What is simulated for a model version, once or once a week: nothing is loaded or read where nothing is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from olist_segments.ageing.plan import Plan
from olist_segments.arrays import typed_table
from olist_segments.selection.search import Search
from olist_segments.selection.versions import newest_recipe

AGEING_COLUMNS = {
    "model_version": "int64",
    "feature_set": "string",
    "algorithm": "string",
    "setting": "string",
    "variant": "string",
    "origin_date": "datetime64[us]",
    "later_date": "datetime64[us]",
    "is_model_in_force": "bool",
    "customers": "int64",
    "known_customers": "int64",
    "ari": "float64",
    "ari_low": "float64",
    "ari_high": "float64",
    "addressed_differently_share": "float64",
    "spend_addressed_differently_share": "float64",
    "noise_floor": "float64",
    "noise_floor_se": "float64",
    "noise_floor_low": "float64",
    "newcomer_shift_feature": "string",
    "newcomer_shift": "float64",
    "newcomer_shift_error": "float64",
    "segment_number": "int64",
    "segment_key": "string",
    "key_jaccard": "float64",
    "value_rank": "int64",
    "segment_customers": "int64",
    "fresh_segment_customers": "int64",
    "jaccard": "float64",
    "jaccard_low": "float64",
    "jaccard_high": "float64",
}
"""Columns of fit_ageing and their types, one row per pair of dates, variant and segment of the frozen model."""

CHOICE_COLUMNS = {
    "model_version": "int64",
    "refit_number": "int64",
    "refit_date": "datetime64[us]",
    "customers": "int64",
    "feature_set": "string",
    "algorithm": "string",
    "setting": "string",
    "is_eligible": "bool",
    "is_recipe_kept": "bool",
    "reason": "string",
}
"""Columns of fit_refit_choices and their types, a row per model version and simulated refit, oldest number first."""


def append_ageing(
    features: Any,
    newest_date: Any,
    model: pd.DataFrame,
    existing: pd.DataFrame | None,
    plan: Plan,
    choices: pd.DataFrame | None = None,
    *,
    workers: int = 2,
) -> pd.DataFrame:
    """The simulation (AGEING_COLUMNS) for the model version in force, or no row while the one there is recent enough.

    `features`: a function that gives the rows of ageing_features in the order of date and customer_number; called only
    when the simulation runs. `newest_date`: the newest as-of date. `model`: the rows of segment_model of the version in
    force. `existing`: the rows written so far, or None. `choices`: the simulated refits of that version (`refits`),
    whose recipes the refits of the simulation are made by; without them that of the version.

    It runs when the version has no rows yet, or when its newest comparison is `plan.refresh_days` or more older than
    the data; its rows are meant to replace those of the same version. No version, a version with a single segment, and
    data with fewer than two simulation dates give no row. The result does not depend on `workers`, the number of
    single-threaded processes. Raises UserError for features that the model needs and `features` lacks.
    """
    if model.empty:
        return typed_table([], AGEING_COLUMNS)
    version = int(model["model_version"].iloc[0])
    if str(model["algorithm"].iloc[0]) == "none" or not _is_due(existing, version, newest_date, plan.refresh_days):
        return typed_table([], AGEING_COLUMNS)
    from olist_segments.ageing.simulation import simulate

    return typed_table(simulate(features(), model, plan, choices, workers=workers), AGEING_COLUMNS)


def _is_due(existing: pd.DataFrame | None, version: int, newest_date: Any, refresh_days: int) -> bool:
    """Whether the version has no simulation yet, or one that ends too long before the newest date."""
    written = None if existing is None else existing.loc[existing["model_version"] == version, "later_date"]
    if written is None or written.empty:
        return True
    age = pd.Timestamp(newest_date) - pd.Timestamp(written.max())
    return bool(age.days >= refresh_days)


def append_refit_choices(
    features: Callable[[], pd.DataFrame],
    candidates: pd.DataFrame,
    existing: pd.DataFrame | None,
    search: Search,
    refit_days: int,
    *,
    workers: int = 2,
) -> pd.DataFrame:
    """The simulated refits (CHOICE_COLUMNS) of the version in force, or no row where they are written.

    `features`: gives the rows of ageing_features in the order of date and customer_number; called only when there is a
    simulation. `candidates`: the rows of fit_segment_candidates of the version in force. `existing`: the rows written
    so far, or None. `refit_days`: days between refits, 0 for none. A version of one segment, one of an earlier release,
    and one whose recipe the settings do not try any more give no row.
    """
    nothing = typed_table([], CHOICE_COLUMNS)
    # Which sets the customers have values of was settled at the fit: only candidates of it compete.
    search = search.with_spare_sets()
    in_force = newest_recipe(candidates)
    if in_force is None or not refit_days:
        return nothing
    if existing is not None and (existing["model_version"] == in_force.model_version).any():
        return nothing
    # Candidates of an earlier release were not judged by the evidence of this one.
    if "collapsed_segments" not in candidates or candidates["collapsed_segments"].isna().all():
        return nothing
    if not search.tries(in_force.feature_set, in_force.algorithm, in_force.setting):
        return nothing
    from olist_segments.ageing.refits import simulated_refits

    rows = simulated_refits(features(), candidates, search, in_force, refit_days, workers=workers)
    return typed_table(rows, CHOICE_COLUMNS)
