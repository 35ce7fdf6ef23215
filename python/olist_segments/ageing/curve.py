"""The ageing curve: mean agreement by age, and how much independent history it rests on.

Origins a fortnight apart share most of the time that they look at, and their agreements move together: thirty origins
of a year are not thirty trials. Their effective number is the smaller of two: that of a first-order autoregression, n
(1 - r) / (1 + r) with the lag-1 autocorrelation r, and the number of times that the age fits into the history end to
end. The interval of the mean is Student's with as many observations; with fewer than two there is none.

The moving-block bootstrap (Kuensch 1989, Annals of Statistics 17, 1217-1241) was tried first: on simulated histories of
this length its 95 % intervals covered the truth in 92 % of cases at 14 days, 78 % at 28, 66 % at 56 and 59 % at 91, for
a block must be as long as the age. These cover it in 92 % or more (`python bench/run.py contract`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, typed_table

COLUMNS = {
    "model_version": "int64",
    "variant": "string",
    "horizon_days": "int64",
    "origin_count": "int64",
    "effective_origin_count": "float64",
    "agreement": "float64",
    "agreement_low": "float64",
    "agreement_high": "float64",
    "noise_floor": "float64",
    "noise_floor_low": "float64",
    "noise_floor_high": "float64",
}
"""Columns of the result and their types, one row per version, variant and age."""

_FEWEST = 2.0


def ageing_curve(pairs: pd.DataFrame, half_life_days: int) -> pd.DataFrame:
    """The curve (COLUMNS) of every version and variant in `pairs`, the rows of segment_ageing of frozen models.

    Agreements are means over origins, each weighing half as much as one that is `half_life_days` younger: a base that
    is older and larger ages more slowly, and the next model starts from the newest. The noise floor of an age is the
    mean of those of its later dates, with 1.96 of its standard errors either side.
    """
    rows = []
    for (version, variant), curve in pairs.groupby(["model_version", "variant"], sort=True):
        newest = curve["origin_date"].max()
        for age in sorted(int(days) for days in curve["horizon_days"].unique()):
            group = curve[curve["horizon_days"] == age]
            ordered = group.sort_values("origin_date")
            day = (ordered["origin_date"] - newest).dt.days.to_numpy(dtype=np.float64)
            weights = 0.5 ** (-day / half_life_days)
            agreement = ordered["ari"].to_numpy(dtype=np.float64)
            floors = ordered[["noise_floor", "noise_floor_se"]].to_numpy(dtype=np.float64)
            origins = effective_origins(agreement, weights, day, float(age))
            low, high = _interval(agreement, weights, origins)
            floor = float(np.average(floors[:, 0], weights=weights))
            error = float(np.sqrt(np.average(floors[:, 1] ** 2, weights=weights) / origins))
            rows.append(
                {
                    "model_version": version,
                    "variant": variant,
                    "horizon_days": age,
                    "origin_count": len(ordered),
                    "effective_origin_count": origins,
                    "agreement": float(np.average(agreement, weights=weights)),
                    "agreement_low": low,
                    "agreement_high": high,
                    "noise_floor": floor,
                    "noise_floor_low": floor - 1.96 * error,
                    "noise_floor_high": min(floor + 1.96 * error, 1.0),
                }
            )
    return typed_table(rows, COLUMNS)


def effective_origins(agreement: FloatArray, weights: FloatArray, day: FloatArray, age: float) -> float:
    """How many independent origins the n of `agreement`, started on `day` (n,) in order, are worth: 1 to n.

    `weights` (n,) that differ make them fewer still (Kish 1965). `age` is in days, as `day`.
    """
    n = len(agreement)
    if n < 2:
        return float(n)
    deviations = agreement - agreement.mean()
    squares = float((deviations**2).sum())
    lag = float((deviations[1:] * deviations[:-1]).sum()) / squares if squares > 0 else 0.0
    by_correlation = n * (1 - max(lag, 0.0)) / (1 + max(lag, 0.0))
    step = float(day[-1] - day[0]) / (n - 1)
    end_to_end = n * step / age
    of_weights = float(weights.sum() ** 2 / (weights**2).sum()) / n
    return float(np.clip(min(by_correlation, end_to_end) * of_weights, 1.0, n))


def _interval(agreement: FloatArray, weights: FloatArray, origins: float) -> tuple[float, float]:
    """The 95 % interval of the weighted mean, within -1 and 1; NaN with fewer than two effective origins."""
    if origins < _FEWEST:
        return np.nan, np.nan
    mean = float(np.average(agreement, weights=weights))
    variance = float(np.average((agreement - mean) ** 2, weights=weights)) * origins / (origins - 1)
    # Not scipy.stats, which takes three times as long to load.
    from scipy.special import stdtrit

    half = float(stdtrit(origins - 1, 0.975)) * np.sqrt(variance / origins)
    return max(mean - half, -1.0), min(mean + half, 1.0)
