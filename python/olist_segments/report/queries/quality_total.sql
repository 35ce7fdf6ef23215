select
    count(*) as rule_count,
    count(*) filter (affected_rows > 0) as broken_rule_count,
    count(*) filter (affected_rows > 0 and is_unexpected) as unexpected_rule_count
from data_quality
