{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly', 'lifecycle_stages_monthly'],
            'of_date_before': ['customer_features_monthly', 'lifecycle_stages_monthly'],
            'of_all': ['lifecycle_stages'],
            'known_otherwise': ['lifecycle_boundaries'],
        }}
    )
}}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ date_before_first() }}
),

stages_monthly as (
    select * from {{ ref('lifecycle_stages_monthly') }}
    where as_of_date >= {{ date_before_first() }}
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

steps as (
    {{ steps_between_dates('states', 'as_of_dates', 'stage', [
        'departed.model_version as earlier_version',
        'arrived.recency_days',
        'arrived.purchase_day_count',
        'arrived.purchase_day_count > departed.purchase_day_count as has_bought',
    ]) | indent(4) }}
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
),

counted as (
    {{ moves_counted('reasoned', 'stage') | indent(4) }}
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
    where counted.as_of_date >= {{ first_date() }}
)

select * from final
order by as_of_date, from_stage_key, to_stage_key, reason
