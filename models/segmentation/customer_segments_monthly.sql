{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': ['customer_features_monthly'],
            'of_version': ['segment_model', 'segments', 'segment_calibration'],
        }}
    )
}}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

segment_model as (
    select * from {{ ref('segment_model') }}
),

segments as (
    select * from {{ ref('segments') }}
),

segment_versions as (
    select * from {{ ref('segment_versions') }}
),

segment_calibration as (
    select * from {{ ref('segment_calibration') }}
),

customers_to_score as (
    select
        features.*,
        segment_versions.model_version
    from features
    inner join segment_versions
        on features.as_of_date between segment_versions.in_force_from and segment_versions.in_force_until
),

scored as (
    {{ score_segments('customers_to_score', 'segment_model', 'segments') | indent(4) }}
),

final as (
    select
        scored.customer_unique_id,
        scored.as_of_date,
        coalesce(segment_versions.is_in_force and scored.as_of_date = segment_versions.in_force_until, false)
            as is_newest,
        scored.model_version,
        segments.segment_key,
        segments.segment_name,
        -- Where there is one segment, nobody could be anywhere else.
        case when scored.runner_up_segment_number is null then 1 else calibration.kept_share end
            as segment_probability,
        scored.segment_margin,
        runner_up.segment_key as runner_up_segment_key
    from scored
    inner join segment_versions on scored.model_version = segment_versions.model_version
    inner join segments
        on
            scored.model_version = segments.model_version
            and scored.segment_number = segments.segment_number
    left join segments as runner_up
        on
            scored.model_version = runner_up.model_version
            and scored.runner_up_segment_number = runner_up.segment_number
    left join segment_calibration as calibration
        on
            scored.model_version = calibration.model_version
            and {{ margin_bin('scored.segment_margin') }} = calibration.margin_bin
)

select * from final
order by as_of_date, customer_unique_id
