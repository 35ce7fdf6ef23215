"""The simulated refits: what competes, when they are made, and what the simulation of ageing makes of them."""

from __future__ import annotations

import pandas as pd
import pytest
from olist_segments.ageing.refits import competing, recipes_of_dates, refit_dates
from olist_segments.ageing.simulation import ALL_FEATURES
from olist_segments.ageing.versions import CHOICE_COLUMNS, append_refit_choices
from olist_segments.selection.recipe import Recipe
from olist_segments.selection.search import Search, ShelfLifeTerms
from olist_segments.settings.model import SegmentationRule
from test_ageing import CLOCKED, TRANSFORMS, fitted, marketplace, pairs

SEARCH = Search(
    {"kinds": list(TRANSFORMS), "clocked": list(CLOCKED)},
    CLOCKED,
    ["kmeans"],
    k_max=4,
    seed=1,
    rule=SegmentationRule(min_prediction_strength=0.6, min_structure_gap=0.01),
    shelf_life=ShelfLifeTerms(step_days=14),
)
WEEKS = 60


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    return marketplace(people=1_500, weeks=WEEKS, first_week=20)


def evidence(chosen: tuple[str, str], *others: tuple[str, str], data_as_of: pd.Timestamp) -> pd.DataFrame:
    """Rows like those of fit_segment_candidates: one chosen feature set and setting, others that had a chance."""
    table = pd.DataFrame([chosen, *others], columns=["feature_set", "setting"])
    return table.assign(
        model_version=3,
        algorithm="kmeans",
        structure_gap=0.3,
        collapsed_segments=0.0,
        data_as_of=data_as_of,
        selection_frequency=0.3,
        is_eligible=True,
        is_chosen=[True] + [False] * len(others),
    )


def never() -> pd.DataFrame:
    raise AssertionError("no simulation was due")


@pytest.mark.slow
def test_the_recipe_that_keeps_is_kept_and_one_that_the_clock_moves_is_not(history: pd.DataFrame) -> None:
    newest = history["as_of_date"].max()
    kinds, clocked = ("kinds", "k=2"), ("clocked", "k=4")
    kept = append_refit_choices(
        lambda: history, evidence(kinds, clocked, data_as_of=newest), None, SEARCH, 91, workers=1
    )
    assert kept.dtypes.astype(str).to_dict() == CHOICE_COLUMNS
    assert kept["refit_number"].tolist() == list(range(1, len(kept) + 1))
    assert kept["is_recipe_kept"].all()
    assert (kept["setting"] == "k=2").all()
    changed = append_refit_choices(
        lambda: history, evidence(clocked, kinds, data_as_of=newest), None, SEARCH, 91, workers=1
    )
    last = changed.iloc[-1]
    assert not last["is_recipe_kept"]
    assert last["is_eligible"]
    assert (last["feature_set"], last["setting"]) == kinds
    assert "version 3 was clocked kmeans k=4" in last["reason"]


def test_a_version_is_simulated_once(history: pd.DataFrame) -> None:
    newest = history["as_of_date"].max()
    candidates = evidence(("kinds", "k=2"), data_as_of=newest)
    written = pd.DataFrame({"model_version": [3]})
    for found in (
        append_refit_choices(never, candidates, written, SEARCH, 91),
        append_refit_choices(never, candidates, None, SEARCH, 0),
        append_refit_choices(never, candidates.assign(algorithm="none"), None, SEARCH, 91),
        append_refit_choices(never, candidates.drop(columns="collapsed_segments"), None, SEARCH, 91),
        append_refit_choices(never, candidates.assign(collapsed_segments=None), None, SEARCH, 91),
        # Recipes that the settings do not try any more.
        append_refit_choices(never, candidates.assign(feature_set="gone"), None, SEARCH, 91),
        append_refit_choices(never, candidates.assign(algorithm="ward"), None, SEARCH, 91),
        append_refit_choices(never, candidates.assign(setting="k=9"), None, SEARCH, 91),
        append_refit_choices(never, candidates.head(0), None, SEARCH, 91),
        append_refit_choices(lambda: history.head(0), candidates, None, SEARCH, 91),
    ):
        assert found.empty
        assert found.dtypes.astype(str).to_dict() == CHOICE_COLUMNS


def test_refits_lie_so_many_days_apart_back_from_the_data_of_the_version(history: pd.DataFrame) -> None:
    dates = sorted(history["as_of_date"].unique())
    # The version is three days younger than a date of the simulation.
    found = refit_dates(history, dates[-2] + pd.Timedelta(days=3), 28)
    assert found == dates[-6::-4][::-1]
    assert refit_dates(history, dates[0], 28) == []


def test_those_compete_that_had_a_chance() -> None:
    rows = evidence(("a", "k=2"), *((name, "k=3") for name in "bcdef"), data_as_of=pd.Timestamp("2018-01-01"))
    rows["selection_frequency"] = [0.0, 0.05, 0.1, 0.4, 0.3, 0.2]
    rows["is_eligible"] = False
    assert competing(rows) == {("a", "kmeans", "k=2"), *((name, "kmeans", "k=3") for name in "def")}


def test_dates_are_refitted_by_what_the_last_refit_before_them_chose() -> None:
    in_force = Recipe(TRANSFORMS, "kmeans", "k=4", 1)
    days = pd.date_range("2018-01-01", periods=6, freq="MS").tolist()
    choices = pd.DataFrame(
        {
            "refit_date": [days[1], days[3]],
            "feature_set": ["clocked", "gone"],
            "algorithm": "kmeans",
            "setting": ["k=3", "k=2"],
            "is_recipe_kept": False,
        }
    )
    sets = {"clocked": CLOCKED}
    changed = Recipe(CLOCKED, "kmeans", "k=3", 1)
    found = recipes_of_dates(choices, days, in_force, days[-1], sets)
    # A feature set that the settings no longer have can't be fitted.
    assert found == [in_force, changed, changed, in_force, in_force, in_force]
    # The version was a refit itself: what a simulated one before it chose ends there.
    ends = recipes_of_dates(choices.head(1), days, in_force, days[4], sets)
    assert ends == [in_force, changed, changed, changed, in_force, in_force]
    assert recipes_of_dates(choices.assign(is_recipe_kept=True), days, in_force, days[-1], sets) == [in_force] * 6
    assert recipes_of_dates(None, days, in_force, days[-1], sets) == [in_force] * 6


def test_a_change_of_recipe_costs_agreement(history: pd.DataFrame) -> None:
    few = history[history["as_of_date"] >= history["as_of_date"].max() - pd.Timedelta(weeks=16)]
    model = fitted(few, recipe=Recipe(TRANSFORMS, "kmeans", "k=2", 1))
    change = sorted(few["as_of_date"].unique())[8]
    choices = pd.DataFrame(
        {"refit_date": [change], "feature_set": ["clocked"], "algorithm": "kmeans", "setting": ["k=4"]}
    ).assign(is_recipe_kept=False)
    sets = {"clocked": CLOCKED}
    kept = pairs(few, model, sets=sets, clock_transform="")
    changed = pairs(few, model, choices, sets=sets, clock_transform="")
    before = kept["later_date"] < change
    assert (kept["variant"] == ALL_FEATURES).all()
    pd.testing.assert_frame_equal(kept[before], changed[before])
    assert kept.loc[~before, "ari"].min() > 0.9
    between = ~before & (kept["later_date"] < few["as_of_date"].max())
    assert changed.loc[between, "ari"].max() < 0.8
    assert changed.loc[~before & ~between, "ari"].min() > 0.9
