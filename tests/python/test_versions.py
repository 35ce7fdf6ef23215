"""Model versions: appended, never changed; keys that survive refits; labels that depend on nothing but the customer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marks import slow_after
from olist_segments.model.model import Model
from olist_segments.model.naming import NamingRule
from olist_segments.selection.search import Search
from olist_segments.selection.versions import (
    append_candidates,
    append_labels,
    append_models,
    fitted_by_a_killed_build,
)
from warehouses import PROJECT

TRANSFORMS = {
    "recency_days": "identity",
    "purchase_day_count": "ln",
    "total_spend": "log1p",
    "avg_review_score": "identity",
}
SEARCH = Search({"rfm_review": list(TRANSFORMS)}, TRANSFORMS, ["kmeans"], k_max=5, seed=7)
NAMING = NamingRule(min_effect=0.1, min_cosine=0.5, min_jaccard=0.5)
ARCHETYPES = pd.read_csv(PROJECT / "seeds" / "segment_archetypes.csv")


def people(count: int, seed: int, prefix: str = "c") -> pd.DataFrame:
    """Three kinds of customers: recent and content, dormant and content, disappointed; some without a review."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, count)
    score = np.choose(kind, [4.7, 4.5, 1.5]) + rng.normal(0, 0.2, count)
    return pd.DataFrame(
        {
            "input_role": "fit",
            "as_of_date": pd.Timestamp("2018-08-31"),
            "customer_unique_id": [f"{prefix}{number:05d}" for number in range(count)],
            "recency_days": np.choose(kind, [60, 400, 200]) + rng.normal(0, 20, count),
            "purchase_day_count": np.where(rng.random(count) < 0.03, 2.0, 1.0),
            "total_spend": np.exp(rng.normal(4.5, 0.4, count)),
            "avg_review_score": np.where(rng.random(count) < 0.02, np.nan, np.clip(score, 1, 5)),
            "next_period_revenue": np.nan,
        }
    )


class History:
    """What the three fit tables hold after some builds."""

    def __init__(self) -> None:
        self.candidates: Any = None
        self.model: Any = None
        self.labels: Any = None

    def build(self, fit_input: pd.DataFrame, *, refit: bool = False) -> None:
        """One build: each step appends what it returns."""
        new = append_candidates(lambda: fit_input, self.candidates, SEARCH, refit=refit)
        self.candidates = new if self.candidates is None else pd.concat([self.candidates, new], ignore_index=True)
        rows = append_models(self.candidates, lambda: fit_input, ARCHETYPES, self.model, TRANSFORMS, NAMING)
        self.model = rows if self.model is None else pd.concat([self.model, rows], ignore_index=True)
        labels = append_labels(self.model, lambda: fit_input, self.labels, TRANSFORMS)
        self.labels = labels if self.labels is None else pd.concat([self.labels, labels], ignore_index=True)

    def labels_of(self, version: int) -> pd.Series[str]:
        rows = self.labels[self.labels["model_version"] == version]
        return rows.set_index("customer_unique_id")["segment_key"].sort_index()


@pytest.fixture(scope="module")
def first() -> pd.DataFrame:
    return people(900, seed=1)


def test_a_build_without_a_request_appends_nothing(first: pd.DataFrame) -> None:
    history = History()
    history.build(first)
    model, labels = history.model.copy(), history.labels.copy()
    history.build(people(1_200, seed=2))
    pd.testing.assert_frame_equal(history.model, model)
    pd.testing.assert_frame_equal(history.labels, labels)


def test_the_model_table_reads_back_to_the_fitted_segmentation(first: pd.DataFrame) -> None:
    history = History()
    history.build(first)
    chosen = history.candidates.loc[history.candidates["is_chosen"], "parameters"].iloc[0]
    fitted = Model.from_json(chosen)
    read = Model.from_rows(history.model.sample(frac=1, random_state=3))
    assert read.scalings == fitted.scalings
    assert np.array_equal(read.segmentation.centre, fitted.segmentation.centre)
    assert np.array_equal(read.segmentation.precision, fitted.segmentation.precision)
    assert np.array_equal(read.segmentation.bias, fitted.segmentation.bias)
    assert len(set(read.keys)) == fitted.k
    rows = pd.DataFrame(read.to_rows()).drop(columns="name_match_score")
    pd.testing.assert_frame_equal(rows, history.model[rows.columns], check_exact=True)


@pytest.mark.parametrize("seed", slow_after(1, [1, 2, 3]))
def test_a_refit_on_the_same_data_keeps_every_key_name_and_label(seed: int) -> None:
    history = History()
    frame = people(900, seed)
    history.build(frame)
    history.build(frame, refit=True)
    assert history.model["model_version"].unique().tolist() == [1, 2]
    named = history.model.groupby("model_version")[["segment_key", "segment_name"]].apply(
        lambda rows: set(map(tuple, rows.to_numpy()))
    )
    assert named[1] == named[2]
    pd.testing.assert_series_equal(history.labels_of(1), history.labels_of(2))
    assert set(history.model.loc[history.model["model_version"] == 2, "name_source"]) == {"previous_version"}
    assert (
        history.model.loc[history.model["model_version"] == 2, "reason"].str.endswith("the recipe of version 1").all()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people_then", "setting", "appended"),
    [
        (people(900, seed=1), {}, []),
        (people(900, seed=1), {"seed": 8}, [3]),
        (people(900, seed=1), {"k_max": 4}, [3]),
        (people(901, seed=1), {}, [3]),
    ],
    ids=["as_it_was", "another_seed", "other_candidates", "another_customer"],
)
def test_a_refit_asked_for_again_after_a_kill_is_the_one_that_was_begun(
    people_then: pd.DataFrame, setting: dict[str, Any], appended: list[int], first: pd.DataFrame
) -> None:
    """The killed build wrote the evidence of version 2; only other data or settings make a version 3."""
    history = History()
    history.build(people(900, seed=2))
    evidence = append_candidates(lambda: first, history.candidates, SEARCH, refit=True)
    existing = pd.concat([history.candidates, evidence], ignore_index=True).sample(frac=1, random_state=1)
    new = append_candidates(lambda: people_then, existing, replace(SEARCH, **setting), refit=True, is_interrupted=True)
    assert new["model_version"].unique().tolist() == appended


