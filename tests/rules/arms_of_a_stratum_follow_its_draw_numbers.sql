with

members as (
    select
        campaign,
        stratum,
        customer_unique_id,
        draw_number,
        arm_number,
        lag(arm_number) over (
            partition by campaign, stratum
            order by draw_number nulls last, customer_unique_id nulls last
        ) as arm_number_before
    from {{ ref('campaign_members') }}
    where not is_forgotten
)

select
    campaign,
    stratum,
    customer_unique_id,
    draw_number,
    arm_number
from members
where arm_number < arm_number_before
