with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

stages_monthly as (
    select * from {{ ref('lifecycle_stages_monthly') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

lifecycle_boundaries as (
    select * from {{ ref('lifecycle_boundaries') }}
),

stages as (
    select * from {{ ref('lifecycle_stages') }}
),

boundary_days as (
    {{ lifecycle_boundary_days('lifecycle_boundaries') | indent(4) }}
),

states as (
    select
        stages_monthly.customer_unique_id,
        stages_monthly.as_of_date,
        stages_monthly.model_version,
        stages_monthly.stage_key,
        features.recency_days,
        features.purchase_day_count,
        features.total_spend,
        as_of_dates.previous_as_of_date
    from stages_monthly
    inner join features
        on
            stages_monthly.customer_unique_id = features.customer_unique_id
            and stages_monthly.as_of_date = features.as_of_date
    inner join as_of_dates on stages_monthly.as_of_date = as_of_dates.as_of_date
),

-- An exit is a row that has no successor; purchases only add up, so it takes a restated input to see one.
steps as (
    select
        coalesce(arrived.as_of_date, as_of_dates.as_of_date) as as_of_date,
        coalesce(arrived.previous_as_of_date, departed.as_of_date) as previous_as_of_date,
        departed.stage_key as from_stage_key,
        arrived.stage_key as to_stage_key,
        departed.model_version as earlier_version,
        arrived.recency_days,
        arrived.purchase_day_count,
        arrived.purchase_day_count > departed.purchase_day_count as has_bought,
        departed.total_spend as from_spend,
        arrived.total_spend as to_spend
    from states as arrived
    full outer join states as departed
        on
            arrived.customer_unique_id = departed.customer_unique_id
            and arrived.previous_as_of_date = departed.as_of_date
    left join as_of_dates on departed.as_of_date = as_of_dates.previous_as_of_date
),

reasoned as (
    select
        steps.*,
        case
            when steps.from_stage_key is null then 'entered'
            when steps.to_stage_key is null then 'exited'
            when steps.from_stage_key = steps.to_stage_key then 'stayed'
            when stages_by_earlier_version.stage_key = steps.from_stage_key then 'boundaries_changed'
            when steps.has_bought then 'came_back'
            else 'time_passed'
        end as reason
    from steps
    left join boundary_days on steps.earlier_version = boundary_days.model_version
    left join stages as stages_by_earlier_version
        on stages_by_earlier_version.stage_number = {{ lifecycle_stage_number('steps', 'boundary_days') | indent(12) }}
    -- The newest rows have no later date to depart to, the first date none to arrive from.
    where steps.as_of_date is not null and steps.previous_as_of_date is not null
),

counted as (
    select
        as_of_date,
        previous_as_of_date,
        coalesce(from_stage_key, 'not_yet_a_customer') as from_stage_key,
        coalesce(to_stage_key, 'no_longer_a_customer') as to_stage_key,
        reason,
        reason not in ('entered', 'exited', 'stayed') as is_move,
        cast(count(*) as integer) as customer_count,
        cast(sum(coalesce(to_spend, from_spend)) as decimal(18, 2)) as total_spend,
        cast(sum(coalesce(to_spend, 0) - coalesce(from_spend, 0)) as decimal(18, 2)) as spend_since_previous
    from reasoned
    group by 1, 2, 3, 4, 5, 6
),

final as (
    select
        counted.as_of_date,
        as_of_dates.is_newest,
        counted.previous_as_of_date,
        counted.from_stage_key,
        case when counted.reason = 'entered' then 'Not yet a customer' else from_stages.stage_name end
            as from_stage_name,
        counted.to_stage_key,
        case when counted.reason = 'exited' then 'No longer a customer' else to_stages.stage_name end as to_stage_name,
        counted.reason,
        counted.is_move,
        counted.customer_count,
        counted.total_spend,
        counted.spend_since_previous
    from counted
    inner join as_of_dates on counted.as_of_date = as_of_dates.as_of_date
    left join stages as from_stages on counted.from_stage_key = from_stages.stage_key
    left join stages as to_stages on counted.to_stage_key = to_stages.stage_key
)

select * from final
order by as_of_date, from_stage_key, to_stage_key, reason
