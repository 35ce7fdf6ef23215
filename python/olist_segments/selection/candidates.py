"""The evidence table: every feature set, algorithm and setting, what speaks for it, and which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from olist_segments.arrays import FloatArray
from olist_segments.errors import UserError
from olist_segments.model.model import Model
from olist_segments.model.scaling import Scaling, design_matrix, fit_scaling
from olist_segments.model.segmentation import Segmentation
from olist_segments.parallel import stop_workers
from olist_segments.selection.columns import COLUMNS, FIGURES
from olist_segments.selection.evidence import Population, full_row, gather
from olist_segments.selection.frequency import selection_frequencies
from olist_segments.selection.rule import Incumbent, choose
from olist_segments.selection.sampling import child_seed, distinct_rows, strata
from olist_segments.selection.search import SMALLEST_POPULATION, Search, settings_of
from olist_segments.selection.stability import evaluation_customers
from olist_segments.settings.model import ALGORITHMS

CUSTOMER = "customer_unique_id"
OUTCOME = "next_period_revenue"
WORTH_WORKERS = 20_000
"""From this many customers on, the work is worth starting worker processes for: two take 3 to 4 seconds of CPU."""

SMALLEST_PAST = 1_000
"""Fewer customers than this at the earlier date say nothing about the value explained."""


def evaluate_candidates(
    frame: pd.DataFrame,
    search: Search,
    *,
    past: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
    incumbent: Incumbent | None = None,
    workers: int = 2,
) -> pd.DataFrame:
    """One row (COLUMNS) per feature set, algorithm and setting of `search`, exactly one of them chosen.

    `frame` has one row per customer: `customer_unique_id` and the features, missing values allowed. All figures are of
    the deployable form (`Segmentation`) as used on everybody:

    silhouette and its 95 % interval (`silhouette_interval`); Davies-Bouldin and Calinski-Harabasz of everybody; the
    smallest share; fidelity (`Segmentation`); collapsed segments (`collapsed_segments`); structure gap and joint gap
    with their standard errors (`structure`); value_explained (`variance_explained`) and its 95 % interval: `past` holds
    the features of the customers known at an earlier date and `next_period_revenue`, what they spent after it; the
    candidate is refitted there with that date's own scaling, for applying today's would use what was not known then. It
    is null without `past`, below 1,000 customers or if nobody's value differs.

    Of refits (`stability`), null where what was known before rules the candidate out: prediction strength, mean of the
    random splits; bootstrap Jaccard over the resamples, minimum and mean over segments; adjusted Rand between refits
    that differ by seed only and between the resamples' refits; with standard errors. shelf_life_days,
    shelf_life_se_days and shelf_life_judged_days (`shelf_life`) are those of the candidates that meet every bound:
    `history` holds the rows of ageing_features; they are null without it. selection_frequency: see
    `selection_frequencies`. `seconds` is an equal share of the wall-clock time that the algorithm took for the deployed
    fits of all its settings. `parameters` is the text of `Model.to_json`. `incumbent`: see `choose`.

    Fewer than 200 customers, or features that do not vary, give one row: algorithm 'none', one segment, and why. A
    feature set that does not vary beside others that do gives such a row too, not chosen.

    The result depends on neither the order of rows and columns nor on `workers`, the number of single-threaded
    processes that share the work (none is started for 1, or for fewer than 20,000 customers). Raises UserError for a
    missing or repeated customer and for values that a transform can't take.
    """
    customers = _by_customer(frame, "the feature table")
    earlier = None if past is None else _by_customer(past, "the earlier feature table")
    if earlier is not None and OUTCOME not in earlier.columns:
        raise UserError(f"the earlier feature table has no column {OUTCOME}: add it or leave the table out.")
    rows: list[dict[str, Any]] = []
    populations: list[Population] = []
    with threadpool_limits(limits=1):
        for name in sorted(search.feature_sets):
            if search.only and name not in {feature_set for feature_set, _, _ in search.only}:
                continue
            scalings = tuple(fit_scaling(customers, search.features(name)))
            z = design_matrix(customers, scalings)
            why = _too_little(len(customers), scalings)
            if why:
                rows.append(_single_segment(name, scalings, z, why))
            else:
                populations.append(_population(name, scalings, z, earlier, search))
        if populations:
            processes = workers if len(customers) >= WORTH_WORKERS else 1
            found = gather(populations, search, history, incumbent, processes)
            evidence = [full_row(candidate) for candidate in found]
            if processes > 1:
                stop_workers()
            for row, frequency in zip(evidence, selection_frequencies(found, evidence, search), strict=True):
                row["selection_frequency"] = frequency
            rows += choose(evidence, search.rule, search.k_min, search.k_max, incumbent)
        else:
            rows[0].update(is_chosen=True)
    # Within a feature set the rows stay in the order of algorithms and settings.
    rows.sort(key=lambda row: str(row["feature_set"]))
    table = pd.DataFrame(rows)
    return table[list(COLUMNS)].astype(dict.fromkeys(FIGURES, "float64"))


def _by_customer(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """`frame` in the order of its customers, each known and there once."""
    if CUSTOMER not in frame.columns:
        raise UserError(f"{what} has no column {CUSTOMER}: it needs one row per customer.")
    if frame[CUSTOMER].isna().any() or frame[CUSTOMER].duplicated().any():
        raise UserError(f"{what} has a missing or repeated {CUSTOMER}: it needs one row per customer.")
    return frame.iloc[np.argsort(frame[CUSTOMER].astype(str).to_numpy(dtype=str), kind="stable")].reset_index(drop=True)


def _too_little(customers: int, scalings: Sequence[Scaling]) -> str:
    """Why these customers can't be clustered, or nothing."""
    if customers < SMALLEST_POPULATION:
        return (
            f"one segment of everybody: {customers} customers are fewer than {SMALLEST_POPULATION}, too few to cluster"
        )
    if all(scaling.is_constant for scaling in scalings):
        return f"one segment of everybody: no feature varies among the {customers:,} customers"
    return ""


