"""Bootstrap stability of every segment of a new model version; nothing for a version that has been measured."""

from olist_segments.dbt_io.frames import read, read_existing, written
from olist_segments.selection.stability_table import append_stability


def model(dbt, session):
    """Rows: model version × segment."""
    dbt.config(materialized="incremental")
    settings = dbt.config.get("settings")
    rows = append_stability(
        read(dbt.ref("fit_segment_model")),
        read(dbt.ref("fit_segment_labels")),
        read_existing(dbt, session),
        int(settings["resamples"]),
    )
    return written(dbt, session, rows)
