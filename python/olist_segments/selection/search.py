"""Which candidates compete for a version, by which rule, and how much evidence each gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from olist_segments.errors import UserError
from olist_segments.model.features import known_of, spare_sets_of, transforms_of
from olist_segments.settings.check import check_setting
from olist_segments.settings.model import ALGORITHMS, SegmentationRule

SMALLEST_POPULATION = 200
"""Fewer customers than this are not clustered."""

MIN_CLUSTER_SIZES = ("1%", "2%", "5%")
"""The grid of the density method: the smallest share of the customers that is a cluster."""


def settings_of(algorithm: str, k_min: int, k_max: int) -> list[str]:
    """The settings to try, as words: 'k=2' and so on, or 'min_cluster_size=1%' and so on for the density method."""
    if algorithm == "hdbscan":
        return [f"min_cluster_size={size}" for size in MIN_CLUSTER_SIZES]
    return [f"k={k}" for k in range(k_min, k_max + 1)]


@dataclass(frozen=True)
class ShelfLifeTerms:
    """What must hold: an adjusted Rand index of `threshold` in `origin_share` (0 to 1) of the origins.

    An age is judged when `min_origins` or more origins have reached it; an origin weighs half as much as one that is
    `half_life_days` younger. Dates are `step_days` apart. The history is
    simulated `starts` times: where k-means settles differs from start to start, and a single history is luck.
    """

    threshold: float = 0.8
    origin_share: float = 0.9
    min_origins: int = 5
    half_life_days: int = 182
    step_days: int = 28
    starts: int = 3

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> ShelfLifeTerms:
        """The terms that the settings of the dbt model fit_segment_candidates ask for."""
        return cls(**settings)


@dataclass(frozen=True)
class Search:
    """Which candidates compete, the rule that chooses one of them, and how much evidence each gets.

    With `only`, no others than these (feature set, algorithm, setting) compete. `feature_sets` names lists of features,
    `transforms` gives each feature its transform; `algorithms` are out of ALGORITHMS, with `k_min` to `k_max` segments
    where the algorithm is told how many. The evidence rests on so many `references` of each kind, bootstrap
    `resamples`, random `splits` into halves, and `seeds`, refits that differ by their starting points; `shelf_life`
    says when an eligible candidate keeps. All draws follow from `seed`. A feature takes part from a share of
    `min_known_share` known values on, and `spare_sets` compete where no other set is left (`known_to`). Raises
    UserError for settings that make no table.
    """

    feature_sets: Mapping[str, Sequence[str]]
    transforms: Mapping[str, str]
    algorithms: Sequence[str] = ALGORITHMS
    k_min: int = 2
    k_max: int = 10
    rule: SegmentationRule = field(default_factory=SegmentationRule)
    shelf_life: ShelfLifeTerms = field(default_factory=ShelfLifeTerms)
    seed: int = 0
    only: frozenset[tuple[str, str, str]] = frozenset()
    references: int = 20
    resamples: int = 20
    splits: int = 12
    seeds: int = 5
    min_known_share: float = 0.0
    spare_sets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Search:
        """The search that the settings of the dbt model fit_segment_candidates ask for."""
        return cls(
            feature_sets=settings["feature_sets"],
            transforms=transforms_of(settings["features"]),
            algorithms=settings["algorithms"],
            k_min=settings["k_min"],
            k_max=settings["k_max"],
            rule=check_setting("segmentation_rule", settings["rule"]),
            shelf_life=ShelfLifeTerms.of(settings["shelf_life"]),
            seed=settings["seed"],
            min_known_share=float(settings["min_known_share"]),
            spare_sets=spare_sets_of(settings),
        )

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.feature_sets:
            raise UserError("there is no feature set to cluster: name at least one.")
        for name, features in (*self.feature_sets.items(), *self.spare_sets.items()):
            if not features or len(set(features)) < len(features):
                raise UserError(f"feature set {name} is empty or names a feature twice: list each feature once.")
            for feature in features:
                if feature not in self.transforms:
                    raise UserError(f"feature {feature} of set {name} has no transform: add it to the transforms.")
        algorithms = self.algorithms
        if not algorithms or set(algorithms) - set(ALGORITHMS) or len(set(algorithms)) < len(algorithms):
            raise UserError(f"the algorithms are {list(algorithms)}: name each once, out of {', '.join(ALGORITHMS)}.")
        if not 2 <= self.k_min <= self.k_max:
            raise UserError(
                f"the number of segments runs from {self.k_min} to {self.k_max}: start at 2 or more and do not end "
                "below."
            )
        if min(self.references, self.resamples, self.seeds, self.splits) < 2:
            raise UserError("the evidence takes at least 2 references, resamples, seeds and splits: ask for more.")

    def tries(self, feature_set: str, algorithm: str, setting: str) -> bool:
        """Whether a feature set, algorithm and setting is among what competes."""
        known = feature_set in self.feature_sets and algorithm in self.algorithms
        return known and setting in settings_of(algorithm, self.k_min, self.k_max)

    def features(self, feature_set: str) -> dict[str, str]:
        """The features of a set, each with the name of its transform."""
        return {feature: self.transforms[feature] for feature in self.feature_sets[feature_set]}

    def known_to(self, customers: pd.DataFrame) -> Search:
        """The same search over the feature sets that these customers have values of.

        A set whose every feature is known (`known_of`) stays. Where none is left the spare sets that are known compete;
        where no spare set is known either, all sets do: nothing sets these customers apart but what varies in them.
        """
        for sets in (self.feature_sets, self.spare_sets):
            known = {
                name: features
                for name, features in sets.items()
                if len(known_of(features, customers, self.min_known_share)) == len(features)
            }
            if known:
                return replace(self, feature_sets=known)
        return self

    def with_spare_sets(self) -> Search:
        """The same search over all sets, the spare ones among them: whatever a version may have been made of."""
        return replace(self, feature_sets={**self.spare_sets, **self.feature_sets})
