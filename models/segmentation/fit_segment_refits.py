"""Where refits on other customers put those of a new model version; nothing for a version that has been measured."""

from olist_segments.dbt_io.frames import read, read_existing, written
from olist_segments.selection.refits import append_refits


def model(dbt, session):
    """Rows: model version × resample × segment × margin bin."""
    dbt.config(materialized="incremental")
    settings = dbt.config.get("settings")
    labels = dbt.ref("fit_segment_labels")
    rows = append_refits(
        read(dbt.ref("fit_segment_model")),
        lambda: read(labels),
        read_existing(dbt, session, one_per="model_version"),
        int(settings["resamples"]),
    )
    return written(dbt, session, rows)
