select
    candidates.model, candidates.model_role, candidates.ranking_auc, candidates.auc_low, candidates.auc_high,
    candidates.auc_minus_rule, candidates.auc_minus_rule_low, candidates.auc_minus_rule_high, candidates.order_ratio,
    candidates.calibration_slope, candidates.top_tenth_lift, candidates.brier_skill, candidates.log_loss_skill,
    candidates.is_eligible, candidates.is_chosen, candidates.reason
from forecast_candidates as candidates
inner join forecast_versions as versions on candidates.forecast_version = versions.forecast_version
where versions.is_in_force and candidates.as_of_date is null and candidates.ranking_auc is not null
order by candidates.ranking_auc desc, candidates.model
