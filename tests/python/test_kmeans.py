"""k-means of our own against scikit-learn's, and that no run depends on what is fitted beside it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from olist_segments.arrays import FloatArray
from olist_segments.selection.kmeans import Cells, Cut, Run, kmeans
from sklearn.cluster import KMeans


def clouds() -> FloatArray:
    rng = np.random.default_rng(1)
    sizes = ((3000, 0), (1000, 6), (200, -5))
    return np.concatenate([rng.normal(size=(size, 3)) + place for size, place in sizes])


def shop(people: int = 12_000) -> FloatArray:
    """Purchase days, spend and review scores as an online shop has them, each in standard deviations."""
    rng = np.random.default_rng(2)
    scores = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], people, p=[0.11, 0.03, 0.08, 0.2, 0.58])
    z = np.column_stack([rng.random(people) < 0.03, np.log(rng.gamma(2, 60, people)), scores])
    scaled: FloatArray = (z - z.mean(axis=0)) / z.std(axis=0)
    return scaled


PEOPLE = {
    "clouds": clouds(),
    "shop": shop(),
    "ties": np.random.default_rng(3).integers(0, 5, (5000, 2)).astype(np.float64),
    "one feature": np.random.default_rng(4).normal(size=(4000, 1)),
    "a constant": np.column_stack([np.random.default_rng(5).normal(size=3000), np.ones(3000)]),
    "few": np.random.default_rng(6).normal(size=(40, 2)),
    "an outlier": np.concatenate([np.random.default_rng(7).normal(size=(5000, 2)), [[1e4, 1e4]]]),
}


def cut(z: FloatArray, k: int, seed: int = 0) -> Cut:
    (found,) = kmeans(Cells.of(z), [Run(k, np.random.default_rng(seed))])
    return found


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("name", PEOPLE)
def test_cuts_are_as_tight_as_those_of_scikit_learn(name: str, k: int) -> None:
    z = PEOPLE[name]
    ours = min((cut(z, k, seed) for seed in range(3)), key=lambda one: one.inertia)
    assert ours.inertia <= KMeans(k, n_init=5, random_state=0).fit(z).inertia_ * 1.02
    distances = ((z[:, None] - ours.centre) ** 2).sum(axis=2)
    assert distances.min(axis=1).sum() == pytest.approx(ours.inertia, rel=1e-6)
    assert ours.sizes.sum() == len(z)
    assert ours.sizes.min() > 0


def test_on_the_average_cuts_of_samples_are_within_one_per_cent_of_those_of_scikit_learn() -> None:
    z, rng = shop(), np.random.default_rng(0)
    samples = [rng.integers(0, len(z), 4000) for _ in range(12)]
    ours = kmeans(Cells.of(z), [Run(6, np.random.default_rng(seed), own) for seed, own in enumerate(samples)])
    theirs = [KMeans(6, n_init=5, random_state=seed).fit(z[own]).inertia_ for seed, own in enumerate(samples)]
    assert np.log([one.inertia for one in ours]).mean() < np.log(theirs).mean() + 0.01


@pytest.mark.parametrize("k", [2, 5])
def test_it_has_settled(k: int) -> None:
    """Another step of Lloyd's algorithm moves no centre by more than a hundredth of a standard deviation."""
    z = shop()
    found = cut(z, k)
    labels = ((z[:, None] - found.centre) ** 2).sum(axis=2).argmin(axis=1)
    means = np.array([z[labels == segment].mean(axis=0) for segment in range(k)])
    assert found.centre == pytest.approx(means, abs=0.01)
    assert found.sizes.tolist() == np.bincount(labels).tolist()


def test_a_run_alone_gives_the_same_bytes_as_beside_others() -> None:
    z, rng = shop(), np.random.default_rng(0)
    cells = Cells.of(z)
    samples = [rng.integers(0, len(z), 3000) for _ in range(7)]
    together = kmeans(
        cells,
        [Run(k, np.random.default_rng(number), own) for number, own in enumerate(samples) for k in (2, 4, 7)],
    )
    alone = [
        kmeans(cells, [Run(k, np.random.default_rng(number), own)])[0]
        for number, own in enumerate(samples)
        for k in (2, 4, 7)
    ]
    for one, other in zip(together, alone, strict=True):
        assert one.centre.tobytes() == other.centre.tobytes()
        assert one.sizes.tolist() == other.sizes.tolist()
        assert one.inertia == other.inertia


def test_a_customer_drawn_twice_counts_twice() -> None:
    z = PEOPLE["few"]
    drawn = np.random.default_rng(1).integers(0, len(z), 90)
    (weighted,) = kmeans(Cells.of(z), [Run(3, np.random.default_rng(0), drawn)])
    repeated = cut(z[drawn], 3)
    assert sorted(weighted.sizes) == sorted(repeated.sizes)
    assert weighted.inertia == pytest.approx(repeated.inertia)


@pytest.mark.parametrize("people", [30, 3000, 30_000])
def test_fewer_places_than_segments(people: int) -> None:
    z = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], people // 3, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cut(z, 8)
        same = cut(np.ones((people, 2)), 4)
    assert sorted(map(tuple, found.centre)) == [(0, 0), (0, 3), (1, 0)]
    assert found.inertia == pytest.approx(0)
    assert same.centre.tolist() == [[1, 1]]
    assert len(cut(z[:2], 5).centre) == 1


def test_cells_hold_their_customers_mean_and_different_rows_where_these_are_few() -> None:
    z = shop()
    cells = Cells.of(z)
    assert 200 <= len(cells.means) <= 2000
    means = np.array([z[cells.index == cell].mean(axis=0) for cell in range(len(cells.means))])
    assert cells.means == pytest.approx(means)
    spread = np.array([np.ptp(z[cells.index == cell], axis=0).max() for cell in range(len(cells.means))])
    assert spread.max() < 0.11
    ties = Cells.of(PEOPLE["ties"])
    assert (ties.means[ties.index] == PEOPLE["ties"]).all()
    # A grid as wide as the outlier asks for would put all others into one cell.
    assert 200 <= len(Cells.of(PEOPLE["an outlier"]).means) <= 2000


def test_a_segment_that_loses_its_customers_starts_again_far_out() -> None:
    """Two of three equal places are left empty by the first step, and every place is found all the same."""
    z = np.concatenate([np.zeros((5000, 1)), np.full((5, 1), 50.0), np.full((5, 1), 51.0)])
    for seed in range(10):
        assert sorted(cut(z, 3, seed).centre.ravel()) == pytest.approx([0, 50, 51])
