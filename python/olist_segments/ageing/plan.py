"""The settings of a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from olist_segments.model.features import spare_sets_of, transforms_of

CLOCK_FEATURE = "recency_days"
"""The feature that grows by a day a day."""


@dataclass(frozen=True)
class Plan:
    """The settings of a simulation.

    Days between origins, and between the dates of the variant with recency, which has the `clock_transform` (none: the
    variant is left out); refits behind a noise floor, resamples behind an interval, and for how many days somebody is a
    newcomer. A simulation that ends `refresh_days` before the data or more is run again. A shift is not told of fewer
    newcomers than `few_customers`. `sets` holds the transforms of every feature set that a refit may choose.
    """

    origin_days: int
    clock_days: int
    noise_refits: int
    resamples: int
    newcomer_days: int
    refresh_days: int
    few_customers: int
    clock_transform: str = ""
    sets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Plan:
        """The plan that the settings of the dbt model fit_ageing ask for."""
        transforms = transforms_of(settings["features"])
        sets = {
            name: {feature: transforms[feature] for feature in features}
            for name, features in (spare_sets_of(settings) | settings["feature_sets"]).items()
        }
        days = {one.name: int(settings[one.name]) for one in fields(cls) if one.name in settings}
        return cls(**days, clock_transform=transforms.get(CLOCK_FEATURE, ""), sets=sets)
