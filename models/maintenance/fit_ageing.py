"""History run again with the model version in force; nothing while the simulation there is recent enough."""

from olist_segments.ageing import append_ageing


def model(dbt, session):
    """Rows: model version × variant × origin × later date × segment of the frozen model."""
    dbt.config(materialized="incremental", incremental_strategy="delete+insert", unique_key="model_version")
    existing = session.sql(f"select * from {dbt.this}").df() if dbt.is_incremental else None
    settings = dbt.config.get("settings")
    newest_date = dbt.ref("as_of_dates").filter("is_newest").df()["as_of_date"].iloc[0]
    in_force = dbt.ref("segment_versions").filter("is_in_force").df()["model_version"].iloc[0]
    version = dbt.ref("segment_model").filter(f"model_version = {in_force}").df()
    features = dbt.ref("ageing_features").order("as_of_date, customer_number")
    return append_ageing(features.df, newest_date, version, existing, settings)
