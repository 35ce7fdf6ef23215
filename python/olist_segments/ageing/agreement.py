"""How sure the agreement of a frozen and a fresh model is, and whom they address differently: from one table.

A table (r, c) holds how many customers carry label i of the frozen and label j of the fresh model. Which customers
they are does not matter to any figure here, so resampling customers is one multinomial draw of the table's
cells, which costs microseconds where resampling and relabelling rows would cost milliseconds.

How sure an agreement is depends on the customers labelled, and far more on those the two models were fitted on. An
interval has both: 1.96 times the root of the variance over resampled customers plus the mean squared distance of pairs
of other fits of the two dates from the agreement. (Not from their own mean: resampled fits agree less with one another
than the fits themselves do.) On the full export an interval of resampled customers alone covered the agreement of fits
on everybody in 24 % of 74 trials, this one in 93 %: `python bench/run.py contract`, with OLIST_DATA_DIR set to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import adjusted_rand, adjusted_rands, contingency, jaccard, matched_segments
from olist_segments.selection.metrics import Interval, normal_interval


def resampled_tables(table: IntArray, resamples: int, rng: np.random.Generator) -> IntArray:
    """Contingency tables of `resamples` bootstrap resamples of the customers of `table` (r, c): (resamples, r, c).

    Drawing n customers with replacement and counting their cells is a multinomial draw of n with the cells' shares.
    """
    customers = int(table.sum())
    drawn = rng.multinomial(customers, table.ravel() / customers, size=resamples)
    return drawn.reshape(resamples, *table.shape).astype(np.int64)


def share_moved(weights: FloatArray | IntArray, matched: IntArray) -> float:
    """Share of `weights` (r, c) outside the cells of a matching (r,): who, or whose money, is addressed differently.

    `weights` are customers or what they spent; NaN where they add up to nothing.
    """
    rows = np.flatnonzero(matched >= 0)
    total = float(weights.sum())
    return 1 - float(weights[rows, matched[rows]].sum()) / total if total > 0 else float("nan")


def matched_jaccards(tables: IntArray, matched: IntArray) -> FloatArray:
    """Jaccard similarity of every row segment with its matched column segment, in every table of (m, r, c): (m, r).

    0 for a segment without a partner, and where both are empty.
    """
    similarity = np.zeros(tables.shape[:2])
    rows = np.flatnonzero(matched >= 0)
    similarity[:, rows] = jaccard(tables)[:, rows, matched[rows]]
    return similarity


def intervals_of_pair(
    table: IntArray,
    resampled: IntArray,
    matched: IntArray,
    frozen_labels: Sequence[IntArray],
    fresh_labels: Sequence[IntArray],
) -> tuple[Interval, list[Interval]]:
    """The adjusted Rand index of `table` (r, c), and the Jaccard similarity of every row segment (r) as `matched`.

    Both with 95 % intervals: `resampled` (m, r, c) holds tables of resampled customers; the labels (n,) are those of
    the model itself, then of its other fits. Segments of another fit are those of the model by the matching that keeps
    most customers together.
    """
    frozen, fresh = (_other_fits(labels) for labels in (frozen_labels, fresh_labels))
    rows, columns = (int(max(labels.max() for labels in fits)) + 1 for fits in (frozen, fresh))
    rows, columns = max(rows, table.shape[0]), max(columns, table.shape[1])
    refitted = np.array([contingency(one, other, rows, columns) for one in frozen for other in fresh])
    agreement = adjusted_rand(table)
    by_fits = ((adjusted_rands(refitted) - agreement) ** 2).mean()
    spread = float(np.sqrt(by_fits + adjusted_rands(resampled).var()))
    similarity = matched_jaccards(table[None], matched)[0]
    jaccards_by_fits = ((matched_jaccards(refitted[:, : len(matched)], matched) - similarity) ** 2).mean(axis=0)
    spreads = np.sqrt(jaccards_by_fits + matched_jaccards(resampled, matched).var(axis=0))
    jaccards = [
        _within(normal_interval(float(value), float(error)), 0)
        for value, error in zip(similarity, spreads, strict=True)
    ]
    return _within(normal_interval(agreement, spread), -1), jaccards


def _other_fits(labels: Sequence[IntArray]) -> list[IntArray]:
    """The labels of the other fits, numbered as the first ones; the first themselves where there are no others."""
    model, others = labels[0], labels[1:]
    if not others:
        return [model]
    numbered = []
    for other in others:
        k = int(max(model.max(), other.max())) + 1
        numbered.append(matched_segments(contingency(other, model, k, k))[other])
    return numbered


def _within(interval: Interval, least: float) -> Interval:
    """The interval cut to the range of its figure, `least` to 1."""
    return Interval(interval.value, max(interval.low, least), min(interval.high, 1.0))
