with

simulated as (
    select * from {{ ref('fit_ageing') }}
),

segments as (
    select * from {{ ref('segments') }}
),

final as (
    select
        cast(simulated.model_version as integer) as model_version,
        simulated.variant,
        cast(simulated.origin_date as date) as origin_date,
        cast(simulated.later_date as date) as later_date,
        simulated.later_date = max(simulated.later_date) over () as is_newest,
        cast(
            {{ dbt.datediff('cast(simulated.origin_date as date)', 'cast(simulated.later_date as date)', 'day') }}
            as integer
        ) as horizon_days,
        cast(simulated.is_model_in_force as boolean) as is_model_in_force,
        cast(simulated.value_rank as integer) as value_rank,
        cast(simulated.segment_number as integer) as segment_number,
        simulated.segment_key,
        segments.segment_name,
        cast(simulated.key_jaccard as double) as key_jaccard,
        cast(simulated.segment_customers as integer) as customers,
        cast(simulated.fresh_segment_customers as integer) as fresh_customers,
        cast(simulated.jaccard as double) as jaccard,
        cast(simulated.jaccard_low as double) as jaccard_low,
        cast(simulated.jaccard_high as double) as jaccard_high
    from simulated
    left join segments
        on
            simulated.model_version = segments.model_version
            and simulated.segment_key = segments.segment_key
)

select * from final
order by model_version, variant, is_model_in_force, origin_date, later_date, value_rank
