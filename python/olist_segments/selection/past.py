"""What a segmentation would have been at past dates: the same recipe, fitted on what was known then."""

from __future__ import annotations

import pandas as pd
from threadpoolctl import threadpool_limits

from olist_segments.arrays import typed_table
from olist_segments.selection.candidates import SMALLEST_POPULATION
from olist_segments.selection.recipe import recipe_of

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
"""Columns of the result and their types, one row per date, segment and feature."""


def fit_past_models(customers: pd.DataFrame, in_force: pd.DataFrame) -> pd.DataFrame:
    """One model a date of `customers`, scaling included, by the recipe of the version whose rows are `in_force`.

    `customers`: `as_of_date` and raw features, of each date those known then. None where the version is one segment of
    everybody, none for a date of fewer customers than the smallest number that is segmented.
    """
    rows = []
    if len(in_force) and str(in_force["algorithm"].iloc[0]) != "none":
        recipe = recipe_of(in_force)
        with threadpool_limits(limits=1):
            for date, known in customers.groupby("as_of_date"):
                if len(known) >= SMALLEST_POPULATION:
                    model = recipe.fit(known.reset_index(drop=True), "past", date)
                    rows += [{"as_of_date": date, **row} for row in model.scoring_rows()]
    return typed_table(rows, COLUMNS)
