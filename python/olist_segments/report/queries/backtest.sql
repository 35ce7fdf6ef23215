select
    backtest.threshold, backtest.judged_promise_count, backtest.median_promise_days, backtest.judgement_count,
    backtest.kept_count, backtest.kept_share, backtest.worst_agreement
from maintenance_backtest as backtest
inner join segment_versions as versions on backtest.model_version = versions.model_version
where versions.is_in_force and backtest.variant = 'all features'
order by backtest.threshold
