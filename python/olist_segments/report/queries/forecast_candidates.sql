with in_force as (
    select forecast_version
    from forecast_versions
    where is_in_force
),

dates as (
    select candidates.model, count(*) as date_count
    from forecast_candidates as candidates
    inner join in_force on candidates.forecast_version = in_force.forecast_version
    where candidates.as_of_date is not null and candidates.ranking_auc is not null
    group by candidates.model
)

select
    candidates.model, candidates.model_role, dates.date_count, candidates.ranking_auc, candidates.auc_low, candidates.auc_high,
    candidates.auc_minus_rule, candidates.auc_minus_rule_low, candidates.auc_minus_rule_high, candidates.order_ratio,
    candidates.calibration_slope, candidates.top_tenth_lift, candidates.brier_skill, candidates.log_loss_skill,
    candidates.is_eligible, candidates.is_chosen, candidates.reason
from forecast_candidates as candidates
inner join in_force on candidates.forecast_version = in_force.forecast_version
left join dates on candidates.model = dates.model
where candidates.as_of_date is null and candidates.ranking_auc is not null
order by candidates.is_chosen desc, candidates.ranking_auc desc, candidates.model
