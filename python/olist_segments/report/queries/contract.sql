select
    *, case when is_interval_at_least then 'at least ' else '' end || refit_interval_days || ' days' as refit_every
from maintenance_contract
order by threshold
