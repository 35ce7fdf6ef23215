"""The parameters of the forecast that each date of a new version chose, as the table that SQL scores with."""

from olist_segments.dbt_io.frames import read, read_existing, written
from olist_segments.forecasts.versions import append_models


def model(dbt, session):
    """Rows: forecast version × date of the fit × part × term × level."""
    dbt.config(materialized="incremental")
    rows = append_models(
        read(dbt.ref("fit_forecast_candidates")), read_existing(dbt, session), int(dbt.config.get("outcome_days"))
    )
    return written(dbt, session, rows)
