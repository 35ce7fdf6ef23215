"""Whatever the rule of a var allows builds, passes every test and is read by every command: the edges of all rules.

Many edges share a build; the last groups take minutes and run with OLIST_ALL_EDGES=1.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt_here import parsed_project, read_by_dbt
from nights import SETTINGS, WHOLE, Nights
from olist_segments.cli import main
from olist_segments.settings.kinds import Ascending, Mapping, Members, Number, Truth, Whole
from olist_segments.settings.model import ALERTS, ALGORITHMS, FIGURES, Group, Settings
from test_odd_marketplaces import marketplace
from warehouses import Warehouse

BANDS = ("watch_deviations", "watch_floor", "watch_uncalibrated", "act_deviations", "act_floor", "act_uncalibrated")
SHARES_OF_RULE = ("min_jaccard", "min_prediction_strength", "min_ari_seeds", "min_segment_share")
NUMBERS = [
    *(
        "recency_days",
        "tenure_days",
        "purchase_day_count",
        "order_count",
        "item_count",
        "total_spend",
        "average_order_value",
        "freight_share",
    ),
    *("max_installments", "review_count", "avg_review_score", "worst_review_score", "delivered_order_count"),
    *("late_delivery_share", "avg_delivery_days"),
]
ALWAYS_POSITIVE = ("purchase_day_count", "order_count", "item_count", "avg_review_score", "worst_review_score")

TERMS = ("ln_purchase_days", "ln_recency", "ln_spend", "review_missing", "first_freight_share")
RATIOS = ("min_slope", "max_slope", "min_order_ratio", "max_order_ratio")

Values = dict[str, Any]

# Two years of 600 orders: all that is smallest, then all that is largest, but for the days of the simulation.
SMALLEST: Values = {
    "invalid_order_statuses": [],
    "window_min_share_of_typical_month": 0.001,
    "month_over_min_order_share": 0,
    "warn_far_beyond_share": 0,
    "warn_same_score_share": 0,
    "dissatisfied_up_to_score": 1,
    "dormant_after_days": 1,
    "lifecycle_return_shares": [0, 0.5, 1],
    "lifecycle_min_returns": 1,
    "lifecycle_default_days": [1, 2, 3],
    "lifecycle_days": [],
    "max_days_after_purchase": {"delivery": 30, "review": 30},
    "feature_min_known_share": 0,
    "spare_feature_sets": {},
    "candidate_algorithms": ["kmeans"],
    "candidate_k_min": 2,
    "candidate_k_max": 2,
    "segmentation_rule": dict.fromkeys(
        [*SHARES_OF_RULE, "min_structure_gap", "tolerance", "shelf_life_tolerance_days", "challenger_margin"], 0
    )
    | {"prefer": ["silhouette"]},
    "max_segments": 2,
    "fit_max_customers": 200,
    "random_seed": 0,
    "name_min_effect": 0,
    "shelf_life_step_days": 1,
    "types_min_joint_gap": 0,
    "name_min_cosine": 0,
    "match_min_jaccard": 0,
    "refit": False,
    "rescore_history": False,
    "outcome_days": 1,
    "forecast_terms": ["ln_spend"],
    "forecast_training_dates": 1,
    "forecast_rule": dict.fromkeys(RATIOS, 0) | {"min_returns": 1, "min_judged_dates": 1, "min_auc_lead": 0},
    "refit_forecasts": False,
    "holdout_share": 0.01,
    "control_group_share": 0,
    "contact_cooldown_days": 0,
    "campaign_salt": " ",
    "audience_max_change_share": 0,
    "alert_rule": {"refit_due_within_days": 0, "segment_loss_share": 0, "campaign_ended_within_days": 0},
    "muted_alerts": [],
    "few_customers": 2,
    "same_shop_min_known_share": 0,
    "drift_recent_buyer_days": 1,
    "drift_reference_months": 1,
    "drift_bins": 2,
    "drift_clock_driven_features": [],
    "drift_bands": dict.fromkeys(BANDS, 0) | {"min_pairs": 1},
    "stability_resamples": 2,
    "ageing_min_customers": 200,
    "ageing_max_customers": 200,
    "ageing_noise_refits": 1,
    "ageing_resamples": 2,
    "ageing_newcomer_days": 1,
    "ageing_min_shift": 0,
    "ageing_refresh_days": 0,
    "contract_threshold": 0,
    "contract_thresholds": [0],
    "contract_origin_share": 0,
    "contract_min_origins": 1,
    "contract_half_life_days": 1,
    "ageing_refit_days": 0,
}
LARGEST: Values = {
    "invalid_order_statuses": ["canceled", "unavailable", "unknown", "shipped", "x" * 100],
    "window_min_share_of_typical_month": 1,
    "month_over_min_order_share": 1,
    "warn_far_beyond_share": 1,
    "warn_same_score_share": 1,
    "dissatisfied_up_to_score": 5,
    "dormant_after_days": 3650,
    "lifecycle_return_shares": [0.1, 0.2, 1],
    "lifecycle_min_returns": 1_000_000,
    "lifecycle_default_days": [3648, 3649, 3650],
    "lifecycle_days": [1, 2, 3650],
    "max_days_after_purchase": {"delivery": 3650, "review": 3650},
    "feature_min_known_share": 1,
    "spare_feature_sets": {"all": NUMBERS, "one": ["total_spend"]},
    "candidate_algorithms": [*ALGORITHMS],
    "candidate_k_min": 50,
    "candidate_k_max": 50,
    "segmentation_rule": dict.fromkeys(SHARES_OF_RULE, 1)
    | {
        "min_structure_gap": 1_000_000,
        "tolerance": 0.99,
        "prefer": [*FIGURES],
        "shelf_life_tolerance_days": 3650,
        "challenger_margin": 100,
    },
    "shelf_life_step_days": 3650,
    "types_min_joint_gap": 1_000_000,
    "max_segments": 50,
    "fit_max_customers": 1_000_000_000,
    "random_seed": 2_147_483_647,
    "name_min_effect": 1000,
    "name_min_cosine": 1,
    "match_min_jaccard": 1,
    "outcome_days": 3650,
    "forecast_terms": [*TERMS],
    "forecast_training_dates": 120,
    "forecast_rule": dict.fromkeys(RATIOS, 1000)
    | {"min_returns": 1_000_000, "min_judged_dates": 1000, "min_auc_lead": 1},
    "holdout_share": 0.99,
    "control_group_share": 0.5,
    "contact_cooldown_days": 3650,
    "campaign_salt": "'" * 100,
    "audience_max_change_share": 100,
    "alert_rule": {"refit_due_within_days": 3650, "segment_loss_share": 1, "campaign_ended_within_days": 3650},
    "muted_alerts": [*ALERTS, "build_warning:x"],
    "few_customers": 1_000_000,
    "same_shop_min_known_share": 1,
    "drift_recent_buyer_days": 3650,
    "drift_reference_months": 120,
    "drift_bins": 100,
    "drift_clock_driven_features": [*NUMBERS, "no_such_feature"],
    "drift_bands": dict.fromkeys(BANDS, 100) | {"watch_deviations": 1000, "act_deviations": 1000, "min_pairs": 1000},
    "ageing_origin_days": 3650,
    "ageing_horizon_days": 3650,
    "ageing_clock_days": 3650,
    "ageing_min_history_days": 3650,
    "ageing_min_customers": 1_000_000_000,
    "ageing_max_customers": 1_000_000_000,
    "ageing_newcomer_days": 3650,
    "ageing_min_shift": 1000,
    "ageing_refresh_days": 3650,
    "contract_threshold": 1,
    "contract_thresholds": [1, 0, 0.5],
    "contract_origin_share": 1,
    "contract_min_origins": 1000,
    "contract_half_life_days": 3650,
    "ageing_refit_days": 3650,
}
# A refit of the same warehouse, labels of all history.
REFITTED = SMALLEST | {
    "refit": True,
    "rescore_history": True,
    "refit_forecasts": True,
    # Any model is good enough.
    "forecast_rule": {"min_returns": 1, "min_judged_dates": 1, "min_auc_lead": 0}
    | {name: 1000 if name.startswith("max") else 0 for name in RATIOS},
    "drift_clock_driven_features": ["x"],
}
# Each transform on whatever it takes; sets of one feature and of all.
EVERY_FEATURE: Values = {
    "features": {name: {"transform": "log1p" if i % 2 else "sqrt"} for i, name in enumerate(NUMBERS)}
    | {name: {"transform": "ln"} for name in ALWAYS_POSITIVE},
    "feature_sets": {"alone": ["late_delivery_share"], "all": NUMBERS},
}
ONE_FEATURE: Values = {"features": {"total_spend": {"transform": "identity"}}, "feature_sets": {"a": ["total_spend"]}}
# A month of 300 orders: the simulation day by day, and as many resamples as may be asked for.
EVERY_DAY: Values = {
    "candidate_k_max": 2,
    "ageing_origin_days": 1,
    "ageing_horizon_days": 1,
    "ageing_clock_days": 1,
    "ageing_min_history_days": 1,
    "ageing_min_customers": 200,
    "ageing_refit_days": 1,
    "contract_min_origins": 1,
}
MANY_RESAMPLES: Values = {
    "candidate_k_max": 2,
    "stability_resamples": 10_000,
    "ageing_origin_days": 7,
    "ageing_horizon_days": 7,
    "ageing_min_history_days": 7,
    "ageing_min_customers": 200,
    "ageing_noise_refits": 100,
    "ageing_resamples": 10_000,
}
GROUPS = {
    "smallest": SMALLEST,
    "refitted": REFITTED,
    "largest": LARGEST,
    "every feature": EVERY_FEATURE,
    "one feature": ONE_FEATURE,
    "every day": EVERY_DAY,
    "many resamples": MANY_RESAMPLES,
}


def edges_of(annotation: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The edges of what a var may be, each with the name of the var or of its key."""
    if isinstance(annotation, type) and issubclass(annotation, Group):
        for key, member in get_type_hints(annotation, include_extras=True).items():
            if key in annotation.model_fields:
                yield from edges_of(member, f"{name}.{key}")
        return
    match get_args(annotation)[1]:
        case Truth():
            yield from ((name, truth) for truth in (False, True))
        case Whole(low, high) | Number(low, high):
            yield from ((name, bound) for bound in (low, high))
        case Members(may_be_empty):
            yield name, "empty" if may_be_empty else "one"
            yield name, "several"
        case Ascending(members, may_be_empty):
            yield from ((name, bound) for bound in (members.low, members.high))
            if may_be_empty:
                yield name, "empty"
        case Mapping(may_be_empty):
            yield name, "empty" if may_be_empty else "one"
            yield name, "several"


