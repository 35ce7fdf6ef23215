"""The chosen candidate of each new version as the table that SQL scores with, its segments matched and named."""

from olist_segments.dbt_io.frames import read, read_existing, written
from olist_segments.model.features import described_of
from olist_segments.model.naming import NamingRule
from olist_segments.selection.versions import append_models


def model(dbt, session):
    """Rows: model version × segment × feature."""
    dbt.config(materialized="incremental")
    settings = dbt.config.get("settings")
    fit_input = dbt.ref("segment_fit_input")
    rows = append_models(
        read(dbt.ref("fit_segment_candidates")),
        lambda: read(fit_input),
        read(dbt.ref("segment_archetypes"), order_by="segment_key"),
        read_existing(dbt, session),
        described_of(settings["features"]),
        NamingRule.of(settings),
        float(settings["min_known_share"]),
    )
    return written(dbt, session, rows)
