"""What each var of dbt_project.yml may be; a var that is missing here is unknown.

Values stand in dbt_project.yml; here are only those of keys that a mapping may lack.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from olist_segments.bounds import RECOVERED
from olist_segments.settings.kinds import (
    NOT_ALLOWED,
    Ascending,
    Mapping,
    Members,
    Name,
    Number,
    OneOf,
    OneOfAbout,
    Salt,
    Text,
    Truth,
    Whole,
)

SENTENCE = "sentence"
"""Type of the errors whose message is the whole sentence."""

ALGORITHMS = ("kmeans", "gaussian_mixture", "ward", "hdbscan")
"""The algorithms that candidates may come from, in the order in which ties between them are broken."""
MOVED_BY = ("purchase", "review", "delivery", "clock")
TRANSFORMS = ("identity", "ln", "log1p", "sqrt")
ALERTS = (
    *("contract_broken", "contract_due", "forecasts_off", "segment_shrank", "campaign_ended"),
    *("unexpected_rows", "build_warning"),
)
"""Names of alerts, which may be muted."""
FIGURES = (
    *(
        "shelf_life_days",
        "structure_gap",
        "value_explained",
        "silhouette",
        "prediction_strength",
        "jaccard_min",
        "jaccard_mean",
    ),
    *("ari_seeds", "ari_resamples", "smallest_share", "calinski_harabasz", "davies_bouldin"),
)
"""Columns of candidates that may be preferred."""

Flag = Annotated[bool, Truth()]
Share = Annotated[float, Number(0, 1)]
Days = Annotated[int, Whole(1, 3650)]
DaysOfParcels = Annotated[int, Whole(30, 3650)]
Customers = Annotated[int, Whole(200, 1_000_000_000)]
Segments = Annotated[int, Whole(2, 50)]
Resamples = Annotated[int, Whole(2, 10_000)]
Deviations = Annotated[float, Number(0, 1000)]
Ratio = Annotated[float, Number(0, 1000)]
StabilityIndex = Annotated[float, Number(0, 100)]
Feature = Annotated[str, Name()]


class Group(BaseModel):
    """A var with keys of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise PydanticCustomError(NOT_ALLOWED, f"a mapping with the keys {', '.join(cls.model_fields)}")
        return value


class DaysAfterPurchase(Group):
    """Days after a purchase beyond which a time is mistyped."""

    delivery: DaysOfParcels
    review: DaysOfParcels


class FeatureEntry(Group):
    """A feature that may be clustered; all but the transform may be left out (macro `feature_entry`)."""

    transform: Annotated[str, OneOf(TRANSFORMS)]
    profile_transform: Annotated[str, OneOf(TRANSFORMS)] = ""
    label: Annotated[str, Text()] = ""
    unit: Annotated[str, Text()] = ""
    better: Annotated[str, OneOf(("low", "high"))] = ""
    low: Annotated[str, Text()] = ""
    high: Annotated[str, Text()] = ""
    low_key: Annotated[str, Name()] = ""
    high_key: Annotated[str, Name()] = ""
    moved_by: Annotated[str, OneOf(MOVED_BY)] = ""
    describes: Flag = True


class SegmentationRule(Group):
    """The rule that picks: lower bounds of a candidate, the figures that prefer in turn, the share that is a tie.

    A key that is not given has the default here.
    """

    min_jaccard: Share = RECOVERED
    min_prediction_strength: Share = 0.8
    min_ari_seeds: Share = 0.8
    min_segment_share: Share = 0.02
    min_structure_gap: Annotated[float, Number(0, 1_000_000)] = 0.1
    prefer: Annotated[tuple[Annotated[str, OneOf(FIGURES)], ...], Members()] = ("shelf_life_days", "structure_gap")
    tolerance: Annotated[float, Number(0, 0.99)] = 0.05
    shelf_life_tolerance_days: Annotated[int, Whole(0, 3650)] = 28
    challenger_margin: Annotated[float, Number(0, 100)] = 1.0


class ForecastRule(Group):
    """What a model of forecasts must keep to, or forecasts abstain; a key that is not given has the default here."""

    min_returns: Annotated[int, Whole(1, 1_000_000)] = 200
    min_judged_dates: Annotated[int, Whole(1, 1000)] = 3
    min_auc_lead: Share = 0.005
    min_slope: Ratio = 0.7
    max_slope: Ratio = 1.4
    min_order_ratio: Ratio = 0.8
    max_order_ratio: Ratio = 1.25


class AlertRule(Group):
    """From when on something asks for somebody; a key that is not given has the default here."""

    refit_due_within_days: Annotated[int, Whole(0, 3650)] = 14
    segment_loss_share: Share = 0.5
    campaign_ended_within_days: Annotated[int, Whole(0, 3650)] = 14


class DriftBands(Group):
    """From where on a drift is watched, and acted on."""

    min_pairs: Annotated[int, Whole(1, 1000)]
    watch_deviations: Deviations
    watch_floor: StabilityIndex
    watch_uncalibrated: StabilityIndex
    act_deviations: Deviations
    act_floor: StabilityIndex
    act_uncalibrated: StabilityIndex


