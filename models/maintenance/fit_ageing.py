"""History run again with the model version in force; nothing while the simulation there is recent enough."""

from olist_segments.ageing import append_ageing


def model(dbt, session):
    """Rows: model version × variant × origin × later date × segment of the frozen model."""
    dbt.config(materialized="incremental", incremental_strategy="delete+insert", unique_key="model_version")
    existing = session.sql(f"select * from {dbt.this}").df() if dbt.is_incremental else None
    settings = dbt.config.get("settings")
    as_of_dates = dbt.ref("as_of_dates").df()
    versions = dbt.ref("segment_versions").filter("is_in_force").df()
    segments = dbt.ref("segment_model").df()
    in_force = segments[segments["model_version"].isin(versions["model_version"])]
    features = dbt.ref("ageing_features").order("as_of_date, customer_number")
    return append_ageing(features.df, as_of_dates["as_of_date"].max(), in_force, existing, settings)
