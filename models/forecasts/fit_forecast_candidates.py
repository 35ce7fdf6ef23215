"""Evidence for every model of a new forecast version; nothing unless there is none yet or a refit is asked for."""

from olist_segments.dbt_io.frames import is_empty_build, read_by_date, read_existing, read_neighbour, written
from olist_segments.forecasts.versions import Terms, append_candidates, no_candidates


def model(dbt, session):
    """Rows: forecast version × model × as-of date × tenth."""
    dbt.config(materialized="incremental")
    asked = Terms.of(dbt.config.get("settings"))
    # dbt finds what it is asked for only where that stands by itself.
    refit = dbt.config.get("refit")
    refit_forecasts = dbt.config.get("refit_forecasts")
    features = dbt.ref("forecast_features")
    if is_empty_build():
        return written(dbt, session, no_candidates())
    rows = append_candidates(
        lambda: read_by_date(features.filter("is_in_sample"), "as_of_date, customer_unique_id", asked.columns),
        read_existing(dbt, session),
        asked,
        refit=refit or refit_forecasts,
        builds=lambda: read_neighbour(dbt, session, "builds", schema="build_log"),
    )
    return written(dbt, session, rows)
