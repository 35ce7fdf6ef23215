-- What came back is taken from the oldest units that the customer bought of the article at that price, first in, first
-- out: the k-th unit that came back was the k-th bought. What came back before it was bought can't be matched.
with

events as (
    select
        invoice,
        customer,
        stock_code,
        unit_price,
        invoiced_at,
        file_name,
        file_row,
        case when {{ cancelled }} then 0 else quantity end as bought,
        case when {{ refunded }} then -quantity else 0 end as returned
    from lines
    where
        customer is not null and not {{ test_account }} and not {{ freight }}
        and (({{ cancelled }} and {{ refunded }}) or (not {{ cancelled }} and {{ purchase }}))
),

running as (
    select
        *,
        sum(bought) over (
            partition by customer, stock_code, unit_price
            order by invoiced_at, returned, file_name, file_row
            rows between unbounded preceding and current row
        ) as bought_so_far,
        sum(returned) over (
            partition by customer, stock_code, unit_price
            order by invoiced_at, returned, file_name, file_row
            rows between unbounded preceding and current row
        ) as returned_so_far
    from events
),

matched as (
    select
        *,
        max(case when returned_so_far > bought_so_far then returned_so_far - bought_so_far else 0 end) over (
            partition by customer, stock_code, unit_price
        ) as unmatched_total,
        sum(returned) over (partition by customer, stock_code, unit_price) as returned_total
    from running
)

select
    invoice,
    customer,
    stock_code,
    unit_price,
    file_name,
    file_row,
    bought,
    returned_total - unmatched_total as matched_total,
    unmatched_total,
    case
        when returned_total - unmatched_total <= bought_so_far - bought then 0
        when returned_total - unmatched_total >= bought_so_far then bought
        else returned_total - unmatched_total - (bought_so_far - bought)
    end as came_back
from matched
