"""What the purchase processes in force say of every three numbers that they know of a customer; empty without one."""

from olist_segments.dbt_io.frames import read, written
from olist_segments.forecasts.versions import PROCESS_COLUMNS, lookup


def model(dbt, session):
    """Rows: as-of date × purchase days × days between first and last × days since the first."""
    dbt.config(materialized="table")
    features = dbt.ref("forecast_features")
    rows = lookup(
        read(dbt.ref("fit_forecast_model")),
        lambda: read(features.select(*PROCESS_COLUMNS).distinct()),
        int(dbt.config.get("outcome_days")),
    )
    return written(dbt, session, rows)
