"""The recipe of the version in force, fitted again at every date that has outcomes, on what was known then."""

from olist_segments.dbt_io.frames import of_dates, read, read_previous, written
from olist_segments.selection.past import current_past_models


def model(dbt, session):
    """Rows: as-of date × segment × feature."""
    dbt.config(materialized="table")
    versions = read(dbt.ref("segment_versions").filter("is_in_force"))
    segments = read(dbt.ref("fit_segment_model"))
    inputs = dbt.ref("past_model_input")
    rows = current_past_models(
        read(inputs.select("as_of_date", "inputs_digest", "customer_count").distinct()),
        lambda dates: read(inputs.filter(of_dates(dates)), order_by="as_of_date, customer_unique_id"),
        segments[segments["model_version"].isin(versions["model_version"])],
        read_previous(dbt, session),
    )
    return written(dbt, session, rows)
