"""Every var of the project is checked, and a value that it may not have is refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from dbt_here import PROJECT
from olist_segments.errors import UserError
from olist_segments.model import scaling
from olist_segments.selection import columns
from olist_segments.settings.check import check_features, check_forecast_terms, check_setting, check_settings
from olist_segments.settings.model import FIGURES, TRANSFORMS, FeatureEntry, ForecastRule, SegmentationRule, Settings

VALUES: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
SETTINGS_OF_BANDS = (
    "min_pairs, watch_deviations, watch_floor, watch_uncalibrated, act_deviations, act_floor, act_uncalibrated"
)

# What is given instead of the values in dbt_project.yml, and the whole sentence.
REFUSED = [
    (
        '{random_seed: "1; drop table orders"}',
        "The var random_seed is '1; drop table orders': give a whole number from 0 to 2147483647.",
    ),
    ("{random_seed: -1}", "The var random_seed is -1: give a whole number from 0 to 2147483647."),
    ('{random_seed: "\\e[2J"}', "The var random_seed is '?[2J': give a whole number from 0 to 2147483647."),
    ('{outcome_days: "90"}', "The var outcome_days is '90': give a whole number from 1 to 3650."),
    ("{outcome_days: 1.5}", "The var outcome_days is 1.5: give a whole number from 1 to 3650."),
    ("{outcome_days: true}", "The var outcome_days is True: give a whole number from 1 to 3650."),
    ("{ageing_horizon_days: null}", "The var ageing_horizon_days is None: give a whole number from 1 to 3650."),
    ("{ageing_horizon_days: 0}", "The var ageing_horizon_days is 0: give a whole number from 1 to 3650."),
    ('{refit: "yes"}', "The var refit is 'yes': give true or false."),
    ("{refit: 1}", "The var refit is 1: give true or false."),
    ("{refitt: true}", "There is no var 'refitt': the names of all are in dbt_project.yml, under vars."),
    (
        '{window_min_share_of_typical_month: "0.1 or 1 = 1"}',
        "The var window_min_share_of_typical_month is '0.1 or 1 = 1': give a number from 0.001 to 1.",
    ),
    ("{contract_origin_share: .nan}", "The var contract_origin_share is nan: give a number from 0 to 1."),
    ("{contract_origin_share: .inf}", "The var contract_origin_share is inf: give a number from 0 to 1."),
    (
        "{contract_threshold: 0.75}",
        "The var contract_threshold is 0.75, which is not among contract_thresholds: add it there.",
    ),
    ("{contract_thresholds: [0.8, 0.8]}", "The var contract_thresholds names 0.8 twice: name it once."),
    (
        '{contract_thresholds: [0.8, "0.9) --"]}',
        "A member of the var contract_thresholds is '0.9) --': give a number from 0 to 1.",
    ),
    ("{contract_thresholds: []}", "The var contract_thresholds is []: give a list of at least one member."),
    ("{invalid_order_statuses: canceled}", "The var invalid_order_statuses is 'canceled': give a list."),
    (
        '{features: {"x\' from y; --": {transform: ln}}}',
        "A key of the var features is 'x' from y; --': give a name of lower-case letters, digits and underscores.",
    ),
    (
        "{feature_transforms: {recency_days: identity}}",
        "The var feature_transforms is gone: give each feature its transform in the var features, like {recency_days: "
        "{transform: identity}}.",
    ),
    (
        "{auto_refit: true}",
        "The var auto_refit is gone: run olist-segments refit-if-due after the build, which refits when the contract "
        "asks for it.",
    ),
    (
        "{features: {recency_days: {label: recency}}}",
        "The var features.recency_days lacks the key transform: give it.",
    ),
    (
        "{features: {recency_days: {transform: ln, labels: recency}}}",
        "The var features.recency_days has no key 'labels': its keys are transform, profile_transform, label, unit, "
        "better, low, high, low_key, high_key, moved_by, describes.",
    ),
    (
        "{features: {recency_days: ln}}",
        "The var features.recency_days is 'ln': give a mapping with the keys transform, profile_transform, label, "
        "unit, better, low, high, low_key, high_key, moved_by, describes.",
    ),
    (
        "{features: {recency_days: {transform: sin}}}",
        "The var features.recency_days.transform is 'sin': give one of identity, ln, log1p, sqrt.",
    ),
    (
        "{feature_sets: {a: [item_count]}}",
        "The var feature_sets.a names item_count, which is not in features: give it a transform there, or take it off "
        "the list.",
    ),
    (
        "{feature_min_known_share: 2}",
        "The var feature_min_known_share is 2: give a number from 0 to 1.",
    ),
    (
        "{spare_feature_sets: {fm: []}}",
        "The var spare_feature_sets.fm is []: give a list of at least one member.",
    ),
    (
        "{spare_feature_sets: [total_spend]}",
        "The var spare_feature_sets is ['total_spend']: give a mapping of names to values.",
    ),
    (
        "{candidate_algorithms: [dbscan]}",
        "A member of the var candidate_algorithms is 'dbscan': give one of kmeans, gaussian_mixture, ward, hdbscan.",
    ),
    (
        "{candidate_k_min: 9, candidate_k_max: 8}",
        "The var candidate_k_max is 8, less than candidate_k_min, which is 9: give it as much or more.",
    ),
    (
        "{max_segments: 5}",
        "The var max_segments is 5, less than candidate_k_max, which is 10: give it as much or more, for SQL scores no "
        "more segments than that.",
    ),
    (
        "{lifecycle_return_shares: [0.5, 0.25, 0.8]}",
        "The var lifecycle_return_shares is [0.5, 0.25, 0.8]: give three numbers from 0 to 1, each greater than the "
        "one before.",
    ),
    (
        "{lifecycle_return_shares: []}",
        "The var lifecycle_return_shares is []: give three numbers from 0 to 1, each greater than the one before.",
    ),
    (
        "{lifecycle_default_days: [60, 60, 365]}",
        "The var lifecycle_default_days is [60, 60, 365]: give three whole numbers from 1 to 3650, each greater than "
        "the one before.",
    ),
    (
        "{lifecycle_days: [30, 90]}",
        "The var lifecycle_days is [30, 90]: give an empty list, or three whole numbers from 1 to 3650, each greater "
        "than the one before.",
    ),
    (
        '{lifecycle_days: [30, "60 or 1", 90]}',
        "The var lifecycle_days is [30, '60 or 1', 90]: give an empty list, or three whole numbers from 1 to 3650, "
        "each greater than the one before.",
    ),
    (
        "{lifecycle_days: 30}",
        "The var lifecycle_days is 30: give an empty list, or three whole numbers from 1 to 3650, each greater than "
        "the one before.",
    ),
    ("{lifecycle_min_returns: 0}", "The var lifecycle_min_returns is 0: give a whole number from 1 to 1000000."),
    (
        "{drift_bands: {min_pairs: 3}}",
        f"The var drift_bands lacks the key watch_deviations: give all of {SETTINGS_OF_BANDS}.",
    ),
    (
        "{segmentation_rule: {min_silhouette: 1}}",
        "The var segmentation_rule has no key 'min_silhouette': its keys are min_jaccard, min_prediction_strength, "
        "min_ari_seeds, min_segment_share, min_structure_gap, prefer, tolerance, shelf_life_tolerance_days, "
        "challenger_margin.",
    ),
    ('{max_segments: "10 --"}', "The var max_segments is '10 --': give a whole number from 2 to 50."),
    ("{contract_thresholds: 0.8}", "The var contract_thresholds is 0.8: give a list of at least one member."),
    ("{contract_thresholds: []}", "The var contract_thresholds is []: give a list of at least one member."),
    ("{features: x}", "The var features is 'x': give a mapping of names to values."),
    ("{features: {}}", "The var features is {}: give a mapping of names to values."),
    (
        "{features: {1: {transform: ln}}}",
        "A key of the var features is 1: give a name of lower-case letters, digits and underscores.",
    ),
    (
        "{feature_sets: {a: [Recency]}}",
        "A member of the var feature_sets.a is 'Recency': give a name of lower-case letters, digits and underscores.",
    ),
    ("{invalid_order_statuses: 3}", "The var invalid_order_statuses is 3: give a list."),
    (
        '{invalid_order_statuses: [""]}',
        "A member of the var invalid_order_statuses is '': give a text of 1 to 100 characters.",
    ),
    ("{drift_clock_driven_features: 3}", "The var drift_clock_driven_features is 3: give a list."),
    ("{drift_bands: 3}", f"The var drift_bands is 3: give a mapping with the keys {SETTINGS_OF_BANDS}."),
    (
        "{segmentation_rule: {min_jaccard: 1.5}}",
        "The var segmentation_rule.min_jaccard is 1.5: give a number from 0 to 1.",
    ),
    (
        "{segmentation_rule: {min_structure_gap: -0.1}}",
        "The var segmentation_rule.min_structure_gap is -0.1: give a number from 0 to 1000000.",
    ),
    (
        "{segmentation_rule: {tolerance: 1}}",
        "The var segmentation_rule.tolerance is 1: give a number from 0 to 0.99.",
    ),
    (
        "{segmentation_rule: {prefer: silhouette}}",
        "The var segmentation_rule.prefer is 'silhouette': give a list of at least one member.",
    ),
    (
        "{segmentation_rule: {prefer: [elbow]}}",
        f"A member of the var segmentation_rule.prefer is 'elbow': give one of {', '.join(FIGURES)}.",
    ),
    ("{forecast_terms: []}", "The var forecast_terms is []: give a list of at least one member."),
    (
        '{forecast_terms: ["ln(x)"]}',
        "A member of the var forecast_terms is 'ln(x)': give a name of lower-case letters, digits and underscores.",
    ),
    ("{forecast_terms: [ln_spend, ln_spend]}", "The var forecast_terms names 'ln_spend' twice: name it once."),
    ("{forecast_training_dates: 0}", "The var forecast_training_dates is 0: give a whole number from 1 to 120."),
    (
        "{forecast_rule: {min_returns: 0}}",
        "The var forecast_rule.min_returns is 0: give a whole number from 1 to 1000000.",
    ),
    (
        "{forecast_rule: {min_auc: 0.6}}",
        "The var forecast_rule has no key 'min_auc': its keys are min_returns, min_judged_dates, min_auc_lead, "
        "min_slope, max_slope, min_order_ratio, max_order_ratio.",
    ),
    (
        "{forecast_rule: {max_slope: 0.5}}",
        "The var forecast_rule.max_slope is 0.5, less than min_slope, which is 0.7: give it as much or more.",
    ),
    (
        "{forecast_rule: {min_order_ratio: 2}}",
        "The var forecast_rule.max_order_ratio is 1.25, less than min_order_ratio, which is 2: give it as much or "
        "more.",
    ),
    ("{refit_forecasts: 1}", "The var refit_forecasts is 1: give true or false."),
    ("{control_group_share: 0.6}", "The var control_group_share is 0.6: give a number from 0 to 0.5."),
    ("{contact_cooldown_days: -1}", "The var contact_cooldown_days is -1: give a whole number from 0 to 3650."),
    *(
        (
            f"{{campaign_salt: '{salt}'}}",
            f"The var campaign_salt is '{salt[:60]}': give a text of 1 to 100 printable ASCII characters without |.",
        )
        for salt in ("", "a|b", "é", "x" * 101)
    ),
    (
        "{alert_rule: {segment_loss_share: 2}}",
        "The var alert_rule.segment_loss_share is 2: give a number from 0 to 1.",
    ),
    (
        "{alert_rule: {due_days: 7}}",
        "The var alert_rule has no key 'due_days': its keys are refit_due_within_days, segment_loss_share, "
        "campaign_ended_within_days.",
    ),
    *(
        (
            f"{{muted_alerts: ['{muted}']}}",
            f"A member of the var muted_alerts is '{muted}': give one of contract_broken, contract_due, forecasts_off, "
            "segment_shrank, campaign_ended, unexpected_rows, build_warning, alone or with a colon and a subject.",
        )
        for muted in ("stages_by_default", "build_warnings", "build_warning:", "x build_warning")
    ),
    ("{audience_max_change_share: half}", "The var audience_max_change_share is 'half': give a number from 0 to 100."),
]


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(UserError) as told:
        check_settings(values)
    return str(told.value)


def test_every_var_is_in_the_model_and_keeps_to_it() -> None:
    assert sorted(Settings.model_fields) == sorted(VALUES)
    check_settings(VALUES)


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_a_value_that_a_var_may_not_have_is_refused(given: str, sentence: str) -> None:
    assert refusal(VALUES | yaml.safe_load(given)) == sentence


def test_a_var_without_a_value_is_named() -> None:
    rest = {name: value for name, value in VALUES.items() if name != "outcome_days"}

    assert refusal(rest) == "There is no value of the var outcome_days: give it one in dbt_project.yml, under vars."


def test_one_var_by_itself_is_refused_by_the_same_sentence() -> None:
    for given, sentence in REFUSED[:4]:
        ((name, value),) = yaml.safe_load(given).items()
        with pytest.raises(UserError) as told:
            check_setting(name, value)
        assert str(told.value) == sentence


def entries(transforms: dict[str, str]) -> dict[str, FeatureEntry]:
    return {name: FeatureEntry(transform=transform) for name, transform in transforms.items()}


@pytest.mark.parametrize(
    ("transforms", "sentence"),
    [
        (
            {"inputs_digest": "ln"},
            "The var features names inputs_digest, which is no number of the table "
            "customer_features_monthly: take it off, or add the column.",
        ),
        (
            {"order_count": "ln", "no_column": "ln"},
            "The var features names no_column, which is no number of the table customer_features_monthly: "
            "take it off, or add the column.",
        ),
        (
            {"recency_days": "ln"},
            "The var features.recency_days.transform is 'ln', and recency_days may be 0, which has no logarithm: give "
            "log1p.",
        ),
    ],
)
def test_a_feature_that_is_no_number_or_has_no_logarithm_is_refused(transforms: dict[str, str], sentence: str) -> None:
    columns: dict[str, dict[str, Any]] = {
        "inputs_digest": {"data_type": "text", "meta": {}},
        "order_count": {"data_type": "integer", "meta": {"is_positive": True}},
        "recency_days": {"data_type": "integer", "meta": {}},
    }
    check_features(entries({"order_count": "ln", "recency_days": "log1p"}), columns)

    with pytest.raises(UserError) as told:
        check_features(entries(transforms), columns)
    assert str(told.value) == sentence


@pytest.mark.parametrize("term", ["next_spend", "no_column"])
def test_a_term_of_forecasts_that_is_an_outcome_or_unknown_is_refused(term: str) -> None:
    columns: dict[str, dict[str, Any]] = {
        "next_spend": {"data_type": "double", "meta": {}},
        "ln_spend": {"data_type": "double", "meta": {"is_term": True}},
        "has_come_back": {"data_type": "double", "meta": {"is_term": True}},
    }
    check_forecast_terms(["has_come_back", "ln_spend"], columns)

    with pytest.raises(UserError) as told:
        check_forecast_terms(["ln_spend", term], columns)
    assert str(told.value) == (
        f"The var forecast_terms names {term}, which is no term: the terms are ln_spend, has_come_back."
    )


def test_a_key_that_the_rule_lacks_has_the_value_of_the_project_file() -> None:
    assert ForecastRule() == check_setting("forecast_rule", VALUES["forecast_rule"])
    assert SegmentationRule() == check_setting("segmentation_rule", VALUES["segmentation_rule"])
    rule = check_setting("segmentation_rule", {"prefer": ["silhouette"]})
    assert (rule.prefer, rule.min_jaccard) == (("silhouette",), VALUES["segmentation_rule"]["min_jaccard"])


def test_what_may_be_named_is_what_there_is() -> None:
    assert tuple(scaling.TRANSFORMS) == TRANSFORMS
    assert set(FIGURES) <= set(columns.COLUMNS)
