"""Which candidates compete for a version, by which rule, and how much evidence each gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from olist_segments.errors import UserError
from olist_segments.model.features import known_of, transforms_of
from olist_segments.selection.algorithms import settings_of
from olist_segments.selection.shelf_life import ShelfLifeTerms
from olist_segments.settings.check import check_setting
from olist_segments.settings.model import ALGORITHMS, SegmentationRule


def spare_sets_of(settings: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """The spare feature sets of a dbt model's settings.

    Whoever replaces the vars `features` or `feature_sets` need not think of them: a spare set of other features, or of
    the name of another set, is none.
    """
    return {
        name: features
        for name, features in settings["spare_sets"].items()
        if name not in settings["feature_sets"] and set(features) <= set(settings["features"])
    }


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