def edges_in(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if (isinstance(value, dict) and name in ("features", "feature_sets", "spare_feature_sets")) or isinstance(
        value, list
    ):
        yield name, {0: "empty", 1: "one"}.get(len(value), "several")
        if name.startswith("lifecycle_"):
            yield from ((name, member) for member in value)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from edges_in(member, f"{name}.{key}")
    else:
        yield name, value


def test_every_edge_of_every_rule_is_in_a_group() -> None:
    annotations = get_type_hints(Settings, include_extras=True)
    wanted = {edge for name in Settings.model_fields for edge in edges_of(annotations[name], name)}
    assert len(wanted) > 2 * len(Settings.model_fields)
    tried = {edge for group in GROUPS.values() for name, value in group.items() for edge in edges_in(value, name)}

    assert wanted - tried == set()


def as_read(project: Manifest) -> dict[str, Any]:
    """What dbt knows of the project, but for the time at which it read each part and which macros a model calls."""
    told = project.writable_manifest().to_dict(omit_none=False)
    told.pop("metadata")
    for entries in told.values():
        for entry in entries.values() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                entry.pop("created_at", None)
                entry.get("depends_on", {}).pop("macros", None)
    return told


@pytest.mark.slow
def test_the_project_of_the_tests_is_what_dbt_reads_under_other_vars(tmp_path: Path) -> None:
    """Tests read the project once and put vars into configs: nothing else of what dbt reads may depend on a var."""
    variables = LARGEST | EVERY_FEATURE | dict.fromkeys(("refit", "rescore_history", "refit_forecasts"), True)
    assert as_read(parsed_project(variables)) == as_read(read_by_dbt(tmp_path, variables))
    assert as_read(parsed_project(variables)) != as_read(parsed_project())


@pytest.fixture(scope="module")
def two_years(nights: Nights) -> Path:
    return nights.tonight


@pytest.fixture(scope="module")
def a_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 customers who bought within four weeks; the first hundred of them twice."""

    def moment(i: int) -> str:
        return str(dt.datetime(2018, 11, 1, 10) + dt.timedelta(hours=2 * (i % 300)))

    folder = tmp_path_factory.mktemp("month")
    files = marketplace(400, lambda i: f"p{i % 300}", moment, lambda i: f"{20 + i % 90 * (1 + i % 4)}.00")
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def build(warehouse: Warehouse, data: Path, group: str) -> None:
    """A whole build with all data tests, then every command that reads it."""
    warehouse.dbt(*WHOLE, data=data, variables=SETTINGS | GROUPS[group])


def read_by_every_command(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in warehouse.environment.items():
        monkeypatch.setenv(name, value)
    key = str(warehouse.query("select segment_key from segment_profiles order by segment_key").iloc[0, 0])
    assert main(["summary"]) == 0
    assert main(["contract"]) in (0, 3)
    assert main(["report", "--out", str(warehouse.home / "report.html")]) == 0
    assert main(["audience", key, "--out", str(warehouse.home / "list.csv")]) == 0
    assert main(["excel", "--out", str(warehouse.home / "segments.xlsx")]) == 0
    assert main(["alert"]) == 0


@pytest.mark.slow
def test_what_is_smallest_and_a_refit_on_top(two_years: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(tmp_path)
    build(warehouse, two_years, "smallest")
    (valid, with_items) = warehouse.query(
        "select count(*) filter (is_valid_purchase), count(*) filter (item_count > 0) from orders"
    ).iloc[0]
    assert valid == with_items > 0, "with no status invalid every order with items is a purchase"
    read_by_every_command(warehouse, monkeypatch)

    build(warehouse, two_years, "refitted")
    assert warehouse.query("select max(model_version) from segment_versions").iloc[0, 0] == 2
    read_by_every_command(warehouse, monkeypatch)


ALL_EDGES = pytest.mark.skipif(
    os.environ.get("OLIST_ALL_EDGES") != "1", reason="takes minutes: OLIST_ALL_EDGES=1 runs it"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "group",
    ["largest", pytest.param("every feature", marks=ALL_EDGES), pytest.param("one feature", marks=ALL_EDGES)],
)
def test_two_years_build_under(group: str, two_years: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(tmp_path)
    build(warehouse, two_years, group)
    read_by_every_command(warehouse, monkeypatch)


@pytest.mark.slow
@ALL_EDGES
@pytest.mark.parametrize("group", ["every day", "many resamples"])
def test_a_month_builds_under(group: str, a_month: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(tmp_path)
    build(warehouse, a_month, group)
    assert len(warehouse.query("from segment_ageing")) > 0
    read_by_every_command(warehouse, monkeypatch)