def _single_segment(feature_set: str, scalings: tuple[Scaling, ...], z: FloatArray, why: str) -> dict[str, Any]:
    whole = Segmentation(np.zeros((1, len(scalings))), np.ones((1, len(scalings))), np.zeros(1))
    return {
        **dict.fromkeys(FIGURES, np.nan),
        "feature_set": feature_set,
        "algorithm": "none",
        "setting": "k=1",
        "k": 1,
        "customers": len(z),
        "smallest_share": 1.0,
        "seconds": 0.0,
        "is_eligible": False,
        "is_chosen": False,
        "reason": why,
        "parameters": Model(scalings, whole).to_json(),
    }


def _population(
    name: str,
    scalings: tuple[Scaling, ...],
    z: FloatArray,
    earlier: pd.DataFrame | None,
    search: Search,
) -> Population:
    own_seed = child_seed(search.seed, name)
    past = None
    if earlier is not None and len(earlier) >= SMALLEST_PAST:
        past_z = design_matrix(earlier, fit_scaling(earlier, search.features(name)))
        values = pd.to_numeric(earlier[OUTCOME]).to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isnan(values).any():
            raise UserError(f"{OUTCOME} is missing for {int(np.isnan(values).sum()):,} customers: nothing spent is 0.")
        past = past_z, values
    most = max(distinct_rows(z, search.k_max), search.k_min)
    return Population(
        feature_set=name,
        scalings=scalings,
        z=z,
        stratum=strata(z),
        evaluation=evaluation_customers(z, own_seed),
        past=past,
        settings=_settings(name, most, search),
        seed=own_seed,
    )


def _settings(feature_set: str, most: int, search: Search) -> dict[str, list[str]]:
    """What is tried of each algorithm, with at most `most` segments."""
    tried = {
        algorithm: [
            setting
            for setting in settings_of(algorithm, search.k_min, most)
            if not search.only or (feature_set, algorithm, setting) in search.only
        ]
        for algorithm in sorted(search.algorithms, key=ALGORITHMS.index)
    }
    return {algorithm: settings for algorithm, settings in tried.items() if settings}
