"""BG/NBD and Gamma-Gamma on the CDNOW sample, against the parameters that were published for it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from olist_segments.forecasts.purchase_process import Customers, PurchaseProcess, fit_process, fit_value

CALIBRATION_WEEKS = 39
HOLDOUT_WEEKS = 39
TITLE = ["## BG/NBD and Gamma-Gamma on CDNOW", ""]
# Fader, Hardie & Lee (2005) on the first 39 weeks; Fader & Hardie (2013) on the spend of the same weeks.
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log-likelihood": -9582.4}
PUBLISHED_VALUE = {"p": 6.25, "q": 3.74, "gamma": 15.45}


def purchase_days(path: Path) -> pd.DataFrame:
    """Customer, day and USD of each purchase day in CDNOW_sample.txt (id, sample id, date, CDs, dollars)."""
    log = pd.read_csv(path, sep=r"\s+", header=None, names=["id", "customer", "date", "cds", "dollars"])
    log["day"] = pd.to_datetime(log["date"], format="%Y%m%d")
    return log.groupby(["customer", "day"])["dollars"].sum().reset_index()


def expected_from_the_start(process: PurchaseProcess, first: pd.Series[pd.Timestamp], until: pd.Timestamp) -> float:
    """Repeat purchases of everybody from the first purchase (one timestamp a customer) until a day.

    As in the tracking plot of the paper: nothing is known of a customer but the day of the first purchase.
    """
    newcomer = Customers.of(np.ones(1), np.zeros(1), np.zeros(1))
    total = 0.0
    for days, count in zip(*np.unique((until - first).dt.days, return_counts=True), strict=True):
        total += count * float(process.probability_and_orders(newcomer, int(days))[1][0])
    return total


def section(home: Path) -> list[str]:
    """The lines of the table; one sentence where CDNOW_FILE names no file. Nothing is written to `home`."""
    given = os.environ.get("CDNOW_FILE")
    if not given:
        return [*TITLE, "Skipped: CDNOW_FILE does not name the file CDNOW_sample.txt (brucehardie.com/datasets)."]
    days = purchase_days(Path(given))
    # The first 39 weeks, from 1 January to 30 September 1997; the data end 39 weeks later.
    end = days["day"].min() + pd.Timedelta(days=7 * CALIBRATION_WEEKS - 1)
    known = days[days["day"] <= end]
    by_customer = known.groupby("customer")["day"]
    first, last, count = by_customer.min(), by_customer.max(), by_customer.size()
    last_day = end + pd.Timedelta(days=7 * HOLDOUT_WEEKS)
    repeats = days[days["day"] > days["customer"].map(first)]
    repeat = repeats[repeats["day"] <= end].groupby("customer")["dollars"].mean()
    customers = Customers.of(
        count.to_numpy(np.float64),
        (last - first).dt.days.to_numpy(np.float64),
        (end - first).dt.days.to_numpy(np.float64),
    )
    value = fit_value(count.to_numpy(np.float64) - 1, repeat.reindex(count.index).to_numpy(np.float64))
    lines = []
    for kind, name in (("bgnbd", "BG/NBD"), ("mbgnbd", "MBG/NBD")):
        (r, alpha, a, b), log_likelihood = fit_process(kind, customers)
        process = PurchaseProcess(kind, r, alpha, a, b, *value, outcome_days=7 * HOLDOUT_WEEKS)
        _, orders = process.probability_and_orders(customers, process.outcome_days)
        ratio = float(orders[customers.number].sum()) / ((days["day"] > end) & (days["day"] <= last_day)).sum()
        fitted = {"r": r, "alpha": alpha, "a": a, "b": b, "log-likelihood": log_likelihood}
        for term, number in fitted.items():
            published = f"{PUBLISHED[term]:g}" if kind == "bgnbd" else ""
            lines.append(f"| {name} | {term} | {number:.{1 if term == 'log-likelihood' else 3}f} | {published} |")
        from_start = expected_from_the_start(process, first, last_day) / repeats[repeats["day"] <= last_day].shape[0]
        lines.append(f"| {name} | expected over actual repeat purchases, weeks 1 to 78 | {from_start:.3f} | |")
        lines.append(f"| {name} | the same of weeks 40 to 78, given the first 39 | {ratio:.3f} | |")
    for (term, published_value), number in zip(PUBLISHED_VALUE.items(), value, strict=True):
        lines.append(f"| Gamma-Gamma | {term} | {number:.2f} | {published_value:g} |")
    return [
        *TITLE,
        f"{len(count):,} customers of CDNOW_sample.txt, fitted on 39 weeks; published: Fader, Hardie & Lee (2005) and",
        "Fader & Hardie (2013).",
        "",
        "| model | | fitted | published |",
        "|:---|:---|---:|---:|",
        *lines,
    ]
