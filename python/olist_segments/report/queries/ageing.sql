select
    ageing.variant,
    ageing.horizon_days,
    count(*) as origin_count,
    max(curve.effective_origin_count) as effective_origin_count,
    max(ageing.later_date) as newest_later_date,
    percentile_cont(0.1) within group (order by ageing.ari) as agreement_p10,
    median(ageing.ari) as agreement_median,
    percentile_cont(0.9) within group (order by ageing.ari) as agreement_p90,
    median(ageing.reassigned_share) as reassigned_share
from segment_ageing as ageing
inner join segment_versions as versions on ageing.model_version = versions.model_version
left join ageing_curve as curve
    on ageing.model_version = curve.model_version and ageing.variant = curve.variant and ageing.horizon_days = curve.horizon_days
where versions.is_in_force and not ageing.is_model_in_force
group by ageing.variant, ageing.horizon_days
order by ageing.variant, ageing.horizon_days
