"""The ageing curve with its intervals, from the simulated pairs of dates."""

from olist_segments.ageing.curve import ageing_curve
from olist_segments.dbt_io.frames import read, written


def model(dbt, session):
    """Rows: model version × variant × age."""
    dbt.config(materialized="table")
    pairs = dbt.ref("segment_ageing").filter("not is_model_in_force")
    order = "model_version, variant, origin_date, later_date"
    settings = dbt.config.get("settings")
    rows = ageing_curve(read(pairs, order_by=order), int(settings["half_life_days"]))
    return written(dbt, session, rows)
