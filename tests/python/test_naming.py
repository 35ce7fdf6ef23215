"""Names of segments: true, unique, kept across refits."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from olist_segments.model.features import words_of
from olist_segments.model.naming import (
    NamingRule,
    Profile,
    SegmentName,
    match_to_archetypes,
    match_to_previous,
    name_from_traits,
    name_is_true,
    name_segments,
    profile_segments,
)
from warehouses import PROJECT

FEATURES = ("avg_review_score", "purchase_day_count", "recency_days", "total_spend")
REGISTRY = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["features"]
WORDS = words_of(REGISTRY)
RULE = NamingRule(min_effect=0.1, min_cosine=0.5, min_jaccard=0.5, words=WORDS)


@pytest.fixture(scope="module")
def archetypes() -> pd.DataFrame:
    return pd.read_csv(PROJECT / "seeds" / "segment_archetypes.csv")


def profile_of(*rows: tuple[float, ...]) -> Profile:
    z = np.array(rows, dtype=float)
    return Profile(FEATURES, z, z * 10, np.where(z > 0, 0.9, 0.1), np.where(z < 0, 0.9, 0.1))


def test_profile_is_the_distance_from_everybodys_mean() -> None:
    raw = pd.DataFrame({"recency_days": [10.0, 20.0, 60.0], "avg_review_score": [5.0, np.nan, 1.0]})
    z = np.array([[-1.0, 1.0], [-0.5, 0.0], [1.5, -1.0]])
    profile = profile_segments(raw, z, ["recency_days", "avg_review_score"], np.array([0, 0, 1]), 3)
    assert profile.z.tolist() == [[-0.75, 0.5], [1.5, -1.0], [0.0, 0.0]]
    assert profile.raw_gap.tolist() == [[-15.0, 2.0], [30.0, -2.0], [0.0, 0.0]]
    assert profile.share_above.tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    assert profile.share_below.tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]


def test_name_needs_the_means_and_most_members_on_its_side() -> None:
    traits = {"total_spend": 2.0}

    def profile(z: float, raw_gap: float, share_above: float) -> Profile:
        arrays = (np.array([[value]]) for value in (z, raw_gap, share_above, 1 - share_above))
        return Profile(("total_spend",), *arrays)

    assert name_is_true(traits, profile(0.5, 80.0, 0.7), 0, 0.1)
    # Only the transformed mean, too little, and a few giants among many small baskets.
    assert not name_is_true(traits, profile(0.5, -3.0, 0.7), 0, 0.1)
    assert not name_is_true(traits, profile(0.05, 80.0, 0.7), 0, 0.1)
    assert not name_is_true(traits, profile(0.5, 80.0, 0.5), 0, 0.1)
    assert not name_is_true({"late_delivery_share": 1.0}, profile(0.5, 80.0, 0.7), 0, 0.1)


def test_the_playbook_holds_no_figure_of_one_marketplace_and_no_deadline_that_has_passed(
    archetypes: pd.DataFrame,
) -> None:
    texts = archetypes[["meaning", "recommended_action", "channel", "kpi", "stop_rule"]]
    figures = texts.map(lambda text: bool(re.search(r"%|BRL|R\$|\bof 100\b|\bin 100\b|\b(?:19|20)\d\d\b", text)))
    assert not figures.any().any(), texts[figures.any(axis=1)]
    assert not archetypes["meaning"].str.contains(r"\d").any()
    # How long ago somebody bought differs within a segment: a rule counts from the first contact.
    assert not archetypes["stop_rule"].str.contains("purchase|order date").any()


def test_a_pair_below_the_bound_takes_no_key_from_one_above_it() -> None:
    # Together the two pairs of the other diagonal (0.32 each) weigh more than the one that is similar enough (0.52).
    assert match_to_previous(np.array([[52, 24], [24, 0]]), 0.5) == {0: (0, 0.52)}


def test_clusters_of_a_marketplace_get_the_names_a_marketer_would_give(archetypes: pd.DataFrame) -> None:
    profile = profile_of((0.3, 5.0, -0.2, 0.8), (-2.0, 0.0, 0.1, 0.1), (0.4, 0.0, 1.2, -0.1), (0.3, 0.0, -0.6, -0.7))
    names = name_segments(profile, archetypes, rule=RULE)
    assert [name.key for name in names] == [
        "loyal_repeaters",
        "dissatisfied",
        "dormant_customers",
        "recent_small_baskets",
    ]
    assert {name.source for name in names} == {"archetype"}


def test_no_archetype_is_given_to_a_profile_that_contradicts_it(archetypes: pd.DataFrame) -> None:
    # Close to "dissatisfied", but these people score above the mean in raw terms.
    below = np.array([[0.9, 0.0, 0.0, 0.0]])
    profile = Profile(FEATURES, np.array([[-2.0, 0.0, 0.0, 0.0]]), np.array([[0.2, 0.0, 0.0, 0.0]]), 1 - below, below)
    assert match_to_archetypes(profile, archetypes, [0], RULE) == {}


def test_cluster_like_no_archetype_is_named_from_its_two_strongest_traits() -> None:
    profile = profile_of((0.1, -0.2, 1.4, 2.0))
    assert name_from_traits(profile, 0, WORDS) == ("high_spend_dormant", "High spend, dormant")
    nobody = pd.DataFrame({"segment_key": [], "segment_name": []})
    names = name_segments(profile_of((0.1, -0.2, 1.4, 2.0), (0.1, -0.2, 1.3, 2.1)), nobody, rule=RULE)
    assert [name.key for name in names] == ["high_spend_dormant", "high_spend_dormant_2"]


def test_unknown_feature_is_named_plainly() -> None:
    above = np.array([[0.9, 0.1]])
    profile = Profile(
        ("freight_share", "recency_days"), np.array([[1.5, -0.5]]), np.array([[1.0, -1.0]]), above, 1 - above
    )
    assert name_from_traits(profile, 0, WORDS) == ("high_freight_share_recent", "High freight share, recent")


def test_previous_segments_are_matched_for_the_largest_total_jaccard() -> None:
    overlap = np.array([[0, 90], [80, 10]])
    matched = match_to_previous(overlap, 0.5)
    assert {new: old for new, (old, _) in matched.items()} == {0: 1, 1: 0}
    assert [matched[new][1] for new in (0, 1)] == pytest.approx([0.9, 80 / 90])
    assert match_to_previous(np.array([[50, 50], [50, 50]]), 0.5) == {}


def test_refit_keeps_key_and_name_of_the_same_people(archetypes: pd.DataFrame) -> None:
    profile = profile_of((0.4, 0.0, 1.2, -0.1), (-2.0, 0.0, 0.1, 0.1))
    before = [
        SegmentName("dissatisfied", "Dissatisfied customers", "archetype", 0.9),
        SegmentName("dormant_customers", "Dormant customers", "archetype", 0.9),
    ]
    names = name_segments(profile, archetypes, previous=before, overlap=np.array([[2, 90], [70, 1]]), rule=RULE)
    assert [(name.key, name.name, name.source) for name in names] == [
        ("dormant_customers", "Dormant customers", "previous_version"),
        ("dissatisfied", "Dissatisfied customers", "previous_version"),
    ]


def test_key_survives_but_a_name_that_ceased_to_be_true_does_not(archetypes: pd.DataFrame) -> None:
    profile = profile_of((1.0, 0.0, 0.2, -0.6), (-1.0, 0.0, -0.2, 0.6))
    before = [SegmentName("dissatisfied", "Dissatisfied customers", "archetype", 0.9)]
    names = name_segments(profile, archetypes, previous=before, overlap=np.array([[90], [5]]), rule=RULE)
    assert (names[0].key, names[0].name) == ("dissatisfied", "Satisfied, low spend")
    assert names[0].source == "previous_version"
    assert names[0].match_score == pytest.approx(90 / 95)
    assert names[1].key != "dissatisfied"


def test_only_segment_is_everybody(archetypes: pd.DataFrame) -> None:
    assert name_segments(profile_of((0.0, 0.0, 0.0, 0.0)), archetypes, rule=RULE)[0].key == "all_customers"


@settings(deadline=None)
@given(z=st.lists(st.tuples(*[st.floats(-3, 3)] * 4), min_size=2, max_size=10), seed=st.integers(0, 9))
def test_keys_are_unique_and_archetype_names_true_for_any_profile(z: list[tuple[float, ...]], seed: int) -> None:
    archetypes = pd.read_csv(PROJECT / "seeds" / "segment_archetypes.csv")
    profile = profile_of(*z)
    overlap = np.random.default_rng(seed).integers(0, 50, (len(z), 3))
    before = [SegmentName(key, key, "archetype", 1.0) for key in ("dissatisfied", "recent_low_spend", "big_spenders")]
    names = name_segments(profile, archetypes, previous=before, overlap=overlap, rule=RULE)
    assert len({name.key for name in names}) == len(z)
    for segment, name in enumerate(names):
        if name.source == "archetype":
            row = archetypes[archetypes["segment_key"] == name.key].iloc[0]
            traits = {feature: float(row[feature]) for feature in FEATURES if pd.notna(row[feature])}
            assert name_is_true(traits, profile, segment, 0.1)


SPEAKS_OF_REVIEWS_OR_DELIVERIES = re.compile("review|parcel|deliver|pleased|satisf|content|disappoint", re.IGNORECASE)


def test_only_archetypes_of_reviews_and_deliveries_speak_of_them(archetypes: pd.DataFrame) -> None:
    """A shop without either has archetypes, stages and a playbook that are true of it."""
    weights = archetypes.set_index("segment_key")[["avg_review_score", "late_delivery_share"]].fillna(0)
    of_neither = set(weights.index[(weights == 0).all(axis=1)])
    playbook = pd.read_csv(PROJECT / "seeds" / "segment_stage_playbook.csv")
    stages = pd.read_csv(PROJECT / "seeds" / "lifecycle_stages.csv")
    texts = [
        *archetypes[archetypes["segment_key"].isin(of_neither)].drop(columns="segment_key").itertuples(),
        *playbook[playbook["segment_key"].isin(of_neither)].itertuples(),
        *stages.itertuples(),
    ]
    assert {"big_spenders", "small_baskets"} <= of_neither
    assert "late_dissatisfied" not in of_neither
    assert [text for text in texts if SPEAKS_OF_REVIEWS_OR_DELIVERIES.search(" ".join(map(str, text[1:])))] == []
