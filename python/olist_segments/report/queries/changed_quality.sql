select
    today.table_name, today.rule_name, today.breach, today.treatment, today.is_unexpected, today.affected_rows,
    coalesce(published_before.affected_rows, 0) as affected_rows_before
from data_quality as today
left join before.data_quality as published_before
    on today.table_name = published_before.table_name and today.rule_name = published_before.rule_name
where
    today.affected_rows > 0
    and (
        coalesce(published_before.affected_rows, 0) = 0
        or (today.is_unexpected and today.affected_rows > published_before.affected_rows)
    )
order by today.is_unexpected desc, today.affected_rows desc, today.table_name, today.rule_name
