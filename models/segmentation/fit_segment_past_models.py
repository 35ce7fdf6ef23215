"""The recipe of the version in force, fitted again at every date that has outcomes, on what was known then."""

from olist_segments.dbt_io.frames import read, written
from olist_segments.selection.past import fit_past_models


def model(dbt, session):
    """Rows: as-of date × segment × feature."""
    dbt.config(materialized="table")
    versions = read(dbt.ref("segment_versions").filter("is_in_force"))
    segments = read(dbt.ref("fit_segment_model"))
    in_force = segments[segments["model_version"].isin(versions["model_version"])]
    customers = read(dbt.ref("past_model_input"), order_by="as_of_date, customer_unique_id")
    return written(dbt, session, fit_past_models(customers, in_force))
