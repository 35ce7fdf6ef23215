select *
from maintenance_contract_costs
order by horizon_days
