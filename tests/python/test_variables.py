"""A value that a var may not have is refused by dbt, in one sentence, before it reaches SQL.

What each var may be is tried in test_settings.
"""

from __future__ import annotations

from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from faults import Project, RunnerOf, sentence_of

# What is given on the command line, and the whole sentence.
REFUSED = [
    (
        '{random_seed: "1; drop table orders"}',
        "The var random_seed is '1; drop table orders': give a whole number from 0 to 2147483647.",
    ),
    ("{refitt: true}", "There is no var 'refitt': the names of all are in dbt_project.yml, under vars."),
    (
        "{candidate_k_min: 9, candidate_k_max: 8}",
        "The var candidate_k_max is 8, less than candidate_k_min, which is 9: give it as much or more.",
    ),
    (
        "{features: {inputs_digest: {transform: ln}}, feature_sets: {a: [inputs_digest]}}",
        "The var features names inputs_digest, which is no number of the table customer_features_monthly: "
        "take it off, or add the column.",
    ),
    (
        "{forecast_terms: [next_spend]}",
        "The var forecast_terms names next_spend, which is no term: the terms are ln_purchase_days, has_come_back, "
        "recency_up_to_90, recency_hundreds, ln_recency, come_back_ln_recency, ln_spend, review_score_centred, "
        "review_missing, late_share, nothing_delivered, delivery_tens, ln_items, ln_orders, first_ln_instalments, "
        "first_freight_share.",
    ),
    (
        "{features: {recency_days: {transform: ln}}, feature_sets: {a: [recency_days]}}",
        "The var features.recency_days.transform is 'ln', and recency_days may be 0, which has no logarithm: give "
        "log1p.",
    ),
]

# Values that break what dbt renders while it reads the project, before any hook runs.
REFUSED_WHILE_READING = [
    ('{max_segments: "10 --"}', "The var max_segments is '10 --': give a whole number from 2 to 50."),
    ("{contract_thresholds: 0.8}", "The var contract_thresholds is 0.8: give a list of at least one member."),
    ("{features: x}", "The var features is 'x': give a mapping of names to values."),
    ("{invalid_order_statuses: 3}", "The var invalid_order_statuses is 3: give a list."),
    ("{drift_clock_driven_features: 3}", "The var drift_clock_driven_features is 3: give a list."),
    (
        "{drift_bands: 3}",
        "The var drift_bands is 3: give a mapping with the keys min_pairs, watch_deviations, watch_floor, "
        "watch_uncalibrated, act_deviations, act_floor, act_uncalibrated.",
    ),
]


@pytest.fixture(scope="module")
def shared(runner_of: RunnerOf, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(runner_of, tmp_path_factory.mktemp("variables"))


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_a_var_that_breaks_its_rule_is_refused_before_anything_is_read(
    shared: Project, given: str, sentence: str
) -> None:
    run = shared.run(variables=given)

    assert not run.success
    assert run.sentences == [sentence]
    assert "Traceback" not in run.log
    assert shared.tables(("raw", "main", "build_log")) == {}


# Each is read anew, which takes seconds: the first stands for the others in the fast tests.
@pytest.mark.parametrize(
    ("given", "sentence"),
    [REFUSED_WHILE_READING[0], *(pytest.param(*case, marks=pytest.mark.slow) for case in REFUSED_WHILE_READING[1:])],
)
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
