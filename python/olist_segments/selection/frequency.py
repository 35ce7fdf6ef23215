"""How often a candidate would be chosen if the customers, and the past, had been others drawn from the same source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from olist_segments.arrays import FloatArray
from olist_segments.model.agreement import best_jaccard, contingencies
from olist_segments.selection.evidence import Candidate
from olist_segments.selection.metrics import prediction_strength_of_split
from olist_segments.selection.rule import choose
from olist_segments.selection.sampling import generator
from olist_segments.selection.search import Search
from olist_segments.selection.shelf_life import Agreements, held_until, pooled
from olist_segments.selection.structure import structure_gap


def selection_frequencies(
    candidates: Sequence[Candidate], rows: Sequence[Mapping[str, Any]], search: Search
) -> FloatArray:
    """Share of the resampled data sets in which the rule chooses each candidate: (candidates,), adding up to 1.

    A data set is one of the bootstrap resamples of the customers with a resample of the origins of the shelf lives. A
    candidate is there what its refit on that resample is: its segments are held against those of all other resamples,
    its spread against the references. Nobody is the incumbent. Those with fewer refits than others were ruled out
    before and win nowhere; where all were, there are as many data sets as first refits. `rows` are those of the
    evidence table: figures that are no matter of refits are the same in every data set.
    """
    wins = np.zeros(len(candidates))
    resamples = max(len(candidate.resampled) for candidate in candidates)
    competing = [index for index, candidate in enumerate(candidates) if len(candidate.resampled) == resamples]
    evidence = [_in_resamples(candidates[index], rows[index], search) for index in competing]
    for number in range(resamples):
        drawn = [in_resamples[number] for in_resamples in evidence]
        chosen = choose(drawn, search.rule, search.k_min, search.k_max)
        wins[competing[next(index for index, row in enumerate(chosen) if row["is_chosen"])]] += 1
    return wins / resamples


def _in_resamples(candidate: Candidate, known: Mapping[str, Any], search: Search) -> list[dict[str, Any]]:
    """The figures of a candidate in each of the resampled data sets."""
    refits = candidate.resampled
    lives = _lives(candidate.lives, search)
    rows = []
    all_tables = contingencies([(refit.labels, refit.k) for refit in refits])
    for number, own in enumerate(refits):
        tables = [table[: own.k] for index, table in enumerate(all_tables[number]) if index != number]
        gap, _ = structure_gap(own.spread, candidate.references)
        sizes = np.bincount(own.labels, minlength=own.k)
        rows.append(
            {
                **known,
                "k": own.k,
                "jaccard_min": float(np.mean([best_jaccard(table) for table in tables], axis=0).min()),
                "prediction_strength": float(np.mean([prediction_strength_of_split(table.T) for table in tables])),
                "smallest_share": float(sizes.min()) / len(own.labels),
                "structure_gap": gap,
                "shelf_life_days": lives[number],
            }
        )
    return rows


def _lives(found: Sequence[Agreements], search: Search) -> list[float]:
    """The shelf life, days, in each data set: every candidate meets the same resamples of the origins."""
    if not found:
        return [np.nan] * search.resamples
    together = pooled(found)
    dates = len(together.days)
    lives = []
    for number in range(search.resamples):
        drawn = generator(search.seed, "origins", number).integers(0, dates, dates)
        lives.append(held_until(together, search.shelf_life, np.bincount(drawn, minlength=dates)).days)
    return lives
