select
    months.as_of_date, stages.stage_key, stages.stage_name, stages.stage_number, count(*) as customer_count,
    count(*) / sum(count(*)) over (partition by months.as_of_date) as customer_share
from lifecycle_stages_monthly as months
inner join lifecycle_stages as stages on months.stage_key = stages.stage_key
group by months.as_of_date, stages.stage_key, stages.stage_name, stages.stage_number
order by months.as_of_date, stages.stage_number
