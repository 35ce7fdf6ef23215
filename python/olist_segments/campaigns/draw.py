"""Drawing who is held out and who gets which arm: by a salted digest, within strata, the same answer every time.

Within a stratum of n people, ranked r = 0 .. n - 1 by their digests, position (r + u) / n with one u a stratum (itself
a digest) decides: the arm is the one whose interval of cumulative shares holds it. So each person's chance is exactly
the arm's share, and a stratum gives each arm n * share people, rounded up or down.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

import duckdb

from olist_segments.campaigns.rules import DIGITS, digest_number

MOST_BANDS = 10
"""Bands of spend in a kind and stage, at most."""
PEOPLE_A_BAND = 50
"""A band has at least so many people, but where it is the only one."""


def draw(
    connection: duckdb.DuckDBPyConnection, people: str, shares: Sequence[Decimal], salt: str
) -> duckdb.DuckDBPyRelation:
    """The rows of the relation `people` with stratum, draw_number and arm_number, of any number of campaigns at once.

    `people`: name of a table with campaign, customer_unique_id, segment_key, stage_key and total_spend, a row per
    campaign and customer. `shares`: those of the arms, the holdout's first; they add up to 1. Strata are kind x stage x
    band of spend.
    """
    ends = list(accumulate(shares))[:-1]
    arm = " ".join(f"when position < {end} then {number}" for number, end in enumerate(ends))
    query = _DRAW.format(
        people=people,
        draw_number=digest_number("$salt || '|' || campaign || '|' || customer_unique_id"),
        start=digest_number("$salt || '|' || campaign || '|' || stratum"),
        arm=f"case {arm} else {len(ends)} end" if ends else "0",
    )
    return connection.sql(query, params={"salt": salt})


_DRAW = f"""
    with sized as (
        select
            *,
            count(*) over (partition by campaign, segment_key, stage_key) as size,
            row_number() over (
                partition by campaign, segment_key, stage_key order by total_spend, customer_unique_id
            ) - 1 as spend_rank,
            least({MOST_BANDS}, greatest(1, size // {PEOPLE_A_BAND})) as bands
        from {{people}}
    ),

    -- As ntile does it, which takes no number that differs by partition: the first bands are one larger.
    banded as (
        select
            * exclude (size, spend_rank, bands),
            segment_key || ':' || stage_key || ':' || lpad(
                (
                    case
                        when spend_rank < (size % bands) * (size // bands + 1) then spend_rank // (size // bands + 1)
                        else (spend_rank - size % bands) // (size // bands)
                    end + 1
                )::varchar, 3, '0'
            ) as stratum,
            {{draw_number}} as draw_number
        from sized
    ),

    placed as (
        select
            *,
            (
                row_number() over (partition by campaign, stratum order by draw_number, customer_unique_id) - 1
                + ({{start}})::double / {DIGITS}
            ) / count(*) over (partition by campaign, stratum) as position
        from banded
    )

    select * exclude (position), {{arm}} as arm_number
    from placed
"""
