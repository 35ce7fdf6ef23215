"""The chosen candidate of each new version as the table that SQL scores with, its segments matched and named."""

from olist_segments.versions import append_models


def model(dbt, session):
    """Rows: model version × segment × feature."""
    dbt.config(materialized="incremental")
    existing = session.sql(f"select * from {dbt.this}").df() if dbt.is_incremental else None
    return append_models(
        dbt.ref("fit_segment_candidates").df(),
        dbt.ref("segment_fit_input").df(),
        dbt.ref("segment_archetypes").df(),
        existing,
        dbt.config.get("settings"),
    )
