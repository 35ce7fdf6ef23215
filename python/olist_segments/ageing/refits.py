"""The choice simulated: would a refit in the past have kept the recipe in force?

A promise about refits is about the whole procedure, choice included (Varma & Simon 2006, BMC Bioinformatics 7, 91). A
refit is simulated every so many days back from the data of the version in force, on what was known by then, with the
recipe in force as incumbent and by the rule of every refit, `selection.rule.choose`. So that it costs seconds, only
candidates that had a chance at the fit of the version compete, on the customers that the simulation of ageing draws,
with fewer references and refits behind each figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from olist_segments.selection.candidates import CUSTOMER, evaluate_candidates
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.rule import Incumbent
from olist_segments.selection.search import Search

_RECIPE = ["feature_set", "algorithm", "setting"]
_MOST_CANDIDATES = 4
_SMALLEST_CHANCE = 0.1


def simulated_refits(
    history: pd.DataFrame,
    candidates: pd.DataFrame,
    search: Search,
    in_force: Incumbent,
    refit_days: int,
    *,
    workers: int = 2,
) -> list[dict[str, Any]]:
    """The rows of the simulated refits; see `versions.append_refit_choices`.

    `history`: the rows of ageing_features; `in_force`: the recipe of the version, which the search tries.
    """
    rows: list[dict[str, Any]] = []
    data_as_of = pd.Timestamp(candidates["data_as_of"].iloc[0])
    for number, date in enumerate(refit_dates(history, data_as_of, refit_days), start=1):
        customers = history[history["as_of_date"] == date]
        choice = _refit(customers, history[history["as_of_date"] <= date], candidates, search, in_force, workers)
        # Where nothing is eligible nothing replaces the recipe, whether or not it could be fitted on so few.
        is_kept = not choice["is_eligible"] or in_force.made(choice)
        rows.append(
            {
                "model_version": in_force.model_version,
                "refit_number": number,
                "refit_date": date,
                "customers": len(customers),
                "is_eligible": choice["is_eligible"],
                "is_recipe_kept": is_kept,
                "reason": choice["reason"],
                **{name: getattr(in_force, name) if is_kept else choice[name] for name in _RECIPE},
            }
        )
    return rows


def refit_dates(history: pd.DataFrame, data_as_of: pd.Timestamp, refit_days: int) -> list[pd.Timestamp]:
    """The dates of `history` on which a refit is simulated, oldest first.

    Each is the last on or before a day `refit_days` apart, back from `data_as_of`, the data of the version, which was a
    refit itself.
    """
    known = sorted(pd.Timestamp(date) for date in history["as_of_date"].unique() if date <= data_as_of)
    found: list[pd.Timestamp] = []
    day = data_as_of - pd.Timedelta(days=refit_days)
    while known and day >= known[0]:
        found.append(max(date for date in known if date <= day))
        day -= pd.Timedelta(days=refit_days)
    return sorted(set(found))


def _refit(
    customers: pd.DataFrame,
    history: pd.DataFrame,
    candidates: pd.DataFrame,
    search: Search,
    incumbent: Incumbent,
    workers: int,
) -> dict[str, Any]:
    """The row of the candidate that a refit chooses on what was known of `customers`."""
    named = customers.assign(**{CUSTOMER: customers["customer_number"].astype(str)})
    cheap = replace(
        search,
        only=competing(candidates),
        references=6,
        resamples=6,
        splits=6,
        seeds=3,
        shelf_life=replace(search.shelf_life, starts=1),
    )
    found = evaluate_candidates(named, cheap, history=history, incumbent=incumbent, workers=workers)
    chosen = found[found["is_chosen"]]
    return {str(name): chosen[name].iloc[0] for name in chosen.columns}


def competing(candidates: pd.DataFrame) -> frozenset[tuple[str, str, str]]:
    """The feature sets, algorithms and settings that had a chance at the fit: the chosen one, the likeliest three."""
    had_a_chance = candidates[candidates["is_eligible"] | (candidates["selection_frequency"] >= _SMALLEST_CHANCE)]
    order = ["is_chosen", "selection_frequency", "structure_gap"]
    likeliest = pd.concat([had_a_chance, candidates[candidates["is_chosen"]]]).drop_duplicates(_RECIPE)
    likeliest = likeliest.sort_values([*order, *_RECIPE], ascending=[False] * 3 + [True] * 3).head(_MOST_CANDIDATES)
    return frozenset(likeliest[_RECIPE].itertuples(index=False, name=None))


def recipes_of_dates(
    choices: pd.DataFrame | None,
    dates: list[pd.Timestamp],
    in_force: Recipe,
    fitted_on: pd.Timestamp,
    sets: Mapping[str, Mapping[str, str]],
) -> list[Recipe]:
    """The recipe of a refit on each of `dates`: what the last simulated refit by then chose, else the one in force.

    From `fitted_on` on, the data of the version, it is the one in force: the version was a refit itself. `sets` holds
    the transforms of every feature set.
    """
    if choices is None or choices.empty:
        return [in_force] * len(dates)
    changed = choices[~choices["is_recipe_kept"] & choices["feature_set"].isin(list(sets))]
    made = {
        row["refit_date"]: Recipe(sets[row["feature_set"]], row["algorithm"], row["setting"], in_force.seed)
        for _, row in changed.iterrows()
    }
    starts = sorted(choices["refit_date"])
    last = [max((start for start in starts if start <= date), default=None) for date in dates]
    return [
        in_force if start is None or date >= fitted_on else made.get(start, in_force)
        for date, start in zip(dates, last, strict=True)
    ]
