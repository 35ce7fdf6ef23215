"""Evidence for every candidate of a new model version; nothing unless there is none yet or a refit is asked for."""

from olist_segments.versions import append_candidates, contract_asks_for_refit


def model(dbt, session):
    """Rows: model version × feature set × algorithm × setting."""
    dbt.config(materialized="incremental")
    existing = session.sql(f"select * from {dbt.this}").df() if dbt.is_incremental else None
    fit_input = dbt.ref("segment_fit_input").df()
    settings = dbt.config.get("settings")
    refit = dbt.config.get("refit")
    if settings["auto_refit"] and not refit and existing is not None:
        newest = existing["model_version"].max()
        refit = contract_asks_for_refit(session, newest, fit_input["as_of_date"].max())
    return append_candidates(fit_input, existing, settings, refit=refit)
