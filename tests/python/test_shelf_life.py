"""How long a candidate keeps: the rule by hand and against SQL, and what the clock and a jump cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from olist_segments.model.model import Model
from olist_segments.selection import evidence as evidence_module
from olist_segments.selection.candidates import evaluate_candidates
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.rule import choose
from olist_segments.selection.search import Search, ShelfLifeTerms
from olist_segments.selection.shelf_life import (
    Agreements,
    ShelfLife,
    agreements,
    dates_of,
    held_until,
    shelf_life,
)
from olist_segments.settings.model import SegmentationRule
from test_ageing import CLOCKED, TRANSFORMS, marketplace
from test_candidates import candidate

FOREVER = 10**9
TERMS = ShelfLifeTerms(threshold=0.8, origin_share=0.9, min_origins=5, half_life_days=FOREVER, step_days=28, starts=1)


def agreements_of(short: dict[int, set[int]], origins: int = 10, ages: tuple[int, ...] = (1, 2, 3, 4)) -> Agreements:
    """Ten origins a day apart, those of `short` under the threshold at an age, and no later dates than it takes."""
    dates = origins + max(ages)
    aris = np.full((1, dates, dates), np.nan)
    for age in ages:
        for origin in range(dates - age):
            aris[0, origin, origin + age] = 0.1 if origin in short.get(age, set()) else 0.99
    return Agreements(np.arange(dates), aris)


def test_the_rule_is_that_of_the_contract() -> None:
    """As tests/macros/contract_intervals_end_before_the_first_failure.sql; thirteen origins at the first age."""
    every = set(range(14))
    assert held_until(agreements_of({}), TERMS).days == 9
    assert held_until(agreements_of({1: every}), TERMS).days == 0
    # One of 13 at the first age and one of 12 at the second: at neither do fewer than nine of ten hold, but 0.85 live.
    assert held_until(agreements_of({1: {0}}), TERMS).days == 9
    assert held_until(agreements_of({1: {0}, 2: {1}}), TERMS).days == 1
    # A model dies once.
    assert held_until(agreements_of({1: {0}, 2: {0}, 3: {0}}), TERMS).days == 9
    # The old ones weigh little.
    recent = replace(TERMS, half_life_days=1)
    assert held_until(agreements_of({1: {0, 1, 2}}), TERMS).days == 0
    assert held_until(agreements_of({1: {0, 1, 2}}), recent).days == 9
    few = held_until(agreements_of({}, origins=2, ages=(1, 2)), TERMS)
    assert np.isnan([few.days, few.judged_days]).all()


def test_origins_may_be_counted_as_a_resample_has_them() -> None:
    found = agreements_of({1: {0}, 2: {1}})
    counts = np.ones(14, dtype=np.int64)
    counts[:2] = 0
    assert held_until(found, TERMS, counts).days == 9
    counts[0] = 5
    assert held_until(found, TERMS, counts).days == 0
    # Of an age without an origin drawn nothing is said.
    only_newest = np.zeros(14, dtype=np.int64)
    only_newest[12] = 1
    assert held_until(found, TERMS, only_newest).days == 1


def test_starts_are_judged_together_and_differ_by_their_error() -> None:
    good, bad = agreements_of({}), agreements_of({1: set(range(14))})
    life = shelf_life([good, good, bad], TERMS)
    assert life.days == 0
    assert life.standard_error == pytest.approx(np.std([9, 9, 0], ddof=1) / np.sqrt(3))


def life_of(recipe: Recipe, dates: list[pd.DataFrame]) -> ShelfLife:
    return shelf_life(agreements(recipe, dates, 1), TERMS)


@pytest.mark.parametrize("algorithm", ["kmeans", "gaussian_mixture"])
def test_fits_made_together_are_those_made_alone(algorithm: str) -> None:
    rows = dates_of(marketplace(people=2_500), 28)[-1]
    recipe = Recipe(TRANSFORMS, algorithm, "k=3", 1)
    together = recipe.fits(rows, [("start", start) for start in range(3)])
    alone = [recipe.fit(rows, "start", start) for start in range(3)]
    assert [model.to_json() for model in together] == [model.to_json() for model in alone]


def test_dates_are_so_many_days_apart_back_from_the_newest() -> None:
    features = marketplace(people=300)
    days = [rows["as_of_date"].iloc[0] for rows in dates_of(features, 28)]
    assert days[-1] == features["as_of_date"].max()
    assert {(later - day).days for day, later in pairwise(days)} == {28}


def test_the_clock_shortens_the_life_of_kinds_that_do_not_change() -> None:
    dates = dates_of(marketplace(people=1_500, weeks=60), 28)
    kept, clocked = (life_of(Recipe(transforms, "kmeans", "k=2", 1), dates) for transforms in (TRANSFORMS, CLOCKED))
    assert kept.days == kept.judged_days == clocked.judged_days >= 140
    clocked_of_four = life_of(Recipe(CLOCKED, "kmeans", "k=4", 1), dates)
    assert clocked_of_four.days < 60


def test_a_segmentation_that_jumps_between_two_optima_does_not_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third date the fit settles in the other optimum, and no age finds nine origins of ten that agree."""
    dates = dates_of(marketplace(people=800, weeks=60), 28)
    recipe = Recipe({"total_spend": "log1p", "avg_review_score": "identity"}, "kmeans", "k=2", 1)
    by_spend = Recipe({"total_spend": "log1p"}, "kmeans", "k=5", 1)
    fits = Recipe.fits
    days = [rows["as_of_date"].iloc[0].date() for rows in dates]

    def jumping(self: Recipe, features: pd.DataFrame, words: Sequence[Sequence[object]]) -> list[Model]:
        return fits(by_spend if days.index(words[0][0]) % 3 == 0 else self, features, words)

    assert life_of(recipe, dates).days > 0
    monkeypatch.setattr(Recipe, "fits", jumping)
    assert life_of(recipe, dates).days == 0


