select segment_key, stage_key, campaign, arm, as_of_date, outcome_until, customer_count, verdict_sentence
from campaign_playbook
where campaign is not null
order by segment_key, stage_key
