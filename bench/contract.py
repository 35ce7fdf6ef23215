"""Do the intervals behind the maintenance contract cover what they should? Against truths that are known."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import yaml
from common import PROJECT, dbt, given_or_generated
from olist_segments.ageing.agreement import (
    Groups,
    intervals_of_pair,
    other_fits,
    resampled_tables,
    tables_of_other_fits,
)
from olist_segments.ageing.curve import ageing_curve
from olist_segments.model.agreement import adjusted_rand, contingency, matched_segments
from olist_segments.selection.recipe import Recipe
from threadpoolctl import threadpool_limits

FEATURE_SET, SEGMENTS = "fm_review", 4
GAPS = (1, 2, 3, 5, 7, 9)
DRAWS, OTHER_FITS, RESAMPLES = 2, 5, 200
AGES = (14, 28, 56, 91)
HISTORIES, DAYS, STEP = 1_000, 420, 14


def section(home: Path) -> list[str]:
    """Coverage of the intervals of pairs, on a marketplace in `home`, and of the curve, on simulated histories."""
    data, where = given_or_generated(home)
    dbt(home, data, "run", "--select", "+customer_features_monthly")
    with threadpool_limits(1):
        pairs = coverage_of_pairs(home)
    return [
        "## Whether the intervals of the contract cover the truth",
        "",
        f"Pairs of month ends on {where}, {len(pairs)} trials. The truth is the agreement of two",
        "models fitted on everybody; the estimate comes from as many customers as the simulation draws.",
        "",
        "| 95 % interval | covers | mean width |",
        "|---|---:|---:|",
        *(
            f"| {words} | {pairs[name].mean():.1%} | {pairs[f'{name} width'].mean():.3f} |"
            for name, words in (("customers", "of resampled customers"), ("fits", "published: of customers and fits"))
        ),
        "",
        f"The estimate less the truth is {pairs['bias'].mean():+.3f} on average.",
        "",
        "Mean agreement over overlapping origins: histories of 420 days with rare events, an origin every 14 days.",
        "",
        "| age, days | effective origins | published interval covers | moving-block bootstrap covers |",
        "|---:|---:|---:|---:|",
        *coverage_of_curves(),
    ]


def coverage_of_pairs(home: Path) -> pd.DataFrame:
    """One row per trial: whether either interval covers the truth, its width, and what the estimate is off by."""
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    transforms = {name: variables["features"][name]["transform"] for name in variables["feature_sets"][FEATURE_SET]}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        columns = ", ".join(f"cast({name} as double) as {name}" for name in transforms)
        features = warehouse.sql(
            f"select as_of_date, {columns} from customer_features_monthly order by as_of_date, customer_unique_id"
        ).df()
    dates = [rows.reset_index(drop=True) for _, rows in features.groupby("as_of_date") if len(rows) >= 10_000]
    recipe = Recipe(transforms, "kmeans", f"k={SEGMENTS}", 1)
    whole = [recipe.fit(rows, "whole", number) for number, rows in enumerate(dates)]
    rng = np.random.default_rng(1)
    size = int(variables["ageing_max_customers"])
    found = []
    for gap in GAPS:
        for origin in range(0, len(dates) - gap, 2):
            later = origin + gap
            frozen, fresh = (model.labels(dates[later]) for model in (whole[origin], whole[later]))
            truth = adjusted_rand(contingency(frozen, fresh, SEGMENTS, SEGMENTS))
            for draw in range(DRAWS):
                seen = [
                    dates[date].iloc[np.sort(rng.choice(len(dates[date]), size, replace=False))]
                    for date in (origin, later)
                ]
                fits = [
                    [
                        recipe.fit(
                            rows.iloc[rng.integers(0, size, size)] if number else rows, origin, later, draw, number
                        )
                        for number in range(OTHER_FITS + 1)
                    ]
                    for rows in seen
                ]
                labels = [[model.labels(seen[1]) for model in models] for models in fits]
                table = contingency(labels[0][0], labels[1][0], SEGMENTS, SEGMENTS)
                resampled, matched = resampled_tables(table, RESAMPLES, rng), matched_segments(table)
                row: dict[str, float] = {}
                for name, fitted in (("customers", 1), ("fits", OTHER_FITS + 1)):
                    others = [other_fits(of_date[:fitted]) for of_date in labels]
                    refitted = tables_of_other_fits(others[0], Groups.of(others[1]), *table.shape)
                    interval, _ = intervals_of_pair(table, resampled, matched, refitted)
                    row[name] = interval.low <= truth <= interval.high
                    row[f"{name} width"] = interval.high - interval.low
                    row["bias"] = interval.value - truth
                found.append(row)
    return pd.DataFrame(found)


def coverage_of_curves() -> list[str]:
    """One row per age: how often the interval of the curve, and that of a moving-block bootstrap, covers the truth."""
    rows = []
    for age in AGES:
        rng = np.random.default_rng(age)
        origins = (DAYS - age) // STEP
        truth = float(np.mean([agreements(origins, age, rng).mean() for _ in range(4 * HISTORIES)]))
        effective, published, blocks = [], [], []
        for _ in range(HISTORIES):
            values = agreements(origins, age, rng)
            days = pd.Timestamp("2018-01-01") + pd.to_timedelta(STEP * np.arange(origins), unit="D")
            history = pd.DataFrame({"model_version": 1, "variant": "simulated", "origin_date": days, "ari": values})
            history = history.assign(horizon_days=age, noise_floor=1.0, noise_floor_se=0.0)
            curve = ageing_curve(history, 10**9).iloc[0]
            effective.append(curve["effective_origin_count"])
            if curve["effective_origin_count"] >= 2:
                published.append(curve["agreement_low"] <= truth <= curve["agreement_high"])
            means = block_means(values, min(max(age // STEP, 1), origins // 2), rng)
            blocks.append(abs(values.mean() - truth) <= 1.96 * means.std())
        rows.append(
            f"| {age} | {np.median(effective):.1f} of {origins} | {np.mean(published):.1%} | {np.mean(blocks):.1%} |"
        )
    return rows


def agreements(origins: int, age: int, rng: np.random.Generator) -> np.ndarray:
    """Agreements of models struck by rare events before their age, measured with noise: (origins,)."""
    steps = age // STEP
    events = (rng.random(origins + steps) < 0.08) * rng.exponential(0.04, origins + steps)
    passed = np.concatenate([[0.0], np.cumsum(events)])
    return np.asarray(np.exp(passed[:origins] - passed[steps : origins + steps]) + rng.normal(0, 0.012, origins))


def block_means(values: np.ndarray, length: int, rng: np.random.Generator, resamples: int = 300) -> np.ndarray:
    """Means of moving-block resamples (Kuensch 1989) of `values` in blocks of `length`: (resamples,)."""
    blocks = -(-len(values) // length)
    starts = rng.integers(0, len(values) - length + 1, (resamples, blocks))
    drawn = (starts[:, :, None] + np.arange(length)).reshape(resamples, -1)[:, : len(values)]
    return np.asarray(values[drawn].mean(axis=1))
