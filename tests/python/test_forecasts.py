"""Forecasts: figures by hand, models that find what was planted, a choice that knows nothing of later, versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from olist_segments.arrays import FloatArray
from olist_segments.errors import UserError
from olist_segments.forecasts import versions
from olist_segments.forecasts.candidates import COLUMNS, NOTHING_KNOWN, evaluate, spread_parameters
from olist_segments.forecasts.choice import ROLES, choose
from olist_segments.forecasts.history import History
from olist_segments.forecasts.judging import METRICS, Judgement, figures, judge, tenth_rows
from olist_segments.forecasts.metrics import (
    Binned,
    BoolArray,
    Levels,
    binned,
    calibration_line,
    concentration,
    inverse_log_odds,
    log_odds,
    mean_over_dates,
    ranking,
    revenue_gini,
    tenths,
    top_tenth_lift,
)
from olist_segments.forecasts.models import (
    INVERSE_PENALTY,
    Amounts,
    Forecast,
    GroupRates,
    Logistic,
    moved,
    penalised_maximum,
    year_parameters,
)
from olist_segments.forecasts.parameters import CannotFit, from_json
from olist_segments.forecasts.purchase_process import Customers, PurchaseProcess, fit_process, fit_value
from olist_segments.forecasts.versions import Terms, append_candidates, append_models, lookup
from olist_segments.settings.model import ForecastRule
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

TERMS = ("has_come_back", "ln_recency", "taste")
RULE = ForecastRule(min_returns=100)
START = pd.Timestamp("2017-01-01")
DAYS = 600


def shop(seed: int, *, taste: float = 1.4, customers: int = 1_500) -> pd.DataFrame:
    """forecast_features of a made-up shop: as-of dates every 30 days, purchases at a rate that rises with a taste.

    Who is new is new at random; the taste is known to the regression and to no rule of thumb.
    """
    rng = np.random.default_rng(seed)
    tastes, first = rng.normal(size=customers), rng.integers(0, 240, customers)
    rates = 0.0008 * np.exp(taste * tastes)
    bought = rng.random((customers, DAYS)) < rates[:, None]
    bought[np.arange(DAYS)[None, :] < first[:, None]] = False
    bought[np.arange(customers), first] = True
    spend = np.where(bought, np.exp(rng.normal(4, 0.5, bought.shape)).round(2), 0.0)
    days = np.cumsum(bought, axis=1)
    total = np.cumsum(spend, axis=1)
    parts = []
    for today in range(60, DAYS, 30):
        known = np.flatnonzero(first <= today)
        last = today - np.argmax(bought[known, today::-1], axis=1)
        count = days[known, today]
        first_value = spend[known, first[known]]
        later, year = (min(today + ahead, DAYS - 1) for ahead in (90, 365))
        has_outcome, has_year = today + 90 < DAYS, today + 365 < DAYS
        came_back = count > 1
        band = np.minimum((today - last) // 30 * 30, 180)
        parts.append(
            pd.DataFrame(
                {
                    "customer_unique_id": [f"c{number:05d}" for number in known],
                    "as_of_date": START + pd.Timedelta(days=today),
                    "outcome_until": START + pd.Timedelta(days=today + 90),
                    "purchase_day_count": count,
                    "recency_days": today - last,
                    "tenure_days": today - first[known],
                    "active_days": last - first[known],
                    "average_day_value": total[known, today] / count,
                    "repeat_day_value": np.where(
                        came_back, (total[known, today] - first_value) / np.maximum(count - 1, 1), np.nan
                    ),
                    "hiatus_group": [f"{days:03d}" for days in band],
                    "naive_group": [
                        f"{'again' if c else 'once'}:{days:03d}" for c, days in zip(came_back, band, strict=True)
                    ],
                    "year_band": ["again:000" if c else "once:000" for c in came_back],
                    "rfm_share": np.nan if today < 200 else 0.05 + 0.01 * came_back,
                    "kind_stage_share": np.nan,
                    "has_come_back": came_back.astype(float),
                    "ln_recency": np.log1p(today - last),
                    "taste": tastes[known],
                    "next_order_count": (days[known, later] - count).astype(float) if has_outcome else np.nan,
                    "next_spend": (total[known, later] - total[known, today]) if has_outcome else np.nan,
                    "next_year_order_count": (days[known, year] - count).astype(float) if has_year else np.nan,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def history_of(frame: pd.DataFrame) -> History:
    return History(frame, TERMS, 4)


def shuffled(frame: pd.DataFrame, columns: list[str], rows: pd.Series[bool], seed: int) -> pd.DataFrame:
    """The columns of these rows dealt out anew among the customers of each date."""
    rng = np.random.default_rng(seed)
    dealt = frame.copy()
    for _, index in frame[rows].groupby("as_of_date").groups.items():
        dealt.loc[index, columns] = frame.loc[rng.permutation(index), columns].to_numpy()
    return dealt


OUTCOMES = ["next_order_count", "next_spend", "next_year_order_count"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return shop(1)


ASKED = Terms(TERMS, 4, RULE)


@pytest.fixture(scope="module")
def evidence(frame: pd.DataFrame) -> pd.DataFrame:
    """The first version."""
    return append_candidates(lambda: frame, None, ASKED, refit=False)


@pytest.fixture(scope="module")
def refitted(frame: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The second, on the same customers in another copy."""
    return append_candidates(lambda: frame.copy(), evidence, ASKED, refit=True)


