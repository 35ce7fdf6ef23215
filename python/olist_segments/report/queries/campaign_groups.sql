select
    results.campaign, campaigns.as_of_date, results.arm, results.outcome, results.grouping, results.segment_key,
    results.segment_name, results.stage_key, results.stage_name, results.is_complete, results.observed_until,
    results.customer_count, results.holdout_customer_count, results.value, results.holdout_value, results.difference,
    results.difference_low, results.difference_high, results.p_value, results.adjusted_p_value, results.earned_total,
    results.verdict, results.verdict_sentence
from campaign_results as results
inner join campaigns on results.campaign = campaigns.campaign
left join lifecycle_stages as stages on results.stage_key = stages.stage_key
where results.grouping <> 'all' and results.is_promised
order by
    campaigns.as_of_date desc, results.campaign, results.arm,
    case results.grouping when 'kind' then 1 when 'stage' then 2 else 3 end, results.segment_name,
    stages.stage_number