class Settings(BaseModel):
    """All vars; what they mean stands in dbt_project.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    invalid_order_statuses: Annotated[list[Annotated[str, Text()]], Members(may_be_empty=True)]
    window_min_share_of_typical_month: Annotated[float, Number(0.001, 1)]
    month_over_min_order_share: Share
    max_days_after_purchase: DaysAfterPurchase

    features: Annotated[dict[Feature, FeatureEntry], Mapping()]
    feature_sets: Annotated[dict[Feature, Annotated[list[Feature], Members()]], Mapping()]
    feature_min_known_share: Share
    spare_feature_sets: Annotated[dict[Feature, Annotated[list[Feature], Members()]], Mapping(may_be_empty=True)]

    candidate_algorithms: Annotated[list[Annotated[str, OneOf(ALGORITHMS)]], Members()]
    candidate_k_min: Segments
    candidate_k_max: Segments
    segmentation_rule: SegmentationRule
    shelf_life_step_days: Days
    types_min_joint_gap: Annotated[float, Number(0, 1_000_000)]
    max_segments: Segments
    fit_max_customers: Customers
    random_seed: Annotated[int, Whole(0, 2**31 - 1)]

    name_min_effect: Deviations
    name_min_cosine: Share
    match_min_jaccard: Share
    dissatisfied_up_to_score: Annotated[float, Number(1, 5)]
    dormant_after_days: Days

    lifecycle_return_shares: Annotated[list[float], Ascending(Number(0, 1))]
    lifecycle_min_returns: Annotated[int, Whole(1, 1_000_000)]
    lifecycle_default_days: Annotated[list[int], Ascending(Whole(1, 3650))]
    lifecycle_days: Annotated[list[int], Ascending(Whole(1, 3650), may_be_empty=True)]

    refit: Flag
    rescore_history: Flag
    warn_far_beyond_share: Share
    warn_same_score_share: Share
    outcome_days: Days
    forecast_terms: Annotated[list[Feature], Members()]
    forecast_training_dates: Annotated[int, Whole(1, 120)]
    forecast_rule: ForecastRule
    refit_forecasts: Flag
    holdout_share: Annotated[float, Number(0.01, 0.99)]
    control_group_share: Annotated[float, Number(0, 0.5)]
    contact_cooldown_days: Annotated[int, Whole(0, 3650)]
    campaign_salt: Annotated[str, Salt()]
    audience_max_change_share: Annotated[float, Number(0, 100)]
    few_customers: Annotated[int, Whole(2, 1_000_000)]
    alert_rule: AlertRule
    muted_alerts: Annotated[list[Annotated[str, OneOfAbout(ALERTS)]], Members(may_be_empty=True)]
    same_shop_min_known_share: Share

    drift_recent_buyer_days: Days
    drift_reference_months: Annotated[int, Whole(1, 120)]
    drift_bins: Annotated[int, Whole(2, 100)]
    drift_clock_driven_features: Annotated[list[Feature], Members(may_be_empty=True)]
    drift_bands: DriftBands
    stability_resamples: Resamples

    ageing_origin_days: Days
    ageing_horizon_days: Days
    ageing_refit_days: Annotated[int, Whole(0, 3650)]
    ageing_clock_days: Days
    ageing_min_history_days: Days
    ageing_min_customers: Customers
    ageing_max_customers: Customers
    ageing_noise_refits: Annotated[int, Whole(1, 100)]
    ageing_resamples: Resamples
    ageing_newcomer_days: Days
    ageing_min_shift: Deviations
    ageing_refresh_days: Annotated[int, Whole(0, 3650)]

    contract_threshold: Share
    contract_thresholds: Annotated[list[Share], Members()]
    contract_origin_share: Share
    contract_half_life_days: Days
    contract_min_origins: Annotated[int, Whole(1, 1000)]

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        """Vars that are each as they may be, and not together."""
        if self.candidate_k_max < self.candidate_k_min:
            raise _sentence(
                f"the var candidate_k_max is {self.candidate_k_max}, less than candidate_k_min, which is "
                f"{self.candidate_k_min}: give it as much or more."
            )
        if self.max_segments < self.candidate_k_max:
            raise _sentence(
                f"the var max_segments is {self.max_segments}, less than candidate_k_max, which is "
                f"{self.candidate_k_max}: give it as much or more, for SQL scores no more segments than that."
            )
        if self.contract_threshold not in self.contract_thresholds:
            raise _sentence(
                f"the var contract_threshold is {self.contract_threshold:g}, which is not among contract_thresholds: "
                "add it there."
            )
        for name in ("slope", "order_ratio"):
            low, high = (getattr(self.forecast_rule, f"{end}_{name}") for end in ("min", "max"))
            if high < low:
                raise _sentence(
                    f"the var forecast_rule.max_{name} is {high:g}, less than min_{name}, which is {low:g}: give it as "
                    "much or more."
                )
        for name, features in self.feature_sets.items():
            for feature in features:
                if feature not in self.features:
                    raise _sentence(
                        f"the var feature_sets.{name} names {feature}, which is not in features: give it a transform "
                        "there, or take it off the list."
                    )
                if not self.features[feature].describes:
                    raise _sentence(
                        f"the var feature_sets.{name} names {feature}, which says describes: false in features: take "
                        "it off the list, or take describes out there."
                    )
        return self


def _sentence(sentence: str) -> PydanticCustomError:
    return PydanticCustomError(SENTENCE, "{sentence}", {"sentence": sentence})
