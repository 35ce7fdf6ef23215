"""What refits in the past would have chosen with the recipe in force as incumbent; once for every version."""

from olist_segments.ageing.versions import append_refit_choices
from olist_segments.dbt_io.frames import read, read_existing, written
from olist_segments.selection.search import Search


def model(dbt, session):
    """Rows: model version × simulated refit."""
    dbt.config(materialized="incremental")
    versions = read(dbt.ref("segment_versions").filter("is_in_force"))
    candidates = read(dbt.ref("fit_segment_candidates"))
    ageing_features = dbt.ref("ageing_features")
    rows = append_refit_choices(
        lambda: read(ageing_features, order_by="as_of_date, customer_number"),
        candidates[candidates["model_version"].isin(versions["model_version"])],
        read_existing(dbt, session),
        Search.of(dbt.config.get("settings")),
        int(dbt.config.get("refit_days")),
    )
    return written(dbt, session, rows)
