select
    campaigns.campaign,
    campaigns.customer_count,
    campaigns.treated_count,
    campaigns.holdout_count,
    count(*) as logged_count
from {{ ref('campaigns') }} as campaigns
left join {{ source('campaigns', 'campaign_log') }} as campaign_log
    on campaigns.campaign = campaign_log.campaign
group by 1, 2, 3, 4
having
    campaigns.customer_count <> count(*)
    or campaigns.treated_count <> count(case when campaign_log.arm_number > 0 then 1 end)
    or campaigns.holdout_count <> count(case when campaign_log.arm_number = 0 then 1 end)
