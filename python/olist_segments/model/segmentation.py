"""A segmentation as a table that SQL can score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from olist_segments.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Segmentation:
    """k segments over d z-scored features: centre (k, d), precision (k, d) in 1 / z units squared, bias (k,).

    score_s(z) = bias_s + sum over f of precision_sf (z_f - centre_sf)^2 is -2 log density of segment s up to a common
    constant; a customer belongs to the segment of the lowest score, and softmax(-score / 2) is how sure that is.
    `fidelity` is the adjusted Rand index of these labels with those of the algorithm itself, where it has a rule of its
    own; it is not kept with the parameters.
    """

    centre: FloatArray
    precision: FloatArray
    bias: FloatArray
    fidelity: float = 1.0

    @property
    def k(self) -> int:
        """The number of segments."""
        return len(self.bias)

    def score(self, z: FloatArray) -> FloatArray:
        """Scores (n, k) of z (n, d), added up feature by feature in column order, the bias first."""
        # Segments by customers in memory: each sum then runs over neighbouring numbers.
        scores = np.repeat(self.bias[:, None], len(z), axis=1)
        for feature, column in enumerate(np.ascontiguousarray(z.T)):
            scores += self.precision[:, feature, None] * (column - self.centre[:, feature, None]) ** 2
        return scores.T

    def labels(self, z: FloatArray) -> IntArray:
        """The segment (n,) of the lowest score; of equal scores the lowest index."""
        columns = np.ascontiguousarray(z.T)
        labels = np.zeros(len(z), dtype=np.min_scalar_type(self.k))
        lowest, score, part = np.full(len(z), np.inf), np.empty(len(z)), np.empty(len(z))
        for segment in range(self.k):
            # The operations of `score` in its order, so the same bits.
            score.fill(self.bias[segment])
            for feature, column in enumerate(columns):
                np.subtract(column, self.centre[segment, feature], out=part)
                part *= part
                part *= self.precision[segment, feature]
                score += part
            np.maximum(labels, (score < lowest) * labels.dtype.type(segment), out=labels)
            np.minimum(lowest, score, out=lowest)
        return labels.astype(np.int64)

    def probabilities(self, z: FloatArray) -> FloatArray:
        """Posterior probability (n, k) of every segment; rows add up to 1."""
        # It takes a while to load, which a build that fits nothing does not need.
        from scipy.special import softmax

        posterior: FloatArray = softmax(-self.score(z) / 2, axis=1)
        return posterior

    def in_canonical_order(self, z: FloatArray) -> Segmentation:
        """The same segments, largest first by the customers of `z`, ties by centre: ids do not depend on luck."""
        return self.ordered_by(np.bincount(self.labels(z), minlength=self.k))

    def ordered_by(self, sizes: IntArray) -> Segmentation:
        """The same segments, those of the largest of `sizes` (k,) first, ties by centre."""
        order = sorted(range(self.k), key=lambda s: (-sizes[s], *self.centre[s], *self.precision[s], self.bias[s]))
        return replace(self, centre=self.centre[order], precision=self.precision[order], bias=self.bias[order])

    def to_dict(self) -> dict[str, Any]:
        """Lists of floats under 'centre', 'precision' and 'bias'; JSON of them reads back to the same bits."""
        return {name: getattr(self, name).tolist() for name in ("centre", "precision", "bias")}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Segmentation:
        """The inverse of `to_dict`."""
        centre, precision, bias = (np.array(values[name], dtype=np.float64) for name in ("centre", "precision", "bias"))
        return cls(centre, precision, bias)
