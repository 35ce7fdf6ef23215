"""How far two labellings of the same customers agree, from contingency tables alone.

A table (r, c) holds how many customers carry label i of the first and label j of the second labelling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np

from olist_segments.arrays import FloatArray, IntArray


@overload
def contingency(rows: IntArray, columns: IntArray, row_count: int, column_count: int) -> IntArray: ...
@overload
def contingency(
    rows: IntArray, columns: IntArray, row_count: int, column_count: int, weights: FloatArray
) -> FloatArray: ...
def contingency(
    rows: IntArray, columns: IntArray, row_count: int, column_count: int, weights: FloatArray | None = None
) -> IntArray | FloatArray:
    """How many customers carry label i in `rows` and j in `columns` (both (n,), from 0): (row_count, column_count).

    With `weights` (n,) the sum of the customers's weights instead, in the weights' unit.
    """
    cells = np.bincount(rows * column_count + columns, weights=weights, minlength=row_count * column_count)
    table = cells.reshape(row_count, column_count)
    return table.astype(np.int64) if weights is None else table


def contingencies(labellings: Sequence[tuple[IntArray, int]]) -> IntArray:
    """The tables of every two of m labellings of the same customers: (m, m, r, r), padded with empty segments.

    A labelling is (labels, number of segments); r is the largest number. Table i, j has the i-th in its rows.
    """
    r = max(count for _, count in labellings)
    # Single precision counts exactly up to 2^24.
    one_hot = np.eye(r, dtype=np.float32 if len(labellings[0][0]) < 2**24 else np.float64)
    members = np.concatenate([one_hot[:, labels] for labels, _ in labellings])
    counts = (members @ members.T).reshape(len(labellings), r, len(labellings), r)
    tables: IntArray = counts.transpose(0, 2, 1, 3).astype(np.int64)
    return tables


def adjusted_rand(table: IntArray) -> float:
    """Adjusted Rand index of the labellings behind `table` (r, c), -0.5 to 1; 1 is the same partition."""
    return float(adjusted_rands(table[None])[0])


def adjusted_rands(tables: IntArray) -> FloatArray:
    """Adjusted Rand index of every table of (m, r, c): (m,).

    Hubert & Arabie (1985), "Comparing partitions", Journal of Classification 2, 193-218, written with pair counts in
    whole numbers as `sklearn.metrics.adjusted_rand_score` does, which it equals to the last digit.
    """
    customers = tables.sum(axis=(1, 2))
    squares = (tables**2).sum(axis=(1, 2))
    only_rows = (tables.sum(axis=2) ** 2).sum(axis=1) - squares
    only_columns = (tables.sum(axis=1) ** 2).sum(axis=1) - squares
    apart = customers**2 - only_rows - only_columns - squares
    # From here on products of pair counts, beyond 64 bits from some 50,000 customers on: whole numbers of any size.
    a, b, c, d = (part.astype(object) for part in (squares - customers, only_rows, only_columns, apart))
    above = 2.0 * (a * d - b * c)
    below = (a + b) * (b + d) + (a + c) * (c + d)
    same = (only_rows == 0) & (only_columns == 0)
    below[same] = 1
    return np.where(same, 1.0, (above / below).astype(np.float64))


def jaccard(tables: IntArray) -> FloatArray:
    """Jaccard similarity |A and B| / |A or B| of every row with every column segment; 0 where both are empty.

    (..., r, c), as `tables`.
    """
    union = tables.sum(axis=-1)[..., :, None] + tables.sum(axis=-2)[..., None, :] - tables
    similarity: FloatArray = tables / np.maximum(union, 1)
    return similarity


def best_jaccard(table: IntArray) -> FloatArray:
    """For every row segment of `table` the Jaccard similarity of the column segment most like it: (r,).

    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data Analysis 52, 258-271.
    """
    best: FloatArray = jaccard(table).max(axis=1)
    return best


def matched_segments(table: IntArray | FloatArray) -> IntArray:
    """For every row segment of `table` (r, c) its column segment, -1 for none: (r,).

    The one-to-one matching that keeps most customers together, or most of what else the cells hold (Kuhn 1955, as
    scipy.optimize.linear_sum_assignment).
    """
    # It takes a third of a second to load, which a build that fits nothing does not need.
    from scipy.optimize import linear_sum_assignment

    matched = np.full(table.shape[0], -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(table, maximize=True)
    matched[rows] = columns
    return matched
