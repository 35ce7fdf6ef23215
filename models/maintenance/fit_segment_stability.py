"""Bootstrap stability of every segment of a new model version; nothing for a version that has been measured."""

from olist_segments.stability_table import append_stability


def model(dbt, session):
    """Rows: model version × segment."""
    dbt.config(materialized="incremental")
    existing = session.sql(f"select * from {dbt.this}").df() if dbt.is_incremental else None
    return append_stability(
        dbt.ref("fit_segment_model").df(), dbt.ref("fit_segment_labels").df(), existing, dbt.config.get("settings")
    )
