-- A campaign of which no member's number is the digest was drawn with another salt, before the var was changed.
with

members as (
    select
        campaign,
        customer_unique_id,
        draw_number,
        draw_number
        = cast({{ digest_number(concat_known(
            sql_text(checked_var('campaign_salt')), 'campaign', 'customer_unique_id'
        )) }} as bigint) as is_digest
    from {{ ref('campaign_members') }}
    where not is_forgotten
),

judged as (
    select
        *,
        max(case when is_digest then 1 else 0 end) over (partition by campaign) as is_of_this_salt
    from members
)

select
    campaign,
    customer_unique_id,
    draw_number
from judged
where is_of_this_salt = 1 and not is_digest
