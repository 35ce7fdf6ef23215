"""Small draws shared by the stages: quotas, tables of shares, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


def quota(count: int, total: int, size: int) -> int:
    """`count` of `total` scaled to `size`, to the nearest whole number."""
    return round(count * size / total)


def largest_remainder(weights: Sequence[float] | npt.NDArray[np.float64], size: int) -> npt.NDArray[np.int64]:
    """Split `size` in proportion to `weights` into whole parts that add up to it (Hamilton's method)."""
    exact = np.asarray(weights, dtype=np.float64)
    exact = exact * (size / exact.sum())
    parts: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: size - int(parts.sum())]] += 1
    return parts


def spread(counts: Mapping[int, int], size: int, rng: np.random.Generator) -> Ints:
    """`size` values with the shares of `counts` (value -> count), exact to a whole number, in random order."""
    values = np.fromiter(counts, dtype=np.int32)
    result = np.repeat(values, largest_remainder(list(counts.values()), size))
    rng.shuffle(result)
    return result


def pick(candidates: Index, size: int, rng: np.random.Generator) -> Index:
    """At most `size` different members of `candidates`, at random."""
    return rng.choice(candidates, min(size, len(candidates)), replace=False, shuffle=False)


def cumulative(weights: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cumulative shares of `weights`, ending at exactly 1."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    total /= total[-1]
    return total


def choose(weights: Sequence[float] | npt.NDArray[np.float64], size: int, rng: np.random.Generator) -> Ints:
    """`size` independent indices drawn with probability proportional to `weights`."""
    return np.searchsorted(cumulative(weights), rng.random(size), side="right").astype(np.int32)


def rank_share(values: Floats) -> Floats:
    """Each value's rank over the number of values, in (0, 1): uniform whatever the distribution of `values`."""
    ranks = np.empty(len(values), dtype=np.float32)
    ranks[np.argsort(values, kind="stable")] = (np.arange(len(values), dtype=np.float32) + 0.5) / max(len(values), 1)
    return ranks


# NumPy's own single-precision versions round differently on different kinds of processors.
def exp(values: Floats) -> Floats:
    """e to the power of values, alike on every processor."""
    return np.exp(values.astype(np.float64)).astype(np.float32)


def log(values: Floats) -> Floats:
    """Natural logarithms of positive values, alike on every processor."""
    return np.log(values.astype(np.float64)).astype(np.float32)


def power(values: Floats, exponent: float) -> Floats:
    """Non-negative values to a power, alike on every processor."""
    return np.power(values.astype(np.float64), exponent).astype(np.float32)


def bell(size: int, rng: np.random.Generator) -> Floats:
    """Standard normal draws, single precision."""
    return rng.standard_normal(size, dtype=np.float32)


def truncated_bell(size: int, limit: float, rng: np.random.Generator) -> Floats:
    """Standard normal draws conditioned on -limit <= z <= limit, by rejection."""
    values = bell(size, rng)
    while (outside := np.flatnonzero(np.abs(values) > limit)).size:
        values[outside] = bell(outside.size, rng)
    return values
