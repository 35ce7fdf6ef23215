"""What each arm of each campaign did against its holdout, with intervals, p-values and a sentence."""

from olist_segments.campaigns.results import effect_rows
from olist_segments.dbt_io.frames import read, written


def model(dbt, session):
    """Rows: campaign × treated arm × outcome × group of customers."""
    dbt.config(materialized="table")
    sums = read(dbt.ref("campaign_sums"), order_by="campaign, grouping, segment_key, stage_key, arm_number")
    shop = read(dbt.ref("shop"))
    currency = next(iter(shop["currency"].dropna()), None)
    return written(dbt, session, effect_rows(sums, int(dbt.config.get("few_customers")), currency))
