select today.campaign, today.as_of_date, today.outcome_until, today.finding
from campaigns as today
left join before.campaigns as published_before
    on today.campaign = published_before.campaign and published_before.is_complete
where today.is_complete and published_before.campaign is null
order by today.outcome_until, today.campaign
