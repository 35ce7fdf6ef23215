"""Does the choice hang on the seed? The evidence gathered again and again on the same customers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import yaml
from common import PROJECT, dbt, given_or_generated
from olist_segments.selection.candidates import evaluate_candidates
from olist_segments.selection.search import Search

SEEDS = 10


def section(home: Path) -> list[str]:
    """What SEEDS seeds choose on the same marketplace; the lines of the table."""
    data, where = given_or_generated(home)
    dbt(home, data, "run", "--select", "+segment_fit_input", "+ageing_features")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        customers = warehouse.sql("from segment_fit_input where input_role = 'fit' order by customer_unique_id").df()
        history = warehouse.sql("from ageing_features order by as_of_date, customer_number").df()
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    chosen: Counter[str] = Counter()
    frequencies = []
    for seed in range(1, SEEDS + 1):
        table = evaluate_candidates(customers, search(variables, seed), history=history)
        row = table[table["is_chosen"]].iloc[0]
        chosen[f"{row['feature_set']} {row['algorithm']} {row['setting']}"] += 1
        frequencies.append(row["selection_frequency"])
    return [
        "## Whether the choice hangs on the seed",
        "",
        f"The evidence of one fit gathered under {SEEDS} seeds, on {where} ({len(customers):,} customers).",
        f"The chosen candidate also wins in {min(frequencies):.0%} to {max(frequencies):.0%} of resampled data sets.",
        "",
        "| chosen | seeds |",
        "|---|---:|",
        *(f"| {name} | {count} |" for name, count in chosen.most_common()),
    ]


def search(variables: dict[str, object], seed: int) -> Search:
    """The search of the project's settings under a seed."""
    return Search.of(
        {
            "feature_sets": variables["feature_sets"],
            "spare_sets": variables["spare_feature_sets"],
            "min_known_share": variables["feature_min_known_share"],
            "features": variables["features"],
            "algorithms": variables["candidate_algorithms"],
            "k_min": variables["candidate_k_min"],
            "k_max": variables["candidate_k_max"],
            "rule": variables["segmentation_rule"],
            "shelf_life": {
                "threshold": variables["contract_threshold"],
                "origin_share": variables["contract_origin_share"],
                "min_origins": variables["contract_min_origins"],
                "half_life_days": variables["contract_half_life_days"],
                "step_days": variables["shelf_life_step_days"],
            },
            "seed": seed,
        }
    )
