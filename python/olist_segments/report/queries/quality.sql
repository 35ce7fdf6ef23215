select
    table_name, rule_name, breach, affected_rows, checked_rows, affected_share, treatment, is_unexpected
from data_quality
where affected_rows > 0
order by is_unexpected desc, affected_share desc, table_name, rule_name