@pytest.mark.parametrize(
    ("builds", "is_interrupted"),
    [
        ([("01:00", "02:00"), ("03:00", None)], False),
        ([("01:00", None), ("03:00", None)], True),
        ([("01:00", "02:00"), ("01:10", None), ("03:00", None)], True),
        # Killed after the fit was over, or before there was one.
        ([("01:00", None), ("02:00", "02:30"), ("03:00", None)], False),
        ([("02:00", None), ("03:00", None)], False),
    ],
)
def test_a_version_of_a_killed_build_is_told_from_the_notes_of_builds(
    builds: list[tuple[str, str | None]], is_interrupted: bool
) -> None:
    """The newest version was fitted at half past one; the last build is the one that asks."""
    existing = pd.DataFrame({"model_version": [1, 2], "fitted_at": pd.to_datetime(["00:10", "01:30"], format="%H:%M")})
    notes = pd.DataFrame(builds, columns=["started_at", "finished_at"]).apply(pd.to_datetime, format="%H:%M")
    assert fitted_by_a_killed_build(existing, notes) == is_interrupted
    assert not fitted_by_a_killed_build(existing.head(0), notes)
    assert not fitted_by_a_killed_build(existing, None)


@pytest.mark.parametrize("seed", slow_after(1, [4, 5, 6]))
def test_a_refit_after_a_year_keeps_the_keys_of_segments_that_keep_half_their_members(seed: int) -> None:
    """Everybody is a year older, as many new customers have come; the old model's labels of today are the reference."""
    history = History()
    before = people(900, seed)
    history.build(before)
    aged = before.assign(recency_days=before["recency_days"] + 365)
    today = pd.concat([aged, people(900, seed + 100, prefix="n")], ignore_index=True)
    history.build(today, refit=True)

    old = Model.from_rows(history.model[history.model["model_version"] == 1])
    ordered = today.sort_values("customer_unique_id").reset_index(drop=True)
    old_labels = pd.Series(
        np.array(old.keys)[old.labels(ordered)],
        index=ordered["customer_unique_id"],
    )
    new_labels = history.labels_of(2)
    kept = 0
    for old_key in old_labels.unique():
        for new_key in new_labels.unique():
            was, is_now = old_labels == old_key, new_labels == new_key
            if (was & is_now).sum() / (was | is_now).sum() > 0.5:
                assert new_key == old_key
                kept += 1
    assert kept >= 1


@pytest.fixture(scope="module")
def straight() -> History:
    history = History()
    history.build(people(400, seed=8))
    return history


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(shuffle_seed=st.integers(0, 1_000), column_seed=st.integers(0, 1_000))
def test_labels_do_not_depend_on_the_order_of_rows_or_columns(
    shuffle_seed: int, column_seed: int, straight: History
) -> None:
    frame = people(400, seed=8)
    columns = np.random.default_rng(column_seed).permutation(frame.columns)
    shuffled = frame.sample(frac=1, random_state=shuffle_seed)[list(columns)]
    turned = History()
    turned.build(shuffled)
    pd.testing.assert_series_equal(straight.labels_of(1), turned.labels_of(1))


@settings(max_examples=25, deadline=None)
@given(
    recency=st.floats(0, 3_000),
    orders=st.integers(1, 500),
    spend=st.floats(0, 1e6),
    score=st.one_of(st.none(), st.floats(1, 5)),
)
def test_another_customer_changes_nobody_elses_label(
    recency: float, orders: int, spend: float, score: float | None, fitted: History, first: pd.DataFrame
) -> None:
    newcomer = first.iloc[[0]].assign(
        customer_unique_id="newcomer",
        recency_days=recency,
        purchase_day_count=float(orders),
        total_spend=spend,
        avg_review_score=np.nan if score is None else score,
    )
    labels = append_labels(fitted.model, lambda: pd.concat([first, newcomer]), None, TRANSFORMS)
    after = labels.set_index("customer_unique_id")["segment_key"].sort_index()
    assert after["newcomer"] in set(fitted.model["segment_key"])
    pd.testing.assert_series_equal(after.drop("newcomer"), fitted.labels_of(1))


@pytest.fixture(scope="module")
def fitted(first: pd.DataFrame) -> History:
    history = History()
    history.build(first)
    return history


@pytest.mark.parametrize(
    "frame",
    [
        people(150, seed=9),
        people(300, seed=9).assign(recency_days=1.0, purchase_day_count=1.0, total_spend=9.0, avg_review_score=5.0),
    ],
    ids=["fewer_than_200", "all_alike"],
)
def test_too_little_to_cluster_is_one_segment_and_a_sentence(frame: pd.DataFrame) -> None:
    history = History()
    history.build(frame)
    assert set(history.model["segment_key"]) == {"all_customers"}
    assert (history.labels_of(1) == "all_customers").all()
    assert history.model["reason"].str.contains("one segment of everybody").all()
