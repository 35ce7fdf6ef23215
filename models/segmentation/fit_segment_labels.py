"""The segment of everybody a version was fitted on, as Python labels them: what SQL scoring is held against."""

from olist_segments.dbt_io.frames import read, read_existing, written
from olist_segments.model.features import transforms_of
from olist_segments.selection.versions import append_labels


def model(dbt, session):
    """Rows: person × model version, at the date of the fit."""
    dbt.config(materialized="incremental")
    settings = dbt.config.get("settings")
    fit_input = dbt.ref("segment_fit_input")
    labels = append_labels(
        read(dbt.ref("fit_segment_model")),
        lambda: read(fit_input),
        read_existing(dbt, session, one_per="model_version"),
        transforms_of(settings["features"]),
    )
    return written(dbt, session, labels)
