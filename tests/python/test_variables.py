"""Every var of the project has a rule, and a value that breaks it is refused in one sentence before it reaches SQL."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner
from faults import PROJECT, Project, RunnerOf, sentence_of
from rules_of_variables import rules

SETTINGS_OF_BANDS = (
    "min_pairs, watch_deviations, watch_floor, watch_uncalibrated, act_deviations, act_floor, act_uncalibrated"
)

# What is given on the command line, and the whole sentence.
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
        "{features: {recency_days: {transform: sin}}}",
        "The var features.recency_days.transform is 'sin': give one of identity, ln, log1p, sqrt.",
    ),
    (
        "{features: {inputs_digest: {transform: ln}}, feature_sets: {a: [inputs_digest]}}",
        "The var features names inputs_digest, which is no number of the table customer_features_monthly: "
        "take it off, or add the column.",
    ),
    (
        "{features: {recency_days: {transform: ln}}, feature_sets: {a: [recency_days]}}",
        "The var features.recency_days.transform is 'ln', and recency_days may be 0, which has no logarithm: give "
        "log1p.",
    ),
    (
        "{feature_sets: {a: [item_count]}}",
        "The var feature_sets.a names item_count, which is not in features: give it a transform there, or "
        "take it off the list.",
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
        "{drift_bands: {min_pairs: 3}}",
        f"The var drift_bands lacks the key watch_deviations: give all of {SETTINGS_OF_BANDS}.",
    ),
    (
        "{segmentation_rule: {min_silhouette: 1}}",
        "The var segmentation_rule has no key 'min_silhouette': its keys are min_jaccard, min_prediction_strength, "
        "min_ari_seeds, min_segment_share, min_structure_gap, prefer, tolerance.",
    ),
]

# Values that break what dbt renders while it reads the project, before any hook runs.
REFUSED_WHILE_READING = [
    ('{max_segments: "10 --"}', "The var max_segments is '10 --': give a whole number from 2 to 50."),
    ("{contract_thresholds: 0.8}", "The var contract_thresholds is 0.8: give a list of at least one member."),
    ("{features: x}", "The var features is 'x': give a mapping of names to values."),
    ("{invalid_order_statuses: 3}", "The var invalid_order_statuses is 3: give a list."),
    ("{drift_clock_driven_features: 3}", "The var drift_clock_driven_features is 3: give a list."),
    ("{drift_bands: 3}", f"The var drift_bands is 3: give a mapping with the keys {SETTINGS_OF_BANDS}."),
]


@pytest.fixture(scope="module")
def shared(runner_of: RunnerOf, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(runner_of, tmp_path_factory.mktemp("variables"))


def test_every_var_has_a_rule_and_every_rule_a_var() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))

    assert sorted(rules()) == sorted(project["vars"])


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_a_var_that_breaks_its_rule_is_refused_before_anything_is_read(
    shared: Project, given: str, sentence: str
) -> None:
    run = shared.run(variables=given)

    assert not run.success
    assert run.sentences == [sentence]
    assert "Traceback" not in run.log
    assert shared.tables(("raw", "main", "build_log")) == {}


@pytest.mark.parametrize(("given", "sentence"), REFUSED_WHILE_READING)
def test_a_var_that_no_model_can_be_read_with_is_told_as_well(shared: Project, given: str, sentence: str) -> None:
    shared.point_commands_here()
    events: list[Any] = []
    arguments = ["--quiet", "parse", "--no-write-json", "--log-level", "none", "--log-level-file", "none"]
    arguments += ["--target-path", str(shared.folder / "target"), "--vars", given]

    result = dbtRunner(callbacks=[events.append]).invoke(arguments)

    assert not result.success
    assert [sentence_of(event.info.msg) for event in events if event.info.level == "error"] == [sentence]


def test_a_text_that_is_allowed_is_compared_and_never_run(project: Project) -> None:
    hostile = """{invalid_order_statuses: ["x'); drop table raw.olist_orders_dataset; --", "{{ 1 / 0 }}"]}"""

    run = project.run("+orders", variables=hostile)

    assert run.success, run.sentences
    assert project.query("select count(*) from orders where is_valid_purchase") == [(2,)]
    assert project.query("select count(*) from raw.olist_orders_dataset") == [(2,)]
