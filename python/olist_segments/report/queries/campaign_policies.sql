select
    policies.campaign, campaigns.as_of_date, policies.policy, policies.segment_key, kinds.segment_name, stages.stage_name, policies.arm,
    policies.customer_count, policies.value_per_customer, policies.value_low, policies.value_high,
    policies.gain_per_customer, policies.gain_low, policies.gain_high, policies.gain_total, policies.is_complete
from policy_value as policies
inner join campaigns on policies.campaign = campaigns.campaign
left join segment_profiles as kinds on policies.segment_key = kinds.segment_key
left join lifecycle_stages as stages on policies.stage_key = stages.stage_key
order by
    campaigns.as_of_date desc, policies.campaign, policies.segment_key <> '', policies.policy, policies.segment_key,
    stages.stage_number
