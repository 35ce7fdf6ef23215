select *
from maintenance_contract
order by threshold
