"""Drawing arms: the chances that were asked for, the same answer every time, and arms that are alike."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
from olist_segments.campaigns.draw import draw

SALT = "test salt"
SHARES = [Decimal("0.2"), Decimal("0.5"), Decimal("0.3")]
FEATURES = (
    *("recency_days", "purchase_day_count", "total_spend", "avg_review_score", "late_delivery_share"),
    "order_probability",
)


def drawn(people: pd.DataFrame, shares: list[Decimal] = SHARES, threads: int = 2, salt: str = SALT) -> pd.DataFrame:
    """What `draw` makes of the people, by campaign and customer."""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.register("people", people)
        found: pd.DataFrame = draw(connection, "people", shares, salt).df()
        return found.sort_values(["campaign", "customer_unique_id"], ignore_index=True)


def marketplace(count: int, campaign: str = "spring") -> pd.DataFrame:
    """So many customers with the skew and the ties of a real export."""
    rng = np.random.default_rng(20180831)
    kind, stage = rng.integers(0, 4, count), rng.integers(0, 4, count)
    score = rng.choice([1, 2, 3, 4, 5], count, p=[0.11, 0.03, 0.08, 0.19, 0.59]).astype(float)
    score[rng.random(count) < 0.01] = np.nan
    return pd.DataFrame(
        {
            "campaign": campaign,
            "customer_unique_id": [f"{number:032x}" for number in range(count)],
            "segment_key": [f"kind_{number}" for number in kind],
            "stage_key": [f"stage_{number}" for number in stage],
            "recency_days": rng.integers(0, 600, count),
            "purchase_day_count": 1 + (rng.random(count) < 0.03) * rng.geometric(0.8, count),
            "total_spend": np.round(np.exp(rng.normal(4.6 + 0.2 * kind, 0.9, count)), 2),
            "avg_review_score": score,
            "late_delivery_share": (rng.random(count) < 0.08).astype(float),
            "order_probability": np.exp(rng.normal(-5.2 - 0.1 * stage, 0.4, count)),
        }
    )


def digest(*parts: object) -> int:
    return int(hashlib.md5("|".join(map(str, parts)).encode()).hexdigest()[:15], 16)


def by_hand(people: pd.DataFrame) -> pd.DataFrame:
    """The same draw in plain Python."""
    rows = []
    for (campaign, kind, stage), group in people.groupby(["campaign", "segment_key", "stage_key"]):
        by_spend = sorted(zip(group["total_spend"], group["customer_unique_id"], strict=True))
        bands = min(10, max(1, len(by_spend) // 50))
        smaller, larger = divmod(len(by_spend), bands)
        sizes = [smaller + 1] * larger + [smaller] * (bands - larger)
        for band, size in enumerate(sizes):
            start = sum(sizes[:band])
            stratum = f"{kind}:{stage}:{band + 1:03}"
            offset = digest(SALT, campaign, stratum) / 2**60
            members = sorted((digest(SALT, campaign, who), who) for _, who in by_spend[start : start + size])
            for rank, (number, who) in enumerate(members):
                position, arm = (rank + offset) / size, 0
                while arm + 1 < len(SHARES) and position >= float(sum(SHARES[: arm + 1])):
                    arm += 1
                rows.append((campaign, who, stratum, number, arm))
    found = pd.DataFrame(rows, columns=["campaign", "customer_unique_id", "stratum", "draw_number", "arm_number"])
    return found.sort_values(["campaign", "customer_unique_id"], ignore_index=True)


@pytest.fixture(scope="module")
def two_campaigns() -> pd.DataFrame:
    # Kinds and stages of 1, 49, 50, 99, 100, 620 and more people.
    people = marketplace(4000)
    sizes = [1, 49, 50, 99, 100, 620, 3081]
    people["segment_key"] = np.repeat([f"kind_{size}" for size in sizes], sizes)
    people["stage_key"] = "cooling"
    return pd.concat([people, people.iloc[::2].assign(campaign="autumn")], ignore_index=True)


def test_the_draw_is_that_of_plain_python(two_campaigns: pd.DataFrame) -> None:
    expected = by_hand(two_campaigns)
    pd.testing.assert_frame_equal(drawn(two_campaigns)[list(expected.columns)], expected, check_dtype=False)


def test_order_of_rows_threads_and_runs_change_nothing(two_campaigns: pd.DataFrame) -> None:
    first = drawn(two_campaigns)
    shuffled = two_campaigns.sample(frac=1, random_state=1, ignore_index=True)
    for threads in (1, 2, 7):
        pd.testing.assert_frame_equal(drawn(shuffled, threads=threads), first)
    alone = drawn(two_campaigns[two_campaigns["campaign"] == "autumn"])
    pd.testing.assert_frame_equal(alone, first[first["campaign"] == "autumn"].reset_index(drop=True))


def test_campaign_and_salt_each_draw_anew(two_campaigns: pd.DataFrame) -> None:
    people = two_campaigns[two_campaigns["campaign"] == "spring"]
    arms = drawn(people)["arm_number"]
    for other in (drawn(people.assign(campaign="summer")), drawn(people, salt="another")):
        # Drawn independently, with shares of 0.2, 0.5 and 0.3, 38 % get the same arm.
        assert (other["arm_number"] == arms).mean() == pytest.approx(0.38, abs=0.03)


def test_a_stratum_gives_each_arm_its_share_rounded_up_or_down(two_campaigns: pd.DataFrame) -> None:
    found = drawn(two_campaigns)
    strata = found.groupby(["campaign", "stratum"])
    assert strata.ngroups > 30
    for _, members in strata:
        for arm, share in enumerate(SHARES):
            exact = len(members) * float(share)
            assert np.floor(exact) <= (members["arm_number"] == arm).sum() <= np.ceil(exact)
        ordered = members.sort_values("draw_number")
        assert ordered["arm_number"].is_monotonic_increasing
    assert found["stratum"].str.fullmatch(r"kind_\d+:cooling:(00[1-9]|010)").all()


def test_everybody_has_the_chance_that_the_shares_say() -> None:
    campaigns, members = 20_000, 3
    people = pd.DataFrame(
        {
            "campaign": np.repeat([f"c{number}" for number in range(campaigns)], members),
            "customer_unique_id": np.tile([f"id{number}" for number in range(members)], campaigns),
            "segment_key": "kind",
            "stage_key": "stage",
            "total_spend": 1.0,
        }
    )
    found = drawn(people)
    for _, of_customer in found.groupby("customer_unique_id"):
        for arm, share in enumerate(map(float, SHARES)):
            # Four standard errors.
            error = 4 * np.sqrt(share * (1 - share) / campaigns)
            assert (of_customer["arm_number"] == arm).mean() == pytest.approx(share, abs=error)


def test_arms_of_full_size_are_alike() -> None:
    people = marketplace(96_000)
    found = drawn(people, [Decimal("0.1"), Decimal("0.45"), Decimal("0.45")])
    held_out = found[found["arm_number"] == 0]
    assert len(held_out) == pytest.approx(9_600, abs=40)
    for arm in (1, 2):
        members = found[found["arm_number"] == arm]
        for feature in FEATURES:
            spread = np.sqrt((members[feature].var() + held_out[feature].var()) / 2)
            assert abs(members[feature].mean() - held_out[feature].mean()) / spread < 0.05, (arm, feature)