def newest_choice(evidence: pd.DataFrame) -> pd.Series[Any]:
    whole = evidence[(evidence["tenth"] == 0) & evidence["is_chosen"] & evidence["as_of_date"].notna()]
    return whole.sort_values("as_of_date").iloc[-1]


# Figures.


def test_auc_is_that_of_scikit_learn_and_its_variance_delongs_by_hand() -> None:
    rng = np.random.default_rng(2)
    returned = rng.random(300) < 0.2
    scores = [np.round(rng.normal(size=300) + weight * returned.astype(np.float64), 1) for weight in (0.8, 0.3)]
    ranked = [ranking(Levels.of(score), returned) for score in scores]
    wins = []
    for score, found in zip(scores, ranked, strict=True):
        assert found.auc == pytest.approx(roc_auc_score(returned, score), abs=1e-12)
        ones, others = score[returned][:, None], score[~returned][None, :]
        wins.append((ones > others) + 0.5 * (ones == others))
        assert found.others.mean() == pytest.approx(found.auc, abs=1e-12)
    for one, matrix in zip(ranked, wins, strict=True):
        by_hand = matrix.mean(axis=1).var(ddof=1) / returned.sum() + matrix.mean(axis=0).var(ddof=1) / (~returned).sum()
        assert one.variance == pytest.approx(by_hand, rel=1e-12)
    apart = wins[0] - wins[1]
    by_hand = apart.mean(axis=1).var(ddof=1) / returned.sum() + apart.mean(axis=0).var(ddof=1) / (~returned).sum()
    difference, variance = ranked[0].less(ranked[1])
    assert difference == pytest.approx(ranked[0].auc - ranked[1].auc)
    assert variance == pytest.approx(by_hand, rel=1e-9)
    # The scores share what is random about who returned: paired, the difference is known better.
    assert variance != pytest.approx(ranked[0].variance + ranked[1].variance, rel=0.01)


def test_nobody_on_a_side_has_no_auc() -> None:
    assert np.isnan(ranking(Levels.of(np.arange(3.0)), np.zeros(3, dtype=bool)).auc)
    assert np.isnan(top_tenth_lift(Levels.of(np.arange(3.0)), np.zeros(3, dtype=bool)))


def test_the_mean_over_dates_counts_shared_days_as_shared_errors() -> None:
    dates = [START, START + pd.Timedelta(days=45), START + pd.Timedelta(days=200)]
    found = mean_over_dates([0.1, 0.2, 0.3], [0.0004, 0.0009, 0.0001], dates, 90)
    error = np.sqrt(0.0004 + 0.0009 + 0.0001 + 2 * 0.5 * 0.02 * 0.03) / 3
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - 1.959964 * error, abs=1e-8)
    assert found.high == pytest.approx(0.2 + 1.959964 * error, abs=1e-8)


def test_tenths_are_those_of_cume_dist_and_ties_stay_together() -> None:
    assert tenths(Levels.of(np.arange(20.0))).tolist() == sorted(list(range(1, 11)) * 2, reverse=True)
    # The higher value is of three in ten: it ends in the third tenth.
    assert tenths(Levels.of(np.array([0.9] * 3 + [0.1] * 7))).tolist() == [3] * 3 + [10] * 7


def test_lift_and_gini_by_hand() -> None:
    returned = np.array([True] + [False] * 18 + [True])
    score = np.arange(20.0)[::-1]
    # Two of twenty are a tenth; one of them returned, as did a tenth of all.
    assert top_tenth_lift(Levels.of(score), returned) == pytest.approx(0.5 / 0.1)
    # All alike: by chance.
    assert top_tenth_lift(Levels.of(np.zeros(20)), returned) == pytest.approx(1.0)
    spend = np.array([0.0, 0.0, 0.0, 8.0])
    for expected, actual, gini in (
        (spend, spend, 1.0),
        (-spend, spend, -1.0),
        (np.ones(4), spend, 0.0),
        (spend, np.ones(4), np.nan),
    ):
        best = concentration(Levels.of(actual), actual)
        assert revenue_gini(Levels.of(expected), actual, best) == pytest.approx(gini, nan_ok=True)


def in_bins(probability: FloatArray, returned: BoolArray) -> Binned:
    return binned(probability, Levels.of(probability), returned)


