"""Which segment is which: keys and names that are true, and that survive a refit.

A new fit numbers its segments arbitrarily. Those that hold mostly the same customers as a segment of the version before
keep its key and name; the others take the archetype their profile resembles most; one that resembles none is named
from its two strongest traits. Both matchings are optimal assignments (`matched_segments`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import jaccard, matched_segments
from olist_segments.model.features import Words, words_of

ONLY_SEGMENT = ("all_customers", "All customers")

# Columns of the seed that are no trait; every other one is a feature of that name.
_PLAYBOOK = ("segment_key", "segment_name", "meaning", "recommended_action", "channel", "kpi", "stop_rule")


@dataclass(frozen=True)
class SegmentName:
    """What a segment is called and why.

    `source` is 'previous_version', 'archetype', 'traits' or 'only_segment'; `match_score` is the Jaccard index with the
    earlier segment, or the cosine with the archetype, or null for a name made from traits.
    """

    key: str
    name: str
    source: str
    match_score: float | None


@dataclass(frozen=True)
class NamingRule:
    """How much it takes for a name.

    A trait that a name claims lies `min_effect` standard deviations or more from everybody's mean; an archetype's name
    needs a cosine of `min_cosine` between its traits and the segment's profile; the name of an earlier segment needs a
    Jaccard similarity of `min_jaccard` with its customers. `words`: what a segment is called after a feature.
    """

    min_effect: float
    min_cosine: float
    min_jaccard: float
    words: Mapping[str, Words] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> NamingRule:
        """The rule that the settings of the dbt model fit_segment_model ask for."""
        return cls(
            settings["name_min_effect"],
            settings["name_min_cosine"],
            settings["match_min_jaccard"],
            words_of(settings["features"]),
        )


@dataclass(frozen=True)
class Profile:
    """How k segments differ from everybody, in d features.

    `features`: the d names; `z`: (k, d) mean standardised value; `raw_gap`: (k, d) mean raw value less everybody's
    mean; `share_above` and `share_below`: (k, d) shares, 0 to 1, of the members with a known value for whom it is above
    or below everybody's mean.
    """

    features: tuple[str, ...]
    z: FloatArray
    raw_gap: FloatArray
    share_above: FloatArray
    share_below: FloatArray


def profile_segments(
    raw: pd.DataFrame, z: FloatArray, features: Sequence[str], labels: IntArray, segment_count: int
) -> Profile:
    """The profile of `segment_count` segments.

    `raw` (n rows) holds the features in their own units with gaps, `z` (n, d) the same standardised and imputed,
    `labels` (n,) the segment of each row. A segment without members has a profile of zeros.
    """
    values = raw[list(features)].to_numpy(dtype=np.float64, na_value=np.nan)
    overall = raw[list(features)].astype(float).mean().to_numpy()
    z_means, raw_gap, above, below = (np.zeros((segment_count, len(features))) for _ in range(4))
    for segment in range(segment_count):
        members = labels == segment
        if members.any():
            z_means[segment] = z[members].mean(axis=0)
            raw_gap[segment] = raw.loc[members, list(features)].astype(float).mean().to_numpy() - overall
            known = np.maximum((~np.isnan(values[members])).sum(axis=0), 1)
            above[segment] = (values[members] > overall).sum(axis=0) / known
            below[segment] = (values[members] < overall).sum(axis=0) / known
    return Profile(tuple(features), z_means, np.nan_to_num(raw_gap), above, below)


def name_is_true(traits: Mapping[str, float], profile: Profile, segment: int, min_effect: float) -> bool:
    """Whether every trait is on the stated side of the mean, by at least `min_effect` standard deviations.

    `traits` maps a feature to a signed weight. A trait on a feature that the profile lacks is not true. Both the
    standardised and the raw mean must agree, so that a transform can't make a name true on paper only; and most members
    must be on that side themselves, so that a few can't lend the others a name.
    """
    for feature, weight in traits.items():
        if feature not in profile.features:
            return False
        column = profile.features.index(feature)
        sign = np.sign(weight)
        if sign * profile.z[segment, column] < min_effect or sign * profile.raw_gap[segment, column] <= 0:
            return False
        if (profile.share_above if sign > 0 else profile.share_below)[segment, column] <= 0.5:
            return False
    return True


def archetype_traits(archetypes: pd.DataFrame) -> list[dict[str, float]]:
    """The traits of each archetype (rows of the seed): feature to signed weight, blanks and zeros left out."""
    known = [column for column in archetypes.columns if column not in _PLAYBOOK]
    return [
        {column: float(row[column]) for column in known if pd.notna(row[column]) and float(row[column]) != 0}
        for _, row in archetypes.iterrows()
    ]


def match_to_previous(overlap: IntArray, min_jaccard: float) -> dict[int, tuple[int, float]]:
    """New segment to (old segment, Jaccard) for the pairs of the best one-to-one matching at `min_jaccard` or more.

    `overlap` is (k_new, k_old): how many of the same customers are in both.
    """
    similarity = jaccard(overlap)
    # A pair below the bar is worth nothing, so that it never displaces one above it.
    worth = np.where(similarity >= min_jaccard, similarity, 0.0)
    pairs = enumerate(matched_segments(worth).tolist())
    return {new: (old, float(similarity[new, old])) for new, old in pairs if old >= 0 and worth[new, old] > 0}


def match_to_archetypes(
    profile: Profile, archetypes: pd.DataFrame, segments: Sequence[int], rule: NamingRule
) -> dict[int, tuple[int, float]]:
    """Segment to (row of `archetypes`, cosine) by the assignment of the largest total cosine.

    Only pairs whose every trait is true and whose cosine between the segment's z profile and the traits reaches that
    of `rule` can meet; a segment without such a partner is absent from the result.
    """
    traits = archetype_traits(archetypes)
    cosine = np.full((len(segments), len(traits)), -1.0)
    for row, segment in enumerate(segments):
        vector = profile.z[segment]
        length = float(np.linalg.norm(vector))
        for column, wanted in enumerate(traits):
            if not wanted or length == 0 or not name_is_true(wanted, profile, segment, rule.min_effect):
                continue
            target = np.array([wanted.get(feature, 0.0) for feature in profile.features])
            cosine[row, column] = float(vector @ target) / (length * float(np.linalg.norm(target)))
    # A pair below the bar is worth nothing, so it never displaces one above it.
    worth = np.where(cosine >= rule.min_cosine, cosine, 0.0)
    return {
        segments[row]: (column, float(cosine[row, column]))
        for row, column in enumerate(matched_segments(worth).tolist())
        if column >= 0 and worth[row, column] > 0
    }


def name_from_traits(profile: Profile, segment: int, words: Mapping[str, Words]) -> tuple[str, str]:
    """Key and name made of the two features in which the segment differs most from everybody, most members included.

    Where none sets most members apart, the strongest stands alone. `words`: what it is called after a feature.
    """
    order = np.argsort(-np.abs(profile.z[segment]), kind="stable")
    signs = {profile.features[column]: float(np.sign(profile.z[segment, column])) for column in order}
    true = [c for c in order if name_is_true({profile.features[c]: signs[profile.features[c]]}, profile, segment, 0.0)]
    strongest = true[:2] or order[:1]
    keys, phrases = [], []
    for column in strongest:
        feature = profile.features[column]
        is_above = int(profile.z[segment, column] > 0)
        key, phrase = (words.get(feature) or words_of({feature: {}})[feature])[is_above]
        keys.append(key)
        phrases.append(phrase)
    return "_".join(keys), ", ".join(phrases).capitalize()


def name_segments(
    profile: Profile,
    archetypes: pd.DataFrame,
    rule: NamingRule,
    *,
    previous: Sequence[SegmentName] = (),
    overlap: IntArray | None = None,
) -> list[SegmentName]:
    """A name for each of the k segments of `profile`, keys unique.

    `previous` and `overlap` (k, number of previous segments) describe the version before; leave them out for the
    first. A segment that keeps its key keeps its name too, unless that name has ceased to be true: then it is renamed
    from its traits under the old key.
    """
    segment_count = profile.z.shape[0]
    if segment_count == 1:
        return [SegmentName(*ONLY_SEGMENT, "only_segment", None)]

    names: dict[int, SegmentName] = {}
    traits_by_key = dict(zip(archetypes["segment_key"], archetype_traits(archetypes), strict=True))
    if overlap is not None and len(previous):
        for segment, (old, score) in match_to_previous(overlap, rule.min_jaccard).items():
            before = previous[old]
            if before.key == ONLY_SEGMENT[0]:
                continue
            traits = traits_by_key.get(before.key)
            still_true = traits is not None and name_is_true(traits, profile, segment, rule.min_effect)
            name = before.name if still_true else name_from_traits(profile, segment, rule.words)[1]
            names[segment] = SegmentName(before.key, name, "previous_version", score)

    taken = {name.key for name in names.values()}
    free_archetypes = archetypes[~archetypes["segment_key"].isin(taken)].reset_index(drop=True)
    unnamed = [segment for segment in range(segment_count) if segment not in names]
    matched = match_to_archetypes(profile, free_archetypes, unnamed, rule)
    for segment, (row, cosine) in matched.items():
        archetype = free_archetypes.iloc[row]
        names[segment] = SegmentName(str(archetype["segment_key"]), str(archetype["segment_name"]), "archetype", cosine)

    taken |= {name.key for name in names.values()}
    for segment in unnamed:
        if segment in names:
            continue
        key, name = name_from_traits(profile, segment, rule.words)
        number = 1
        while (unique_key := key if number == 1 else f"{key}_{number}") in taken:
            number += 1
        taken.add(unique_key)
        names[segment] = SegmentName(unique_key, name if number == 1 else f"{name} {number}", "traits", None)
    return [names[segment] for segment in range(segment_count)]
