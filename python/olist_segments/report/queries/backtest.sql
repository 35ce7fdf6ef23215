select
    backtest.threshold, backtest.promised_interval_days, backtest.judged_origin_count, backtest.held_origin_count,
    backtest.worst_agreement
from maintenance_backtest as backtest
inner join segment_versions as versions on backtest.model_version = versions.model_version
where versions.is_in_force and backtest.variant = 'all features'
order by backtest.threshold