def test_the_calibration_line_is_a_logistic_regression_without_penalty() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(-3, 1, 4_000)
    returned = rng.random(4_000) < inverse_log_odds(0.7 * x + 0.4)
    intercept, slope = calibration_line(in_bins(inverse_log_odds(x), returned))
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(x[:, None], returned)
    assert slope == pytest.approx(expected.coef_[0, 0], abs=2e-3)
    assert intercept == pytest.approx(expected.intercept_[0], abs=5e-3)
    alike = Binned(np.array([1.0, 1.0]), np.array([5.0, 5.0]), np.array([1.0, 2.0]))
    for undefined in (
        alike,
        Binned(np.arange(2.0), np.ones(2), np.zeros(2)),
        Binned(np.arange(2.0), np.ones(2), np.arange(2.0)),
    ):
        assert np.isnan(calibration_line(undefined)).all()


def test_recalibration_repairs_a_bent_model() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(-3, 1, 20_000)
    returned = rng.random(20_000) < inverse_log_odds(x)
    bent = inverse_log_odds(2.5 * x + 3)
    line = calibration_line(in_bins(bent, returned))
    assert line[1] == pytest.approx(0.4, abs=0.05)
    intercept, slope = calibration_line(in_bins(moved(bent, *line), returned))
    assert (intercept, slope) == pytest.approx((0, 1), abs=1e-2)
    assert moved(bent, *line).mean() == pytest.approx(returned.mean(), rel=1e-3)


# Models.


def test_naive_ranks_by_the_exact_rule_and_forecasts_the_past_rate_of_the_group(frame: pd.DataFrame) -> None:
    history = history_of(frame)
    date = 12
    training = history.training(date)
    assert len(training) == 4
    assert history.outcome_until[training[-1]] <= history.dates[date] < history.outcome_until[training[-1] + 1]
    rows = history.rows(date)
    naive = GroupRates.fit(history, training, "naive_group", Amounts.fit(history, training))
    forecast = naive.forecast(history, rows)
    today = frame.iloc[rows]
    order = today.assign(again=today["purchase_day_count"] > 1).sort_values(
        ["again", "recency_days"], ascending=[False, True]
    )
    ranked = pd.Series(forecast.score, index=today.index)[order.index]
    assert ranked.is_monotonic_decreasing
    assert ranked.nunique() == order[["again", "recency_days"]].drop_duplicates().shape[0]
    past = frame[frame["as_of_date"].isin([history.dates[number] for number in training])]
    rates = (past["next_order_count"] > 0).groupby(past["naive_group"]).mean()
    assert forecast.probability == pytest.approx(today["naive_group"].map(rates).to_numpy(), abs=1e-11)
    hiatus = GroupRates.fit(history, training, "hiatus_group", Amounts()).forecast(history, rows)
    assert hiatus.score.tolist() == (-today["recency_days"]).tolist()
    unseen = replace(naive, rates={})
    assert set(unseen.forecast(history, rows).probability) == {naive.everybody}


def test_amounts_match_the_totals_of_training(frame: pd.DataFrame) -> None:
    history = history_of(frame)
    training = history.training(12)
    amounts = Amounts.fit(history, training)
    rows = history.rows_of(training)
    past = frame.iloc[rows]
    past = past[past["next_order_count"] > 0]
    assert amounts.orders_per_return == pytest.approx(past["next_order_count"].mean())
    assert amounts.orders_per_return > 1
    assert amounts.spend(past["average_day_value"].to_numpy()).sum() == pytest.approx(past["next_spend"].sum())


def test_the_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(11)
    z = rng.normal(size=(4, 3_000)) * [[1.0], [2.0], [0.5], [1.0]]
    z[3] = z[0] + 0.01 * z[3]
    returned = rng.random(3_000) < inverse_log_odds(np.array([1.5, -1.0, 0.5, 0.0]) @ z - 4)
    reference = LogisticRegression(C=INVERSE_PENALTY, tol=1e-10, max_iter=1_000, solver="newton-cholesky")
    expected = reference.fit(z.T, returned)
    for start in (np.zeros(5), np.array([9.0, -9.0, 9.0, -9.0, 9.0])):
        found = penalised_maximum(z, returned, start)
        assert found == pytest.approx([*expected.intercept_, *expected.coef_[0]], abs=1e-7)


def test_the_parameters_of_the_regression_say_what_it_forecasts(frame: pd.DataFrame) -> None:
    history = history_of(frame)
    training = history.training(12)
    fitted = Logistic.fit(history, training, Amounts.fit(history, training))
    rows = history.rows(12)
    for model, expected in (
        (fitted, fitted.forecast(history, rows).probability),
        (fitted.recalibrated(0.3, 0.8), moved(fitted.forecast(history, rows).probability, 0.3, 0.8)),
    ):
        terms = {p.term: p for p in model.parameters() if p.part == "terms"}
        z = np.full(rows.stop - rows.start, terms.pop("intercept").coefficient)
        for term, parameter in terms.items():
            assert parameter.scale is not None
            assert parameter.shift is not None
            z = z + parameter.coefficient * (history.values(term)[rows] - parameter.shift) / parameter.scale
        assert expected == pytest.approx(inverse_log_odds(z), rel=1e-9)
    assert {p.term for p in fitted.parameters() if p.part == "amount"} == {
        "orders_per_return",
        "spend_intercept",
        "spend_slope",
    }


