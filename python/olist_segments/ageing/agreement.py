"""How sure the agreement of a frozen and a fresh model is, and whom they address differently: from one table.

A table (r, c) holds how many customers carry label i of the frozen and label j of the fresh model. Which customers
they are does not matter to any figure here, so resampling customers is one multinomial draw of the table's
cells, which costs microseconds where resampling and relabelling rows would cost milliseconds.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import adjusted_rand, adjusted_rands, jaccard
from olist_segments.selection.metrics import Interval


def resampled_tables(table: IntArray, resamples: int, rng: np.random.Generator) -> IntArray:
    """Contingency tables of `resamples` bootstrap resamples of the customers of `table` (r, c): (resamples, r, c).

    Drawing n customers with replacement and counting their cells is a multinomial draw of n with the cells' shares.
    """
    customers = int(table.sum())
    drawn = rng.multinomial(customers, table.ravel() / customers, size=resamples)
    return drawn.reshape(resamples, *table.shape).astype(np.int64)


def adjusted_rand_interval(table: IntArray, tables: IntArray) -> Interval:
    """Adjusted Rand index of `table` (r, c) with the 95 % percentile interval of its resampled `tables` (m, r, c)."""
    low, high = np.quantile(adjusted_rands(tables), [0.025, 0.975])
    return Interval(adjusted_rand(table), float(low), float(high))


def matched_segments(table: IntArray) -> IntArray:
    """For every row segment of `table` (r, c) its column segment, -1 for none: (r,).

    The one-to-one matching that keeps most customers together (Kuhn 1955, as scipy.optimize.linear_sum_assignment).
    """
    matched = np.full(table.shape[0], -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(table, maximize=True)
    matched[rows] = columns
    return matched


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
