{#-
  The select that reads a refit interval off ageing curves: for every group and threshold the longest horizon up to
  which, at this and at every shorter one, the lower bound of the agreement reached the threshold in enough origins.

  Arguments:
    ageing: relation with the group columns, origin_date, horizon_days and ari_low.
    group_columns: list of columns, one curve each.
    terms: thresholds, min_origins and origin_share; the vars of these names where one is not given.

  Returns: the group columns, threshold, interval_days (0 when the first horizon fails already, null where no horizon
    has enough origins), judged_from_days and judged_until_days (the shortest and the longest horizon that have) and
    origin_count (those of the shortest).
-#}
{% macro contract_intervals(ageing, group_columns, terms={}) %}
{%- set grouping = group_columns | join(", ") -%}
with

thresholds as (
    {% for threshold in terms.thresholds or checked_var("contract_thresholds") %}
        {{ "union all" if not loop.first }}
        select cast({{ threshold }} as double) as threshold
    {% endfor %}
),

horizons as (
    select
        {{ grouping }},
        threshold,
        horizon_days,
        count(*) as origin_count,
        count(case when ari_low >= threshold then 1 end) as held_count
    from {{ ageing }}
    cross join thresholds
    group by {{ grouping }}, threshold, horizon_days
    having count(*) >= {{ terms.min_origins or var("contract_min_origins") }}
),

judged as (
    select
        *,
        held_count >= {{ terms.origin_share or var("contract_origin_share") }} * origin_count as holds
    from horizons
),

first_failures as (
    select
        *,
        min(case when not holds then horizon_days end) over (partition by {{ grouping }}, threshold) as first_failure
    from judged
)

select
    {{ grouping }},
    threshold,
    coalesce(max(case when horizon_days < first_failure or first_failure is null then horizon_days end), 0)
        as interval_days,
    min(horizon_days) as judged_from_days,
    max(horizon_days) as judged_until_days,
    max(origin_count) as origin_count
from first_failures
group by {{ grouping }}, threshold
{% endmacro %}
