"""A shop that knows of its sales nothing but who bought when for how much: every room copes, nothing is made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nights import SETTINGS, WHOLE
from warehouses import Warehouse

CUSTOMERS = 500


def write_transactions(folder: Path) -> None:
    """A year and a half of visits: some customers buy often and much, others once."""
    rng = np.random.default_rng(7)
    rows = []
    for customer in range(CUSTOMERS):
        is_regular = customer % 5 == 0
        first = int(rng.integers(0, 500))
        gaps = rng.exponential(40, size=int(rng.integers(4, 12)) if is_regular else int(rng.integers(0, 2)))
        for day in [first, *(first + np.cumsum(np.ceil(gaps)).astype(int))]:
            if day < 546:
                date = np.datetime64("1997-01-01") + np.timedelta64(int(day), "D")
                amount = rng.lognormal(6 if is_regular else 3, 0.5)
                rows.append(f" {customer:05d} {str(date).replace('-', '')} {1 + day % 3:2d} {amount:7.2f}")
    folder.mkdir(parents=True)
    (folder / "transactions.txt").write_text(
        "\n".join([" customer_id  date number_of_cds  dollar_value", *rows]) + "\n", encoding="utf-8"
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A whole build, all data tests among it."""
    home = tmp_path_factory.mktemp("shop")
    write_transactions(home / "data")
    warehouse = Warehouse(home / "built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_CONNECTOR", "transactions")
        patch.setenv("OLIST_CURRENCY", "USD")
        warehouse.dbt(*WHOLE, data=home / "data", variables=SETTINGS)
    return warehouse


@pytest.mark.slow
def test_the_shop_says_what_it_does_not_know(shop: Warehouse) -> None:
    (told,) = shop.query("from shop").to_dict("records")
    assert (told["connector"], told["currency"]) == ("transactions", "USD")
    assert not any(known for name, known in told.items() if str(name).startswith("has_"))


def test_segments_are_made_and_named_of_what_is_known(shop: Warehouse) -> None:
    sets = set(shop.query("select distinct feature_set from segment_candidates")["feature_set"])
    assert sets == {"fm", "rfm"}
    assert set(shop.query("select distinct feature from segment_traits")["feature"]) == {
        *("recency_days", "purchase_day_count", "total_spend")
    }
    (segments,) = shop.query("select count(*) from segment_profiles").iloc[0]
    assert segments > 1
    words = shop.query("select concat(segment_name, meaning, recommended_action) as words from segment_profiles")[
        "words"
    ]
    assert not words.str.contains("review|parcel|deliver|satisf", case=False).any()


def test_what_is_not_known_breaks_no_rule_and_fills_no_table(shop: Warehouse) -> None:
    broken = shop.query("select rule_name from data_quality where is_unexpected and affected_rows > 0")
    assert broken.empty
    assert shop.query("from delivery_satisfaction").empty
    assert shop.query("from build_warnings where warning_name = 'rfm_scores_do_not_spread'").empty


def test_a_fifth_of_the_customers_has_each_score_of_spend(shop: Warehouse) -> None:
    shares = shop.query("select count(*) / sum(count(*)) over () as share from rfm_segments group by monetary_score")
    assert len(shares) == 5
    assert shares["share"].between(0.18, 0.22).all()
    assert set(shop.query("select bin_source from rfm_bins where dimension = 'total_spend'")["bin_source"]) == {
        "quintiles"
    }
