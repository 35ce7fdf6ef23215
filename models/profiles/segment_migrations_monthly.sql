{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['segment_months', 'segment_profiles_monthly', 'segment_move_reasons'],
            'of_date_before': ['segment_months', 'segment_profiles_monthly'],
        }}
    )
}}

with

segment_months as (
    select * from {{ ref('segment_months') }}
    where as_of_date >= {{ date_before_first() }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

move_reasons as (
    select * from {{ ref('segment_move_reasons') }}
    where as_of_date >= {{ first_date() }}
),

segment_profiles_monthly as (
    select * from {{ ref('segment_profiles_monthly') }}
    where as_of_date >= {{ date_before_first() }}
),

states as (
    select
        segment_months.customer_unique_id,
        segment_months.as_of_date,
        segment_months.segment_key,
        segment_months.total_spend,
        as_of_dates.previous_as_of_date
    from segment_months
    inner join as_of_dates on segment_months.as_of_date = as_of_dates.as_of_date
),

steps as (
    {{ steps_between_dates('states', 'as_of_dates', 'segment', [
        'coalesce(arrived.customer_unique_id, departed.customer_unique_id) as customer_unique_id',
    ]) | indent(4) }}
),

reasoned as (
    select
        steps.*,
        case
            when steps.from_segment_key is null then 'entered'
            when steps.to_segment_key is null then 'exited'
            when steps.from_segment_key = steps.to_segment_key then 'stayed'
            else move_reasons.reason
        end as reason
    from steps
    left join move_reasons
        on
            steps.customer_unique_id = move_reasons.customer_unique_id
            and steps.as_of_date = move_reasons.as_of_date
),

counted as (
    {{ moves_counted('reasoned', 'segment') | indent(4) }}
),

final as (
    select
        counted.as_of_date,
        as_of_dates.is_newest,
        counted.previous_as_of_date,
        counted.from_segment_key,
        case
            when counted.reason = 'entered' then 'Not yet a customer'
            else from_segments.segment_name
        end as from_segment_name,
        coalesce(from_segments.is_dissatisfied, false) as from_is_dissatisfied,
        coalesce(from_segments.is_dormant, false) as from_is_dormant,
        counted.to_segment_key,
        case
            when counted.reason = 'exited' then 'No longer a customer'
            else to_segments.segment_name
        end as to_segment_name,
        coalesce(to_segments.is_dissatisfied, false) as to_is_dissatisfied,
        coalesce(to_segments.is_dormant, false) as to_is_dormant,
        counted.reason,
        counted.is_move,
        counted.customer_count,
        counted.total_spend,
        counted.spend_since_previous
    from counted
    inner join as_of_dates on counted.as_of_date = as_of_dates.as_of_date
    -- A segment may be renamed, or change its profile, from one date to the next.
    left join segment_profiles_monthly as from_segments
        on
            counted.previous_as_of_date = from_segments.as_of_date
            and counted.from_segment_key = from_segments.segment_key
    left join segment_profiles_monthly as to_segments
        on
            counted.as_of_date = to_segments.as_of_date
            and counted.to_segment_key = to_segments.segment_key
    where counted.as_of_date >= {{ first_date() }}
)

select * from final
order by as_of_date, from_segment_key, to_segment_key, reason
