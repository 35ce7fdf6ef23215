"""The registry of features, the var `features` of dbt_project.yml, as Python reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

Registry = Mapping[str, Mapping[str, Any]]
Words = tuple[tuple[str, str], tuple[str, str]]
"""Below and above the mean: the part of a key, then the phrase of a name."""


def transforms_of(features: Registry) -> dict[str, str]:
    """Name of a feature to the name of the transform it is clustered on."""
    return {name: str(entry["transform"]) for name, entry in features.items()}


def described_of(features: Registry) -> dict[str, str]:
    """As `transforms_of`, of the features by which segments are named and profiled."""
    return transforms_of({name: entry for name, entry in features.items() if entry.get("describes", True)})


def known_of(features: Iterable[str], customers: pd.DataFrame, min_known_share: float) -> list[str]:
    """Those of `features` that tell `customers` apart, in their order.

    A feature is known where at least `min_known_share` of the customers have a value and two of the values differ. One
    that is no column at all counts as known: whoever reads it says that it is missing.
    """
    known = []
    for name in features:
        values = customers[name] if name in customers.columns else None
        if values is None or (values.notna().mean() >= min_known_share and values.min() < values.max()):
            known.append(name)
    return known


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


def words_of(features: Registry) -> dict[str, Words]:
    """Name of a feature to what a segment below, and above, its mean is called."""
    return {name: (_side(name, entry, "low"), _side(name, entry, "high")) for name, entry in features.items()}


def _side(name: str, entry: Mapping[str, Any], side: str) -> tuple[str, str]:
    phrase = str(entry.get(side) or f"{side} {entry.get('label') or name.replace('_', ' ')}")
    return str(entry.get(f"{side}_key") or re.sub(r"[^a-z0-9]+", "_", phrase.lower()).strip("_") or name), phrase
