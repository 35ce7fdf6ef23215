with

labelled as (
    select * from {{ ref('fit_segment_labels') }}
),

final as (
    select
        customer_unique_id,
        cast(model_version as integer) as model_version,
        cast(as_of_date as date) as as_of_date,
        cast(segment_number as integer) as segment_number,
        segment_key
    from labelled
)

select * from final
order by model_version, customer_unique_id