def test_a_year_is_forecast_once_a_year_of_outcomes_is_known(frame: pd.DataFrame) -> None:
    history = history_of(frame)
    first = next(
        number for number, date in enumerate(history.dates) if date >= history.dates[0] + pd.Timedelta(days=365)
    )
    assert year_parameters(history, first - 1) == []
    found = {p.level: p.coefficient for p in year_parameters(history, first)}
    past = frame[frame["as_of_date"] == history.dates[0]]
    assert found[""] == pytest.approx(past["next_year_order_count"].sum() / past["next_order_count"].sum())


def generated(
    kind: str, count: int, seed: int, later: float = 0.0, parameters: tuple[float, ...] = (0.8, 9.0, 0.9, 2.5)
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Purchase days, days between first and last, days since the first, purchases in `later` weeks after: (n,) each."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = parameters
    rate, drop = rng.gamma(r, 1 / alpha, count), rng.beta(a, b, count)
    known = rng.uniform(20, 70, count).round() * 7
    alive = rng.random(count) >= drop if kind == "mbgnbd" else np.ones(count, dtype=bool)
    at, times, last, after = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    while alive.any():
        at = at + np.where(alive, rng.exponential(7 / rate), 0)
        within = alive & (at <= known)
        times += within
        last[within] = at[within]
        after += alive & (at > known) & (at <= known + 7 * later)
        alive &= (at <= known + 7 * later) & (rng.random(count) >= drop)
    return times + 1, last.round(), known, after


@pytest.mark.parametrize("kind", ["bgnbd", "mbgnbd"])
def test_the_parameters_of_a_purchase_process_are_found_again_and_its_probabilities_come_true(kind: str) -> None:
    purchases, active, known, after = generated(kind, 20_000, seed=5, later=13)
    customers = Customers.of(purchases, active, known)
    (r, alpha, a, b), _ = fit_process(kind, customers)
    assert (r, alpha) == pytest.approx((0.8, 9.0), rel=0.08)
    assert a / (a + b) == pytest.approx(0.9 / 3.4, rel=0.12)
    assert a + b == pytest.approx(3.4, rel=0.4)
    process = PurchaseProcess(kind, r, alpha, a, b, 6.0, 4.0, 15.0)
    probability, orders = process.probability_and_orders(customers, 91)
    probability, orders = probability[customers.number], orders[customers.number]
    for who in (purchases == 1, (purchases > 1) & (purchases < 4), purchases >= 4):
        came, error = (after[who] > 0).mean(), 4 * np.sqrt(0.25 / who.sum())
        assert probability[who].mean() == pytest.approx(came, abs=error)
        assert orders[who].mean() == pytest.approx(after[who].mean(), rel=0.06)


def test_the_distinct_customers_say_what_the_library_finds_in_all_of_them() -> None:
    from clvkit import BGNBD, CustomerBase

    purchases, active, known, _ = generated("bgnbd", 1_500, seed=6)
    (found, likelihood) = fit_process("bgnbd", Customers.of(purchases, active, known))
    everybody = pd.DataFrame({"frequency": purchases - 1, "recency": active / 7, "T": known / 7})
    base = CustomerBase(
        everybody,
        time_unit="W",
        collapse="D",
        observation_period_end=START,
        has_monetary=False,
        on_negative="net",
    )
    model = BGNBD().fit(base)
    assert model.params_ is not None
    assert found == pytest.approx(tuple(model.params_), rel=1e-3)
    assert likelihood == pytest.approx(model.log_likelihood_, abs=1e-4)


def test_a_recalibrated_process_forecasts_orders_as_its_probability() -> None:
    customers = Customers.of(np.array([1.0, 3.0]), np.array([0.0, 70.0]), np.array([140.0, 140.0]))
    plain = PurchaseProcess("bgnbd", 0.24, 4.4, 0.8, 2.4, 6.0, 4.0, 15.0)
    before, orders = plain.probability_and_orders(customers, 90)
    # Who has bought once is alive for sure, in BG/NBD.
    assert before[0] == pytest.approx(1 - ((4.4 + 20) / (4.4 + 20 + 90 / 7)) ** 0.24)
    after, moved_orders = plain.recalibrated(0.5, 0.9).probability_and_orders(customers, 90)
    assert after == pytest.approx(moved(before, 0.5, 0.9))
    assert moved_orders / orders == pytest.approx(after / before)
    assert plain.value_of_an_order(np.array([0.0, 2.0]), np.array([0.0, 50.0])) == pytest.approx(
        [6 * 15 / 3, 6 * (15 + 100) / 15]
    )


def test_what_tells_no_parameters_is_a_reason_and_no_error() -> None:
    with pytest.raises(CannotFit, match="49 customers who came back are fewer than the 50"):
        fit_value(np.append(np.ones(49), np.zeros(500)), np.full(549, 20.0))
    # All come back to the day: a pace that does not vary has no gamma.
    with pytest.raises(CannotFit, match="not fitted"):
        fit_process("bgnbd", Customers.of(np.full(50, 11.0), np.full(50, 140.0), np.full(50, 140.0)))


# Judging and choosing.


def test_figures_of_a_date_by_hand(frame: pd.DataFrame) -> None:
    history = history_of(frame)
    rows = history.rows(5)
    returned = history.returned[rows]
    count = len(returned)
    probability = np.where(np.arange(count) % 2 == 0, 0.2, 0.1)
    forecast = Forecast(probability, probability, probability * 2, probability * 30)
    one = judge(history, 5, forecast, 0.15, {}, 1.0)
    found = figures([one], None, 90)
    assert found["predicted_share"] == pytest.approx(probability.mean())
    assert found["observed_share"] == pytest.approx(returned.mean())
    assert found["brier_skill"] == pytest.approx(
        1 - ((probability - returned) ** 2).mean() / ((0.15 - returned) ** 2).mean()
    )
    losses = [
        -np.where(returned, np.log(forecast), np.log(1 - forecast)).sum()
        for forecast in (probability, np.full(count, 0.15))
    ]
    assert found["log_loss_skill"] == pytest.approx(1 - losses[0] / losses[1])
    today = frame.iloc[rows]
    assert found["order_ratio"] == pytest.approx(2 * probability.sum() / today["next_order_count"].sum())
    assert found["revenue_ratio"] == pytest.approx(30 * probability.sum() / today["next_spend"].sum())
    assert found["ranking_auc"] == pytest.approx(roc_auc_score(returned, probability))
    high, low = tenth_rows([one])
    assert (high["tenth"], low["tenth"]) == (5 if count % 2 == 0 else 6, 10)
    assert high["observed_share"] == pytest.approx(returned[::2].mean())


def judged(
    name_auc: float, *, lead: float, variance: float = 1e-6, slope: float = 1.0, orders: float = 1.0, dates: int = 4
) -> list[Judgement]:
    """Judged dates 90 days apart with these figures."""
    x = np.array([-4.0, -2.0])
    share = inverse_log_odds(slope * x)
    bins = Binned(x, np.full(2, 1e4), share * 1e4)
    return [
        Judgement(
            date=START + pd.Timedelta(days=90 * number),
            customers=20_000,
            returned=int(bins.returned.sum()),
            probability=500.0,
            auc=name_auc,
            auc_variance=1e-4,
            less_rule={"naive": (lead, variance), "hiatus": (lead + 0.01, variance)},
            brier=1.0,
            base_brier=1.0,
            log_loss=1.0,
            base_log_loss=1.0,
            bins=bins,
            predicted_orders=100 * orders,
            actual_orders=100.0,
            predicted_revenue=1.0,
            actual_revenue=1.0,
            lift=2.0,
            gini=0.2,
            tenths=np.ones((3, 10)),
        )
        for number in range(dates)
    ]


THUMBS = {"naive": judged(0.6, lead=0.0), "hiatus": judged(0.59, lead=-0.01)}
NO_PROCESS = {f"{kind}{twin}": "not fitted" for kind in ("bgnbd", "mbgnbd") for twin in ("", "_recalibrated")}


@pytest.mark.parametrize(
    ("plain", "twin", "chosen", "reason"),
    [
        (
            {},
            {},
            "logistic",
            "chosen: ranks customers better than naive: AUC +0.0200, 95 % interval +0.0190 to +0.0210",
        ),
        ({"slope": 0.69}, {}, "logistic_recalibrated", "chosen: "),
        ({"slope": 1.41}, {}, "logistic_recalibrated", "chosen: "),
        ({"slope": 0.71}, {}, "logistic", "chosen: "),
        ({"orders": 0.79}, {}, "logistic_recalibrated", "chosen: "),
        ({"orders": 1.24}, {}, "logistic", "chosen: "),
        (
            {"orders": 1.26},
            {"orders": 1.3},
            "naive",
            "abstaining, past rates of naive groups stand in: no model is eligible; the nearest is logistic: it ",
        ),
        ({"variance": 5e-4}, {"variance": 5e-4}, "naive", "abstaining, "),
        ({"dates": 2}, {"dates": 2}, "naive", "the nearest is logistic: judged on 2 dates by then, fewer than 3"),
        ({"lead": -0.02}, {"lead": -0.02}, "naive", "not clearly better than naive"),
        ({"lead": 0.004}, {"lead": 0.004}, "naive", "its lead over naive is smaller than 0.005"),
        ({"lead": 0.006}, {}, "logistic", "chosen: "),
    ],
)
def test_a_model_must_beat_the_better_rule_of_thumb_and_be_calibrated(
    plain: dict[str, Any], twin: dict[str, Any], chosen: str, reason: str
) -> None:
    known = THUMBS | {
        "logistic": judged(0.62, **{"lead": 0.02} | plain),
        "logistic_recalibrated": judged(0.62, **{"lead": 0.02} | twin),
    }
    choice = choose(known, NO_PROCESS, ForecastRule(), 90)
    assert choice.chosen == chosen
    assert choice.is_abstaining == (chosen == "naive")
    assert reason in choice.reasons[chosen]
    assert set(choice.reasons) == set(ROLES)
    assert choice.eligible == (frozenset() if choice.is_abstaining else frozenset([chosen]))


def test_the_highest_lead_is_chosen_and_the_better_rule_of_thumb_stands_in() -> None:
    known = {
        "naive": judged(0.58, lead=0.0),
        "hiatus": judged(0.6, lead=0.0),
        "logistic": judged(0.62, lead=0.01),
        "bgnbd": judged(0.63, lead=0.02),
    }
    choice = choose(known, {}, ForecastRule(), 90)
    assert (choice.chosen, choice.rule) == ("bgnbd", "hiatus")
    assert choice.reasons["logistic"].startswith("eligible, but lost to bgnbd")
    abstaining = choose(known, dict.fromkeys(("logistic", "bgnbd"), "not fitted"), ForecastRule(), 90)
    assert (abstaining.chosen, abstaining.is_abstaining) == ("hiatus", True)
    assert choose({}, {}, ForecastRule(), 90).chosen == "naive"


def test_the_spread_of_a_tenth_is_that_of_the_dates_with_customers_in_it() -> None:
    ratios = [
        replace(one, tenths=np.array([[10.0] * 10, [2.0 + number] * 10, [2.0] * 9 + [0.0]]))
        for number, one in enumerate(judged(0.6, lead=0.0))
    ]
    found = {(p.term, p.level): p.coefficient for p in spread_parameters(ratios, 3)}
    assert found[("low", "1")] == pytest.approx(1.0)
    assert found[("high", "1")] == pytest.approx(2.5)
    assert ("low", "10") not in found
    assert spread_parameters(ratios[:2], 3) == []


def test_the_regression_is_chosen_where_a_taste_decides_who_returns(evidence: pd.DataFrame) -> None:
    choice = newest_choice(evidence)
    # So few customers are shrunk towards their mean: the recalibration spreads them out again.
    assert choice["model"] == "logistic_recalibrated"
    assert "calibration slope" in evidence.loc[evidence["model"] == "logistic", "reason"].iloc[0]
    assert not choice["is_abstaining"]
    whole = evidence[(evidence["tenth"] == 0) & evidence["as_of_date"].isna()].set_index("model")
    assert whole["auc_minus_rule_low"]["logistic"] > 0.02
    assert whole["auc_minus_rule"]["logistic"] == pytest.approx(
        whole["ranking_auc"]["logistic"]
        - evidence[(evidence["model"] == "naive") & (evidence["tenth"] == 0)]
        .set_index("as_of_date")["ranking_auc"]
        .reindex(
            evidence[(evidence["model"] == "logistic") & (evidence["tenth"] == 0) & evidence["is_judged"]][
                "as_of_date"
            ].dropna()
        )
        .mean()
    )
    assert np.isnan(whole["auc_minus_rule"]["naive"])
    assert not evidence[evidence["model_role"] == "segmentation"][["is_chosen", "is_eligible"]].any().any()
    rfm = evidence[(evidence["model"] == "rfm") & (evidence["tenth"] == 0) & evidence["is_judged"]][
        "as_of_date"
    ].dropna()
    assert rfm.min() == START + pd.Timedelta(days=210)


def test_every_date_has_one_choice_and_dates_without_outcomes_have_parameters(evidence: pd.DataFrame) -> None:
    whole = evidence[(evidence["tenth"] == 0) & evidence["as_of_date"].notna()]
    assert (whole.groupby("as_of_date")["is_chosen"].sum() == 1).all()
    newest = whole[whole["as_of_date"] == whole["as_of_date"].max()].set_index("model")
    assert not newest["is_judged"].any()
    assert newest.drop(index=["rfm", "kind_stage"]).loc[newest["parameters"].notna(), "ranking_auc"].isna().all()
    assert isinstance(newest["parameters"]["logistic"], str)
    first = whole[whole["as_of_date"] == whole["as_of_date"].min()]
    assert set(first["reason"]) == {NOTHING_KNOWN}
    assert first["parameters"].isna().all()
    counts = evidence[evidence["tenth"] > 0].groupby(["model", "as_of_date"])["customer_count"].sum()
    expected = whole[whole["is_judged"]].set_index(["model", "as_of_date"])["customer_count"].sort_index()
    assert (counts == expected).all()


def test_forecasts_abstain_where_outcomes_are_dealt_out_at_random(frame: pd.DataFrame) -> None:
    random = shuffled(frame, OUTCOMES, frame["next_order_count"].notna(), seed=7)
    found = evaluate(history_of(random), RULE)
    assert found.loc[found["as_of_date"].notna(), "is_abstaining"].all()
    choice = newest_choice(found)
    assert choice["model"] in ("naive", "hiatus")
    assert "no model is eligible; the nearest is " in choice["reason"]


def test_with_fewer_returns_than_the_minimum_nothing_is_fitted(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a model was fitted")

    for model in (Logistic, PurchaseProcess):
        monkeypatch.setattr(model, "fit", forbidden)
    found = evaluate(history_of(frame), ForecastRule(min_returns=100_000))
    assert found["is_abstaining"].all()
    choice = newest_choice(found)
    assert "fewer than 100000" in choice["reason"]
    assert {p.part for p in from_json(choice["parameters"])} >= {"group", "amount"}


KEYS = ["model", "as_of_date", "tenth"]
SET = ["model", "as_of_date", "is_eligible", "is_chosen", "is_abstaining", "reason", "parameters"]


def sets_until(evidence: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    rows = evidence[(evidence["tenth"] == 0) & (evidence["as_of_date"] <= date)]
    return rows[SET].reset_index(drop=True)


def test_nothing_after_a_date_changes_its_parameters_or_its_choice(frame: pd.DataFrame, evidence: pd.DataFrame) -> None:
    date = START + pd.Timedelta(days=480)
    later = frame["as_of_date"] > date
    unknown = frame["outcome_until"] > date
    dealt = shuffled(frame, OUTCOMES, unknown & frame["next_order_count"].notna(), seed=8)
    features = [
        name for name in frame.columns if name not in ("customer_unique_id", "as_of_date", "outcome_until", *OUTCOMES)
    ]
    dealt = shuffled(dealt, features, later, seed=9)
    assert not dealt.equals(frame)
    before = sets_until(evidence, date)
    assert before["is_eligible"].any()
    pd.testing.assert_frame_equal(sets_until(evaluate(history_of(dealt), RULE), date), before)
    # A year's outcomes may reach beyond a date that an outcome period does not: the raw files cut off know neither.
    cut = frame[~later].copy()
    cut.loc[unknown, OUTCOMES] = np.nan
    cut.loc[cut["as_of_date"] + pd.Timedelta(days=365) > date, "next_year_order_count"] = np.nan
    pd.testing.assert_frame_equal(sets_until(evaluate(history_of(cut), RULE), date), before)


def test_the_same_history_gives_the_same_figures_and_parameters(evidence: pd.DataFrame, refitted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(refitted[[*KEYS, *METRICS]], evidence[[*KEYS, *METRICS]], check_exact=True)
    newest = evidence["as_of_date"] == evidence["as_of_date"].max()
    pd.testing.assert_frame_equal(refitted.loc[newest, SET], evidence.loc[newest, SET])


# Versions.


def unread() -> pd.DataFrame:
    raise AssertionError("the features were read")


def test_versions_are_appended_when_asked_for_and_never_changed(
    frame: pd.DataFrame, evidence: pd.DataFrame, refitted: pd.DataFrame
) -> None:
    models = append_models(evidence, None, 90)
    assert set(evidence["forecast_version"]) == {1}
    assert models["fitted_on"].nunique() == frame["as_of_date"].nunique()
    assert append_candidates(unread, evidence, ASKED, refit=False).empty
    assert append_models(evidence, models, 90).empty
    assert set(refitted["forecast_version"]) == {2}
    both = pd.concat([evidence, refitted], ignore_index=True)
    new = append_models(both, models, 90)
    newest = frame["as_of_date"].max()
    assert set(zip(new["forecast_version"], new["fitted_on"], strict=True)) == {(2, newest)}
    judged_only = refitted[(refitted["tenth"] == 0) & (refitted["as_of_date"] < newest)]
    assert judged_only["is_judged"].any()
    assert judged_only["parameters"].isna().all()
    assert not judged_only["is_chosen"].any()
    # On the same customers, what the first version has at this date.
    first = models[models["fitted_on"] == newest].reset_index(drop=True)
    pd.testing.assert_frame_equal(new.drop(columns="forecast_version"), first.drop(columns="forecast_version"))


def test_a_refit_asked_for_again_after_a_kill_is_the_one_that_was_begun(
    frame: pd.DataFrame, evidence: pd.DataFrame, refitted: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "evaluate", lambda *_, **__: refitted[list(COLUMNS)])

    def again(builds: pd.DataFrame, before: pd.DataFrame) -> list[int]:
        found = append_candidates(lambda: frame, before, ASKED, refit=True, builds=lambda: builds)
        return sorted(set(found["forecast_version"]))

    both = pd.concat([evidence, refitted], ignore_index=True)
    began = both["fitted_at"].min() - pd.Timedelta(days=1)
    killed = pd.DataFrame({"started_at": [began, began + pd.Timedelta(days=2)], "finished_at": [None, None]})
    assert again(killed, both.sample(frac=1, random_state=1)) == []
    ended = killed.assign(finished_at=pd.Series([began + pd.Timedelta(days=1.5), None]))
    assert again(ended, both) == [3]
    other = both.assign(parameters=both["parameters"].where(both["forecast_version"] == 1, "[]"))
    assert again(killed, other) == [3]


def test_the_parameters_of_the_table_are_those_of_the_evidence(frame: pd.DataFrame, evidence: pd.DataFrame) -> None:
    models = append_models(evidence, None, 90)
    nothing = models[models["model"] == "none"]
    assert set(nothing["part"]) == {"none"}
    assert nothing["fitted_on"].is_unique
    newest = models[models["fitted_on"] == frame["as_of_date"].max()]
    assert set(newest["model"]) == {"logistic_recalibrated"}
    assert {"terms", "amount", "year", "spread", "period"} == set(newest["part"])
    assert newest.loc[newest["part"] == "period", "coefficient"].tolist() == [90.0]
    assert not models.duplicated(["forecast_version", "fitted_on", "part", "term", "level"]).any()
    assert set(newest["reason"]) == {newest_choice(evidence)["reason"]}


def test_nobody_to_forecast_is_told_in_a_sentence(frame: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="there is nobody to forecast"):
        append_candidates(lambda: frame.head(0), None, ASKED, refit=False)


def test_the_lookup_holds_the_processes_in_force_and_is_not_read_for_others(frame: pd.DataFrame) -> None:
    dates = sorted(frame["as_of_date"].unique())
    values = {
        "r": 0.24,
        "alpha": 4.4,
        "a": 0.8,
        "b": 2.4,
        "p": 6.0,
        "q": 4.0,
        "gamma": 15.0,
        "intercept": 0.5,
        "slope": 0.9,
    }
    said = {"data_as_of": dates[-1], "is_abstaining": False, "reason": "", "level": "", "shift": None, "scale": None}
    process = [
        said
        | {"forecast_version": 1, "fitted_on": dates[3], "model": "mbgnbd_recalibrated", "term": term}
        | {"part": "purchase_process", "coefficient": value}
        for term, value in values.items()
    ]
    other = said | {"forecast_version": 2, "fitted_on": dates[5], "model": "logistic", "part": "terms"}
    models = pd.DataFrame([*process, other | {"term": "intercept", "coefficient": 0.1}])
    assert lookup(models[models["part"] == "terms"], unread, 90).empty
    found = lookup(models, lambda: frame, 90)
    assert sorted(found["as_of_date"].unique()) == dates[3:5]
    assert set(zip(found["forecast_version"], found["fitted_on"], strict=True)) == {(1, dates[3])}
    today = frame[frame["as_of_date"] == dates[4]]
    keys = ["purchase_day_count", "active_days", "tenure_days"]
    of_date = found[found["as_of_date"] == dates[4]]
    assert (
        len(of_date)
        == len(today[keys].drop_duplicates())
        == len(today[keys].merge(of_date, on=keys)[keys].drop_duplicates())
    )
    row = of_date.iloc[0]
    customer = Customers.of(*(np.array([float(row[key])]) for key in keys))
    plain = PurchaseProcess.of("mbgnbd", {**values, "intercept": 0.0, "slope": 1.0}, 90)
    probability, orders = plain.probability_and_orders(customer, 90)
    _, year = plain.probability_and_orders(customer, 365)
    factor = moved(probability, 0.5, 0.9) / probability
    assert row["order_probability"] == pytest.approx(moved(probability, 0.5, 0.9)[0])
    assert row["expected_orders"] == pytest.approx((orders * factor)[0])
    assert row["expected_orders_year"] == pytest.approx((year * factor)[0])


def test_parameters_are_text_that_reads_back(evidence: pd.DataFrame) -> None:
    text = newest_choice(evidence)["parameters"]
    assert [list(parameter) for parameter in from_json(text)] == json.loads(text)
    kept: Callable[[float], str] = "{:.12g}".format
    for parameter in from_json(text):
        assert float(kept(parameter.coefficient)) == parameter.coefficient


def test_log_odds_keep_off_certainty() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
    assert inverse_log_odds(log_odds(np.array([0.3]))) == pytest.approx([0.3])


def test_a_search_that_begins_elsewhere_ends_in_the_same_place(frame: pd.DataFrame) -> None:
    """Each date begins at the fit of the date before."""
    history = history_of(frame)
    training = history.training(len(history.dates) - 1)
    amounts = Amounts.fit(history, training)
    cold = Logistic.fit(history, training, amounts)
    far = replace(cold, intercept=cold.intercept + 1, coefficients=tuple(value - 1 for value in cold.coefficients))
    warm = Logistic.fit(history, training, amounts, far)
    assert (warm.intercept, *warm.coefficients) == pytest.approx((cold.intercept, *cold.coefficients), abs=1e-7)
