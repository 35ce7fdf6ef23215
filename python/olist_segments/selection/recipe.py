"""How a segmentation is made, so that it can be made again on other customers, at another date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from olist_segments.arrays import FloatArray
from olist_segments.model.model import Model
from olist_segments.model.scaling import Table, design_matrix, fit_scaling
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection.algorithms import fit_samples, fit_segmentations
from olist_segments.selection.sampling import child_seed, generator, strata, stratified_sample

# Fits of which the best is kept. One start can end in a worse optimum next door, and the jump there and back would be
# read as ageing and recovery; a k-means fit is the best of six starts by itself, the others begin at no random place.
_STARTS = {"gaussian_mixture": 3}
# Only k-means is quick enough for everybody, some hundreds of times; others see so many customers.
_QUICK = ("kmeans",)
_MOST = 2_000


@dataclass(frozen=True)
class Recipe:
    """How a model version was made, so that it can be made again on other customers: `transforms` by feature."""

    transforms: Mapping[str, str]
    algorithm: str
    setting: str
    seed: int

    def fit(self, features: Table, *words: object) -> Model:
        """The whole procedure, scaling included, on n rows of raw `features`; `words` set the random draws.

        A mixture is the best of three starts, k-means of six; algorithms other than k-means see a stratified
        sample of 2,000 customers at most.
        """
        scalings = tuple(fit_scaling(features, self.transforms))
        z = design_matrix(features, scalings)
        customers = z
        if self.algorithm not in _QUICK and len(z) > _MOST:
            customers = z[stratified_sample(strata(z), _MOST, generator(self.seed, "people", *words))]
        fits = [
            fit_segmentations(customers, self.algorithm, [self.setting], seed=self._seed(start, *words))[self.setting]
            for start in range(_STARTS.get(self.algorithm, 1))
        ]
        if len(fits) == 1:
            return Model(scalings, fits[0])
        return Model(scalings, min(fits, key=lambda fit: lack_of_fit(fit, z, self.algorithm)))

    def fits(self, features: Table, words: Sequence[Sequence[object]]) -> list[Model]:
        """What `fit` gives with each of `words`; runs of k-means are made side by side."""
        if self.algorithm not in _QUICK:
            return [self.fit(features, *own) for own in words]
        scalings = tuple(fit_scaling(features, self.transforms))
        z = design_matrix(features, scalings)
        everybody = np.arange(len(z))
        seeds = [self._seed(0, *own) for own in words]
        found = fit_samples(z, [everybody] * len(seeds), self.algorithm, [self.setting], seeds=seeds)
        return [Model(scalings, fit[self.setting]) for fit in found]

    def _seed(self, start: int, *words: object) -> int:
        return child_seed(self.seed, "start", start, *words)


def recipe_of(in_force: pd.DataFrame) -> Recipe:
    """The recipe of one version, from its rows of fit_segment_model."""
    first = in_force.iloc[0]
    transforms = Model.from_rows(in_force).transforms
    return Recipe(transforms, str(first["algorithm"]), str(first["setting"]), int(first["random_seed"]))


def lack_of_fit(segmentation: Segmentation, z: FloatArray, algorithm: str) -> float:
    """What the algorithm minimises, for comparing fits with the same number of segments on z (n, d).

    For a mixture -2 log likelihood a customer (up to a constant), otherwise the mean squared distance to the centre.
    """
    scores = segmentation.score(z)
    if algorithm == "gaussian_mixture":
        return float(-2 * logsumexp(-scores / 2, axis=1).mean())
    # All precisions of a spherical segmentation are the same.
    return float(scores.min(axis=1).mean()) / float(segmentation.precision[0, 0])
