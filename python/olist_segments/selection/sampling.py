"""Random draws that depend on nothing but a seed and words, samples that keep every stratum's share, few values."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from olist_segments.arrays import FloatArray, IntArray

# A feature takes few values when at most this many, each with this share of the customers, hold nearly all of them.
_MOST_ATOMS, _ATOM_SHARE, _ATOMS_TOGETHER = 20, 0.01, 0.9


def generator(seed: int, *words: object) -> np.random.Generator:
    """A random generator of its own for every (seed, words): no draw depends on what else ran, or in which order."""
    digest = hashlib.sha256(json.dumps([seed, *map(str, words)]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest))


def child_seed(seed: int, *words: object) -> int:
    """A whole-number seed of its own for every (seed, words)."""
    return int(generator(seed, *words).integers(2**62))


def strata(z: FloatArray) -> IntArray:
    """The stratum (n,) of every customer: which features lie off a value that more than half of all customers share.

    Where 97 % bought once, the repeat buyers are a stratum, and no sample is drawn without its share of them.
    """
    code = np.zeros(len(z), dtype=np.int64)
    for column in z.T:
        # A value that more than half share is the median.
        is_off = column != np.partition(column, len(column) // 2)[len(column) // 2]
        if 0 < 2 * np.count_nonzero(is_off) < len(column):
            code = 2 * code + is_off
            code = (np.cumsum(np.bincount(code) > 0) - 1)[code]
    return code


def stratified_sample(stratum: IntArray, size: int, rng: np.random.Generator, *, replace: bool = False) -> IntArray:
    """Positions of `size` of the n customers, every stratum within one customer of its share.

    A systematic sample of the customers in random order within strata. With `replace` each stratum's places are filled
    by drawing with replacement: a stratified bootstrap. Without it `size` is at most n. In random order.
    """
    shuffled = rng.permutation(len(stratum))
    # Short integers are sorted by counting.
    short = stratum.astype(np.min_scalar_type(int(stratum.max())))
    ordered = shuffled[np.argsort(short[shuffled], kind="stable")]
    places = ((np.arange(size) + rng.random()) * len(stratum) / size).astype(np.int64)
    if replace:
        counts = np.bincount(stratum)
        starts = np.cumsum(counts) - counts
        drawn = stratum[ordered[places]]
        places = starts[drawn] + rng.integers(0, counts[drawn])
    return rng.permutation(ordered[places]).astype(np.int64)


def atoms(values: FloatArray) -> FloatArray | None:
    """The few values of a discrete feature in ascending order, or None for a continuous one.

    Few: at most 20 values, each held by at least 1 % of the n customers, that together hold at least 90 % of them.
    """
    distinct, counts = np.unique(values, return_counts=True)
    common = counts >= _ATOM_SHARE * len(values)
    if not 1 <= common.sum() <= _MOST_ATOMS or counts[common].sum() < _ATOMS_TOGETHER * len(values):
        return None
    return distinct[common]


def distinct_rows(z: FloatArray, at_most: int) -> int:
    """How many different rows z has, counted up to `at_most`."""
    # A few hundred rows nearly always answer; the whole is sorted only when they do not.
    few = len(np.unique(z[:500], axis=0))
    return min(at_most, few if few >= at_most else len(np.unique(z, axis=0)))
