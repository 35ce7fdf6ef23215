"""The four algorithms that can fit a segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.errors import UserError
from olist_segments.model.agreement import adjusted_rand, contingency
from olist_segments.model.segmentation import Segmentation
from olist_segments.selection.kmeans import Cells, Cut, Run, kmeans
from olist_segments.selection.mixture import VARIANCE_FLOOR, Mixture, gaussian_mixture
from olist_segments.selection.sampling import atoms, generator, strata, stratified_sample
from olist_segments.settings.model import ALGORITHMS

FIT_SIZES = {"kmeans": None, "gaussian_mixture": 10_000, "ward": 3_000, "hdbscan": 3_000}
"""Most customers an algorithm is fitted on: a mixture gains little beyond, Ward and HDBSCAN need pairwise distances."""

WITHOUT_CHANCE = ("ward", "hdbscan")
"""Algorithms that draw nothing at random: the same customers give the same segments, whatever the seed."""

# The smallest pooled variance, in squared z units.
_POOLED_FLOOR = 1e-6
# A variance below so many times the floor is the floor and rounding.
_AT_FLOOR = 1.1
# How many neighbours make a place dense, as a share of the customers: so a smaller sample sees the same density.
_DENSITY_NEIGHBOURS = 0.004


def fit_segmentations(z: FloatArray, algorithm: str, settings: Sequence[str], *, seed: int) -> dict[str, Segmentation]:
    """Fit `algorithm` on z (n, d) once for each of `settings` and return the deployable forms, largest segment first.

    kmeans: Lloyd's algorithm from the best of six k-means++ starts on cells of alike customers, then on everybody
    (`selection.kmeans`); spherical segments of the pooled within-segment variance and equal weight, so the lowest score
    is the nearest centre. gaussian_mixture: diagonal covariance, 0.01 added to its variances (a standard deviation of
    0.1), from the k-means of the same number. ward (Ward 1963) and hdbscan (Campello, Moulavi & Sander 2013) have no
    rule for new customers: what is deployed is the nearest centroid of the clusters they found, with pooled variance as
    for kmeans, and customers whom HDBSCAN calls noise go to the nearest centroid too; `Segmentation.fidelity` says how
    far that is from the clusters (noise counts as one). If z has fewer distinct rows than k, there are fewer segments;
    the density method finds its own k, which may be 1. Beyond `FIT_SIZES` a stratified sample is fitted.

    Raises UserError for an unknown algorithm. Run it with one BLAS and OpenMP thread: more of them change the last
    digits.
    """
    if algorithm not in ALGORITHMS:
        raise UserError(f"unknown clustering algorithm {algorithm!r}: use one of {', '.join(ALGORITHMS)}.")
    limit = FIT_SIZES[algorithm]
    if limit is not None and len(z) > limit:
        sample = z[stratified_sample(strata(z), limit, generator(seed, "fit sample"))]
    else:
        sample = z
    if algorithm == "kmeans":
        return _kmeans(Cells.of(z), [None], settings, [seed])[0]
    if algorithm == "gaussian_mixture":
        found = {
            setting: mixture_segments(gaussian_mixture(sample, _number(setting), generator(seed, algorithm, setting)))
            for setting in settings
        }
    elif algorithm == "ward":
        tree = linkage(sample, "ward")
        found = {
            setting: _nearest_centroid(sample, fcluster(tree, _number(setting), "maxclust")) for setting in settings
        }
    else:
        found = {
            setting: _nearest_centroid(sample, _density_clusters(sample, _number(setting) / 100))
            for setting in settings
        }
    return {setting: segmentation.in_canonical_order(z) for setting, segmentation in found.items()}


def fit_samples(
    z: FloatArray, samples: Sequence[IntArray], algorithm: str, settings: Sequence[str], *, seeds: Sequence[int]
) -> list[dict[str, Segmentation]]:
    """`fit_segmentations` on each of `samples`, positions (m,) of customers of z (n, d), with a seed for each.

    k-means gathers the customers into cells once for all samples, so its starts are not those of a sample by itself.
    """
    if algorithm == "kmeans":
        return _kmeans(Cells.of(z), samples, settings, seeds)
    return [
        fit_segmentations(z[sample], algorithm, settings, seed=seed)
        for sample, seed in zip(samples, seeds, strict=True)
    ]


def _kmeans(
    cells: Cells, samples: Sequence[IntArray | None], settings: Sequence[str], seeds: Sequence[int]
) -> list[dict[str, Segmentation]]:
    """The segmentations of every sample, None for everybody, largest segment first."""
    runs = [
        Run(_number(setting), generator(seed, "kmeans", setting), sample)
        for sample, seed in zip(samples, seeds, strict=True)
        for setting in settings
    ]
    found = iter(kmeans(cells, runs))
    return [{setting: _spherical_segments(next(found)) for setting in settings} for _ in samples]


def _spherical_segments(cut: Cut) -> Segmentation:
    """The segments of a cut by k-means, with the pooled within-segment variance."""
    variance = cut.inertia / int(cut.sizes.sum()) / cut.centre.shape[1]
    precision = np.full_like(cut.centre, 1 / max(variance, _POOLED_FLOOR))
    return Segmentation(cut.centre, precision, np.zeros(len(cut.centre))).ordered_by(cut.sizes)


def _number(setting: str) -> int:
    """The whole number of a setting's words."""
    return int(setting.partition("=")[2].rstrip("%"))


