select
    results.campaign, campaigns.as_of_date, results.arm, results.outcome, results.is_promised, results.is_complete,
    results.observed_until, results.customer_count, results.holdout_customer_count, results.value,
    results.holdout_value, results.difference, results.difference_low, results.difference_high,
    results.relative_uplift, results.p_value, results.earned_total, results.earned_low, results.earned_high,
    results.verdict, results.verdict_sentence
from campaign_results as results
inner join campaigns on results.campaign = campaigns.campaign
where
    results.grouping = 'all'
    -- A shop without reviews has none of campaigns.
    and (results.outcome <> 'review_score' or exists (select 1 from segment_profiles where avg_review_score is not null))
order by
    campaigns.as_of_date desc, results.campaign, results.is_promised desc,
    case results.outcome when 'ordered_share' then 1 when 'revenue_per_customer' then 2 else 3 end, results.arm
