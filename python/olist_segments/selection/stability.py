"""Would the same segments come back? Refits on other customers, other halves and other seeds.

A refit repeats the whole procedure, starting points included, and labels the same fixed customers as the segmentation
it is compared with. It sees REFIT_SIZES customers at most: fewer than there are make the test harder, never easier. The
sizes were measured on the full export: the prediction strength of k-means with five segments rises from 0.71 on halves
of 2,000 to 0.93 on 10,000 and 0.94 on 40,000; that of mixtures does not rise from 2,000 to 5,000, and that of Ward's
method not from 1,000 to 5,000.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.agreement import adjusted_rands, best_jaccard, contingencies, contingency
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection.algorithms import WITHOUT_CHANCE, fit_samples
from olist_segments.selection.metrics import prediction_strength_of_split
from olist_segments.selection.sampling import child_seed, generator, strata, stratified_sample

REFIT_SIZES = {"kmeans": 10_000, "gaussian_mixture": 2_000, "ward": 1_000, "hdbscan": 2_000}
"""Customers that a refit sees at most."""

EVALUATION_SIZE = 6_000
"""Customers on whom labellings are compared, at most."""


def evaluation_customers(z: FloatArray, seed: int) -> FloatArray:
    """The customers (m, d) on whom labellings of z (n, d) are compared: everybody, or a stratified sample of 6,000."""
    if len(z) <= EVALUATION_SIZE:
        return z
    return z[np.sort(stratified_sample(strata(z), EVALUATION_SIZE, generator(seed, "evaluation")))]


def resample_refits(
    z: FloatArray, stratum: IntArray, algorithm: str, settings: Sequence[str], indices: Sequence[int], seed: int
) -> list[dict[str, Segmentation]]:
    """Refits on the bootstrap resamples with the numbers `indices`."""
    size = min(len(z), REFIT_SIZES[algorithm])
    samples = [stratified_sample(stratum, size, generator(seed, "resample", index), replace=True) for index in indices]
    seeds = [child_seed(seed, "resample", index) for index in indices]
    return fit_samples(z, samples, algorithm, settings, seeds=seeds)


def split_strengths(
    z: FloatArray, stratum: IntArray, algorithm: str, settings: Sequence[str], indices: Sequence[int], seed: int
) -> list[dict[str, float]]:
    """Prediction strength of every setting in the random splits with the numbers `indices`.

    A split has two halves of so many customers at most.
    """
    half = min(len(z) // 2, REFIT_SIZES[algorithm])
    samples = [stratified_sample(stratum, 2 * half, generator(seed, "split", index)) for index in indices]
    halves = [part for sample in samples for part in (sample[:half], sample[half:])]
    seeds = [child_seed(seed, name, index) for index in indices for name in ("first half", "second half")]
    refits = fit_samples(z, halves, algorithm, settings, seeds=seeds)
    strengths = []
    for there, own, second in zip(refits[::2], refits[1::2], halves[1::2], strict=True):
        customers = z[second]
        strengths.append(
            {
                setting: prediction_strength_of_split(
                    contingency(
                        there[setting].labels(customers),
                        own[setting].labels(customers),
                        there[setting].k,
                        own[setting].k,
                    )
                )
                for setting in settings
            }
        )
    return strengths


def seed_refits(
    z: FloatArray, stratum: IntArray, algorithm: str, settings: Sequence[str], indices: Sequence[int], seed: int
) -> list[dict[str, Segmentation]]:
    """Refits on one and the same sample with the seeds `indices`: what the choice of starting points alone changes.

    Ward and HDBSCAN choose nothing at random: one fit is all of them.
    """
    size = min(len(z), REFIT_SIZES[algorithm])
    sample = stratified_sample(stratum, size, generator(seed, "seed sample"))
    seeds = [child_seed(seed, "seed", index) for index in indices]
    if algorithm in WITHOUT_CHANCE:
        return fit_samples(z, [sample], algorithm, settings, seeds=seeds[:1]) * len(seeds)
    return fit_samples(z, [sample] * len(seeds), algorithm, settings, seeds=seeds)


def resampled_jaccards(labels: IntArray, k: int, relabelled: Sequence[tuple[IntArray, int]]) -> FloatArray:
    """For every relabelling of the same customers its best Jaccard similarity with each segment: (relabellings, k).

    `relabelled` holds (labels, number of segments) pairs. The mean over relabellings is Hennig's (2007) bootstrap
    stability.
    """
    return np.array([best_jaccard(contingency(labels, other, k, count)) for other, count in relabelled])


def mean_adjusted_rand(labellings: Sequence[tuple[IntArray, int]]) -> tuple[float, float]:
    """Mean adjusted Rand index over all pairs of m labellings of the same customers, and its standard error.

    A labelling is (labels, number of segments). The error is that of the jackknife over labellings (Efron & Tibshirani
    1993, ch. 11); NaN for two of them.
    """
    m = len(labellings)
    first, second = np.triu_indices(m, 1)
    agreement = np.zeros((m, m))
    agreement[first, second] = adjusted_rands(contingencies(labellings)[first, second])
    agreement += agreement.T
    total = agreement.sum()
    mean = float(total / (m * (m - 1)))
    if m < 3:
        return mean, float("nan")
    without = (total - 2 * agreement.sum(axis=0)) / ((m - 1) * (m - 2))
    return mean, float(np.sqrt((m - 1) / m * ((without - without.mean()) ** 2).sum()))
