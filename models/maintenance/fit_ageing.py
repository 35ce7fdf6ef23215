"""History run again with the model version in force; nothing while the simulation there is recent enough."""

from olist_segments.ageing.plan import Plan
from olist_segments.ageing.versions import append_ageing
from olist_segments.dbt_io.frames import read, read_existing, written


def model(dbt, session):
    """Rows: model version × variant × origin × later date × segment of the frozen model."""
    dbt.config(materialized="incremental", unique_key="model_version")
    existing = read_existing(dbt, session)
    plan = Plan.of(dbt.config.get("settings"))
    as_of_dates = read(dbt.ref("as_of_dates"))
    versions = read(dbt.ref("segment_versions").filter("is_in_force"))
    segments = read(dbt.ref("fit_segment_model"))
    in_force = segments[segments["model_version"].isin(versions["model_version"])]
    choices = read(dbt.ref("fit_refit_choices"))
    ageing_features = dbt.ref("ageing_features")
    rows = append_ageing(
        lambda: read(ageing_features, order_by="as_of_date, customer_number"),
        as_of_dates["as_of_date"].max(),
        in_force,
        existing,
        plan,
        choices[choices["model_version"].isin(versions["model_version"])],
    )
    return written(dbt, session, rows, replaces="model_version")
