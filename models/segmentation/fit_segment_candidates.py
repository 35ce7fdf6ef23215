"""Evidence for every candidate of a new model version; nothing unless there is none yet or a refit is asked for."""

from olist_segments.dbt_io.frames import is_empty_build, read, read_existing, read_neighbour, written
from olist_segments.selection.search import Search
from olist_segments.selection.versions import (
    append_candidates,
    fitted_by_a_killed_build,
    made_up_customer,
)


def model(dbt, session):
    """Rows: model version × feature set × algorithm × setting."""
    dbt.config(materialized="incremental")
    existing = read_existing(dbt, session)
    fit_input = dbt.ref("segment_fit_input")
    search = Search.of(dbt.config.get("settings"))
    if is_empty_build():
        # Only the columns of the made-up customer are kept.
        candidates = append_candidates(lambda: made_up_customer(search.transforms), existing, search, refit=False)
        return written(dbt, session, candidates.head(0))
    refit = dbt.config.get("refit")
    is_interrupted = refit and fitted_by_a_killed_build(
        existing, read_neighbour(dbt, session, "builds", schema="build_log")
    )
    ageing_features = dbt.ref("ageing_features")
    candidates = append_candidates(
        lambda: read(fit_input, order_by="input_role, customer_unique_id"),
        existing,
        search,
        refit=refit,
        history=lambda: read(ageing_features, order_by="as_of_date, customer_number"),
        is_interrupted=is_interrupted,
    )
    return written(dbt, session, candidates)
