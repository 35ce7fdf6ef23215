select distinct currency
from placed
where fate <> 'test' and currency is not null
