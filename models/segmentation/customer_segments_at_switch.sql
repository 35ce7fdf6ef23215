with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

segment_model as (
    select * from {{ ref('segment_model') }}
),

segments as (
    select * from {{ ref('segments') }}
),

versions_in_force as (
    select * from {{ ref('segment_versions') }}
    where in_force_from is not null
),

switches as (
    select
        in_force_from as as_of_date,
        lag(model_version) over (order by in_force_from) as earlier_version
    from versions_in_force
),

customers_to_score as (
    select
        features.*,
        switches.earlier_version as model_version
    from features
    inner join switches on features.as_of_date = switches.as_of_date
    where switches.earlier_version is not null
),

scored as (
    {{ score_segments('customers_to_score', 'segment_model', 'segments') | indent(4) }}
),

final as (
    select
        scored.customer_unique_id,
        scored.as_of_date,
        scored.model_version as earlier_model_version,
        segments.segment_key as segment_key_by_earlier_version
    from scored
    inner join segments
        on
            scored.model_version = segments.model_version
            and scored.segment_number = segments.segment_number
)

select * from final
order by as_of_date, customer_unique_id
