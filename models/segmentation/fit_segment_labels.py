"""The segment of everybody a version was fitted on, as Python labels them: what SQL scoring is held against."""

from olist_segments.versions import append_labels


def model(dbt, session):
    """Rows: person × model version, at the date of the fit."""
    dbt.config(materialized="incremental")
    existing = session.sql(f"select * from {dbt.this}").df() if dbt.is_incremental else None
    settings = dbt.config.get("settings")
    fit_input = dbt.ref("segment_fit_input").df()
    return append_labels(dbt.ref("fit_segment_model").df(), fit_input, existing, settings["feature_transforms"])
