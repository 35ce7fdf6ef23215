"""What a segmentation would have been at past dates: the same recipe, fitted on what was known then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version as package_version
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from olist_segments.arrays import typed_table
from olist_segments.selection.search import SMALLEST_POPULATION

COLUMNS = {
    "as_of_date": "datetime64[us]",
    "segment_number": "int64",
    "feature": "string",
    "transform": "string",
    "shift": "float64",
    "scale": "float64",
    "impute_value": "float64",
    "lower_bound": "float64",
    "upper_bound": "float64",
    "is_constant": "bool",
    "centre": "float64",
    "inverse_variance": "float64",
    "bias": "float64",
}
"""Columns of fitted models and their types, one row per date, segment and feature."""

TABLE_COLUMNS = {**COLUMNS, "inputs_digest": "string"}
"""Columns of fit_segment_past_models and their types."""

_KEY = ["as_of_date", "segment_number", "feature"]
_PACKAGES = ("numpy", "scipy", "scikit-learn", "olist-segments")


def current_past_models(
    inputs: pd.DataFrame,
    customers: Callable[[Sequence[pd.Timestamp]], pd.DataFrame],
    in_force: pd.DataFrame,
    previous: pd.DataFrame | None,
) -> pd.DataFrame:
    """The models (TABLE_COLUMNS) of every date: those of the build before where nothing they rest on has changed.

    `inputs`: as_of_date, inputs_digest and customer_count of past_model_input, one row per date. `customers`: gives the
    rows of past_model_input of some dates; called only where a date is fitted. `in_force`: the rows of the version in
    force. `previous`: what the build before wrote, None where there is nothing.
    """
    if in_force.empty or str(in_force["algorithm"].iloc[0]) == "none":
        return typed_table([], TABLE_COLUMNS)
    fitted = inputs[inputs["customer_count"] >= SMALLEST_POPULATION]
    digests = {pd.Timestamp(row["as_of_date"]): _digest(row, in_force) for row in fitted.to_dict("records")}
    parts = []
    if previous is not None and "inputs_digest" in previous:
        is_kept = previous["as_of_date"].map(digests) == previous["inputs_digest"]
        parts.append(previous.loc[is_kept, list(TABLE_COLUMNS)].astype(TABLE_COLUMNS))
    due = sorted(set(digests).difference(*(part["as_of_date"] for part in parts)))
    if due:
        models = fit_past_models(customers(due), in_force)
        parts.append(models.assign(inputs_digest=models["as_of_date"].map(digests)).astype(TABLE_COLUMNS))
    return pd.concat(parts or [typed_table([], TABLE_COLUMNS)]).sort_values(_KEY, ignore_index=True)


def _digest(inputs: Mapping[Any, Any], in_force: pd.DataFrame) -> str:
    """Of all that a date's model follows from: its customers, the recipe of the version `in_force`, the packages."""
    recipe = in_force[["feature", "transform", "algorithm", "setting", "random_seed"]].drop_duplicates()
    packages = [package_version(name) for name in _PACKAGES]
    of_customers = [inputs["inputs_digest"], int(inputs["customer_count"])]
    text = json.dumps([of_customers, recipe.sort_values("feature").astype(str).to_numpy().tolist(), packages])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def fit_past_models(customers: pd.DataFrame, in_force: pd.DataFrame) -> pd.DataFrame:
    """One model a date of `customers`, scaling included, by the recipe of the version whose rows are `in_force`.

    `customers`: `as_of_date` and raw features, of each date those known then. None where the version is one segment of
    everybody, none for a date of fewer customers than the smallest number that is segmented.
    """
    # What fits is loaded where something is fitted.
    from olist_segments.selection.recipe import recipe_of

    rows = []
    if len(in_force) and str(in_force["algorithm"].iloc[0]) != "none":
        recipe = recipe_of(in_force)
        with threadpool_limits(limits=1):
            for date, known in customers.groupby("as_of_date"):
                if len(known) >= SMALLEST_POPULATION:
                    model = recipe.fit(known.reset_index(drop=True), "past", date)
                    rows += [{"as_of_date": date, **row} for row in model.scoring_rows()]
    return typed_table(rows, COLUMNS)
