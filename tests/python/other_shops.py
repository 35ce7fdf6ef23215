"""Published tables turned into those of a shop that knows nothing of reviews, deliveries, categories or regions."""

from __future__ import annotations

from pathlib import Path

import duckdb

ALL_FLAGS = (
    *("has_reviews", "has_deliveries", "has_promises", "has_payments", "has_products", "has_categories"),
    *("has_sellers", "has_freight", "has_regions", "has_states_of_brazil"),
)
_ABSENT = ("avg_review_score", "late_delivery_share")
_NAMES = ("Big baskets", "Small baskets", "Single buyers", "Repeat buyers")
_NAMED = (
    *("segment_profiles", "segment_profiles_monthly", "segment_traits", "segment_geography", "segment_stability"),
    *("segment_lifecycle_profiles", "segment_forecasts", "campaign_playbook", "campaign_results"),
)


def tell(path: Path, connector: str, currency: str | None, time_zone: str | None, *flags: str) -> None:
    """Make the row of the table shop in the file `path`; `flags` are those that are true."""
    values = ", ".join(f"{flag in flags} as {flag}" for flag in ALL_FLAGS)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"create or replace table shop as select ?::varchar as connector, ?::varchar as currency, "
            f"?::varchar as time_zone, null::varchar as country, {values}",
            [connector, currency, time_zone],
        )


def make_plain(path: Path, currency: str | None = "GBP") -> None:
    """Take from the tables what such a shop's build would not have, names and playbook included."""
    tell(path, "transactions", currency, None)
    with duckdb.connect(str(path)) as connection:
        present = {name for (name,) in connection.sql("select table_name from duckdb_tables()").fetchall()}
        keys = [key for (key,) in connection.sql("select segment_key from segment_profiles order by 1").fetchall()]
        features = ", ".join(f"'{feature}'" for feature in _ABSENT)
        for statement in (
            "update segment_profiles set avg_review_score = null, late_delivery_share = null, "
            "share_of_reviewed = null, top_categories = null, top_states = null, is_dissatisfied = false, "
            "meaning = null, kpi = null, "
            "recommended_action = 'Write to them', channel = 'e-mail', stop_rule = null",
            "update segment_lifecycle_profiles set avg_review_score = null, recommended_action = 'Write to them'",
            f"delete from segment_traits where feature in ({features})",
            "delete from segment_share_drift_monthly where population = 'reviewed'",
            f"delete from segment_model where feature in ({features})",
            f"delete from feature_drift_monthly where feature in ({features}) or population = 'reviewed'",
            "update segment_candidates set feature_set = 'fm', reason = 'the best of its kind'",
            "update segment_versions set feature_set = 'fm', reason = 'the best of its kind'",
            "update segment_migrations_monthly set reason = 'bought_again' where reason <> 'model_changed'",
            "update segment_geography set state = 'unknown', state_name = 'unknown'",
            "delete from delivery_satisfaction",
            "update data_quality set affected_rows = 0",
            "delete from build_warnings",
        ):
            connection.execute(statement)
        for table in _NAMED:
            if table in present:
                for key, name in zip(keys, _NAMES, strict=True):
                    connection.execute(f"update {table} set segment_name = '{name}' where segment_key = '{key}'")
        for side in ("from", "to"):
            for key, name in zip(keys, _NAMES, strict=True):
                connection.execute(
                    f"update segment_migrations_monthly set {side}_segment_name = '{name}' "
                    f"where {side}_segment_key = '{key}'"
                )
        for key, name in zip(keys, _NAMES, strict=True):
            connection.execute(f"update segment_outcomes set segment_name = '{name}' where segment_key = '{key}'")
        connection.execute(
            "update segment_outcomes set segment_name = replace(replace(replace(segment_name, "
            "'Dissatisfied', 'Single'), 'Satisfied big', 'Big'), 'Satisfied small', 'Small')"
        )