def spherical(centre: FloatArray, z: FloatArray) -> Segmentation:
    """Equal-weight spherical segments round `centre` (k, d) with the pooled within-segment variance of z (n, d)."""
    nearest = Segmentation(centre, np.ones_like(centre), np.zeros(len(centre)))
    variance = float(nearest.score(z).min(axis=1).mean()) / z.shape[1]
    return Segmentation(centre, np.full_like(centre, 1 / max(variance, _POOLED_FLOOR)), np.zeros(len(centre)))


def mixture_segments(mixture: Mixture) -> Segmentation:
    """A diagonal mixture as segments: precision 1 / variance, bias sum of log variances - 2 log weight."""
    bias = np.log(mixture.variances).sum(axis=1) - 2 * np.log(mixture.weights)
    return Segmentation(mixture.means, 1 / mixture.variances, bias)


def discrete_features(z: FloatArray) -> list[int]:
    """The columns of z (n, d) that take few values."""
    return [column for column in range(z.shape[1]) if atoms(z[:, column]) is not None]


def collapsed_segments(segmentation: Segmentation, discrete: Sequence[int]) -> int:
    """How many segments of a mixture stand at its variance floor in a `discrete` feature, one that takes few values.

    Such a component describes one value and no customers: only the floor keeps its density finite.
    """
    at_floor = segmentation.precision[:, discrete] > 1 / (_AT_FLOOR * VARIANCE_FLOOR)
    return int(at_floor.any(axis=1).sum())


def _density_clusters(z: FloatArray, share: float) -> IntArray:
    """HDBSCAN's labels (n,), -1 for noise."""
    # Takes a second to load, and only one worker needs it.
    from sklearn.cluster import HDBSCAN

    clusters = HDBSCAN(
        min_cluster_size=max(2, round(share * len(z))),
        min_samples=max(2, round(_DENSITY_NEIGHBOURS * len(z))),
        copy=True,
    ).fit_predict(z)
    return np.asarray(clusters, dtype=np.int64)


def _nearest_centroid(z: FloatArray, clusters: IntArray) -> Segmentation:
    """Segments round the means of `clusters` (n,); with no cluster but noise, one segment round the mean of all."""
    named = np.unique(clusters[clusters >= 0])
    if not len(named):
        return spherical(z.mean(axis=0, keepdims=True), z)
    nearest = spherical(np.array([z[clusters == cluster].mean(axis=0) for cluster in named]), z)
    own = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    table = contingency(own, nearest.labels(z), int(own.max()) + 1, nearest.k)
    return replace(nearest, fidelity=adjusted_rand(table))
