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
from dataclasses import dataclass

import numpy as np

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.intervals import Interval, normal_interval
from olist_segments.model.agreement import adjusted_rand, adjusted_rands, contingency, jaccard, matched_segments


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


@dataclass(frozen=True, eq=False)
class Groups:
    """The n customers in groups that all fits of a date label alike: `group` (n,), and `labels` (fits, groups).

    Counted against other labels by the group, customers are counted against every fit at once.
    """

    group: IntArray
    labels: IntArray

    @classmethod
    def of(cls, fits: Sequence[IntArray]) -> Groups:
        """From the labels (n,) of each of a few fits."""
        labels = np.stack(fits)
        code = np.ravel_multi_index(tuple(labels), tuple(labels.max(axis=1) + 1))
        _, first, group = np.unique(code, return_index=True, return_inverse=True)
        return cls(group.astype(np.int64), labels[:, first])

    def tables(self, labels: IntArray, row_count: int, column_count: int) -> IntArray:
        """The contingency table of `labels` (n,) with each fit: (fits, row_count, column_count)."""
        counts = contingency(labels, self.group, row_count, self.labels.shape[1])
        is_label = (self.labels[:, :, None] == np.arange(column_count)).astype(np.int64)
        tables: IntArray = counts @ is_label
        return tables


def intervals_of_pair(
    table: IntArray, resampled: IntArray, matched: IntArray, refitted: IntArray
) -> tuple[Interval, list[Interval]]:
    """The adjusted Rand index of `table` (r, c), and the Jaccard similarity of every row segment (r) as `matched`.

    Both with 95 % intervals: `resampled` (m, r, c) holds tables of resampled customers, `refitted` those of pairs of
    other fits (`tables_of_other_fits`).
    """
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


def tables_of_other_fits(frozen: Sequence[IntArray], fresh: Groups, rows: int, columns: int) -> IntArray:
    """The tables of every pair of other fits of two dates: (pairs, r, c), r being `rows` or more, c `columns`.

    `frozen`: labels (n,) of the other fits of one date, `fresh` those of the other, both as `other_fits` gives them.
    """
    rows = max(rows, *(int(labels.max()) + 1 for labels in frozen))
    columns = max(columns, int(fresh.labels.max()) + 1)
    return np.concatenate([fresh.tables(labels, rows, columns) for labels in frozen])


def other_fits(labels: Sequence[IntArray]) -> list[IntArray]:
    """The labels of other fits, given after those of the model itself, (n,) each; the model's where there are none.

    Segments of another fit are those of the model by the matching that keeps most customers together.
    """
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
