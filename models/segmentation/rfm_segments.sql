with

rfm_segments_monthly as (
    select * from {{ ref('rfm_segments_monthly') }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates') }}
    where is_newest
),

final as (
    select rfm_segments_monthly.*
    from rfm_segments_monthly
    inner join newest on rfm_segments_monthly.as_of_date = newest.as_of_date
)

select * from final
order by customer_unique_id
