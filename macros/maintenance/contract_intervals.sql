{#-
  The select that reads a refit interval off ageing curves: for every group and threshold the longest horizon up to
  which the share of models that are still alive reaches the promised share of origins. A model dies at the first
  horizon at which its agreement is under the threshold; where history ends it leaves the risk set (Kaplan and Meier
  1958). An origin weighs half as much as one that is half_life_days younger: a base that is older ages more slowly,
  and the next model starts from the newest.

  Arguments:
    ageing: relation with the group columns, origin_date, horizon_days and ari.
    group_columns: list of columns, one curve each.
    terms: thresholds, min_origins, origin_share and half_life_days; the vars of these names where one is not given.

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

judged_horizons as (
    select
        {{ grouping }},
        horizon_days,
        count(*) as origin_count
    from {{ ageing }}
    group by {{ grouping }}, horizon_days
    having count(*) >= {{ terms.min_origins or var("contract_min_origins") }}
),

newest_origins as (
    select
        {{ grouping }},
        max(origin_date) as newest_origin_date
    from {{ ageing }}
    group by {{ grouping }}
),

paths as (
    select
        {% for column in group_columns -%}
        curves.{{ column }},
        {% endfor -%}
        curves.origin_date,
        curves.horizon_days,
        judged_horizons.origin_count,
        thresholds.threshold,
        curves.ari < thresholds.threshold as is_below,
        cast(
            power(
                cast(0.5 as double),
                {{ dbt.datediff("curves.origin_date", "newest_origins.newest_origin_date", "day") }}
                / cast({{ terms.half_life_days or checked_var("contract_half_life_days") }} as double)
            ) as decimal(28, 18)
        ) as weight
    from {{ ageing }} as curves
    inner join newest_origins
        on
            {%- for column in group_columns %}
            {{ "and " if not loop.first }}curves.{{ column }} = newest_origins.{{ column }}
            {%- endfor %}
    inner join judged_horizons
        on
            {%- for column in group_columns %}
            curves.{{ column }} = judged_horizons.{{ column }} and
            {%- endfor %}
            curves.horizon_days = judged_horizons.horizon_days
    cross join thresholds
),

lives as (
    select
        *,
        coalesce(
            max(case when is_below then 1 else 0 end) over (
                partition by {{ grouping }}, threshold, origin_date
                order by horizon_days
                rows between unbounded preceding and 1 preceding
            ), 0
        ) = 0 as is_at_risk
    from paths
),

horizons as (
    select
        {{ grouping }},
        threshold,
        horizon_days,
        max(origin_count) as origin_count,
        cast(sum(case when is_at_risk then weight else 0 end) as double) as at_risk_weight,
        cast(sum(case when is_at_risk and is_below then weight else 0 end) as double) as dying_weight
    from lives
    group by {{ grouping }}, threshold, horizon_days
),

alive as (
    select
        *,
        exp(
            cast(
                sum(
                    cast(
                        case
                            when at_risk_weight = 0 then 0
                            -- Nobody is left: as good as minus infinity.
                            when dying_weight >= at_risk_weight then -50
                            else ln(1 - dying_weight / at_risk_weight)
                        end as decimal(28, 15)
                    )
                ) over (
                    partition by {{ grouping }}, threshold
                    order by horizon_days
                    rows between unbounded preceding and current row
                ) as double
            )
        ) as alive_share
    from horizons
)

select
    {{ grouping }},
    threshold,
    coalesce(
        max(
            case
                when alive_share >= {{ terms.origin_share or var("contract_origin_share") }} - 1e-9 then horizon_days
            end
        ), 0
    ) as interval_days,
    min(horizon_days) as judged_from_days,
    max(horizon_days) as judged_until_days,
    max(origin_count) as origin_count
from alive
group by {{ grouping }}, threshold
{% endmacro %}
