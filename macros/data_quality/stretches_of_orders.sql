{#-
  The select of the stretches that half a year without an order parts history into.

  Arguments:
    orders: relation with the columns of stg_olist__orders.

  Returns: stretch_number (from 0, by time), order_count, last_valid_purchased_at (null where no order is a purchase).
-#}
{% macro stretches_of_orders(orders) -%}
select
    stretch_number,
    sum(order_count) as order_count,
    max(last_valid_purchased_at) as last_valid_purchased_at
from (
    select
        order_count,
        last_valid_purchased_at,
        sum(
            case when first_purchased_at > previous_purchased_at + interval '183 days' then 1 else 0 end
        ) over (
            order by purchase_date nulls last
            rows between unbounded preceding and current row
        ) as stretch_number
    from (
        select
            *,
            lag(last_purchased_at) over (order by purchase_date nulls last) as previous_purchased_at
        from (
            select
                cast(purchased_at as date) as purchase_date,
                min(purchased_at) as first_purchased_at,
                max(purchased_at) as last_purchased_at,
                max(
                    case
                        when
                            not {{ is_among(
                                "coalesce(order_status, 'unknown')", checked_var('invalid_order_statuses')
                            ) }}
                            then purchased_at
                    end
                ) as last_valid_purchased_at,
                count(*) as order_count
            from {{ orders }}
            where purchased_at is not null
            group by cast(purchased_at as date)
        ) as days_with_orders
    ) as days_in_turn
) as stretches
group by stretch_number
{%- endmacro %}
