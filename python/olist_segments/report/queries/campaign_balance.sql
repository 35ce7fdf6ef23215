select
    balance.campaign, campaigns.as_of_date, balance.arm, balance.feature, balance.customer_count,
    balance.holdout_customer_count, balance.mean, balance.holdout_mean, balance.standardised_difference,
    balance.is_balanced
from campaign_balance as balance
inner join campaigns on balance.campaign = campaigns.campaign
where balance.mean is not null or balance.holdout_mean is not null
order by campaigns.as_of_date desc, balance.campaign, balance.arm, balance.feature