def people_of_history(history: pd.DataFrame) -> pd.DataFrame:
    newest = history[history["as_of_date"] == history["as_of_date"].max()]
    people: pd.DataFrame = newest.assign(customer_unique_id=newest["customer_number"].astype(str))
    return people


@pytest.fixture(scope="module")
def evidence() -> pd.DataFrame:
    history = marketplace(people=1_200, weeks=60)
    search = Search(
        {"kinds": list(TRANSFORMS), "clocked": list(CLOCKED)}, CLOCKED, ["kmeans"], k_max=4, seed=1, shelf_life=TERMS,
        rule=SegmentationRule(min_prediction_strength=0.6, min_structure_gap=0.01),
        resamples=4, splits=2, seeds=2,
    )  # fmt: skip
    return evaluate_candidates(people_of_history(history), search, history=history, workers=1)


def test_shelf_lives_are_those_of_the_eligible_alone(evidence: pd.DataFrame) -> None:
    assert (evidence["shelf_life_days"].notna() == evidence["is_eligible"]).all()
    assert evidence["is_eligible"].any()
    assert not evidence["is_eligible"].all()
    chosen = evidence[evidence["is_chosen"]].iloc[0]
    assert chosen["feature_set"] == "kinds"
    assert chosen["k"] == 2


def test_without_history_nobody_has_a_shelf_life_and_the_next_figure_decides() -> None:
    people = people_of_history(marketplace(people=600, weeks=60))
    search = Search({"kinds": list(TRANSFORMS)}, CLOCKED, ["kmeans"], k_max=3, seed=1, resamples=2, splits=2, seeds=2)
    for history in (None, marketplace(people=600, weeks=60, first_week=56)):
        found = evaluate_candidates(people, search, history=history, workers=1)
        assert found["shelf_life_days"].isna().all()
        assert found["is_chosen"].sum() == 1


def test_simulating_the_few_costs_no_fit_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(recipe: Recipe, dates: list[pd.DataFrame], starts: int) -> list[Agreements]:
        asked.append(recipe.setting)
        return agreements(recipe, dates, starts)

    monkeypatch.setattr(evidence_module, "agreements", counted)
    history = marketplace(people=600, weeks=60)
    search = Search({"kinds": list(TRANSFORMS)}, CLOCKED, ["kmeans"], k_max=6, seed=1, resamples=2, splits=2, seeds=2)
    found = evaluate_candidates(people_of_history(history), search, history=history, workers=1)
    assert set(asked) == set(found.loc[found["is_eligible"], "setting"])


def test_the_choice_tells_a_marketer_how_long_the_segments_keep() -> None:
    rows = choose(
        [
            candidate(setting="k=5", k=5, shelf_life_days=28.0, structure_gap=0.9),
            candidate(shelf_life_days=280.0, structure_gap=0.2),
            candidate(setting="k=6", k=6, shelf_life_days=308.0, structure_gap=0.1),
        ],
        SegmentationRule(),
        2,
        6,
    )
    assert [row["is_chosen"] for row in rows] == [False, True, False]
    assert "its segments keep 308 days without a refit (2 candidates do, within 28 days)" in rows[1]["reason"]
    assert "its segments stand apart most clearly" in rows[1]["reason"]
    assert rows[0]["reason"].endswith("its segments keep 28 days without a refit, those of the best 308 days")
    assert "its segments stand apart less clearly: its structure_gap is 0.100" in rows[2]["reason"]
