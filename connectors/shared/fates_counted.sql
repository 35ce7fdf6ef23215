{#-
  Common table expressions that count what became of orders, as rows of data_quality.

  Reads placed: one row per order with fate (purchase, canceled, refunded, test, no_customer or another), order_amount
  and refunded_amount; and the variables cancelled_breach, test_breach, no_customer_breach. Gives fates_counted.
-#}
counted as (
    select
        count(*) as orders,
        count(case when fate = 'canceled' then 1 end) as canceled,
        count(case when fate = 'refunded' then 1 end) as refunded,
        coalesce(sum(case when fate = 'refunded' then refunded_amount end), 0) as refunded_amount,
        count(case when fate = 'purchase' and refunded_amount > 0 then 1 end) as lowered,
        coalesce(sum(case when fate = 'purchase' and refunded_amount > 0 then refunded_amount end), 0)
            as lowered_amount,
        count(case when fate = 'test' then 1 end) as tests,
        count(case when fate = 'no_customer' then 1 end) as nobodies,
        coalesce(sum(case when fate = 'no_customer' then order_amount end), 0) as nobodies_amount
    from placed
),

fates_counted as (
    select
        'stg_olist__orders' as table_name,
        'cancelled_order' as rule_name,
        '{{ cancelled_breach }}' as breach,
        'kept with the status canceled: no purchase' as treatment,
        false as is_unexpected,
        canceled as affected_rows,
        orders as checked_rows
    from counted
    union all
    select
        'stg_olist__orders',
        'refunded_order',
        'an order that was refunded in full, ' || cast(refunded_amount as string) || ' in all',
        'kept with the status refunded: no purchase',
        false,
        refunded,
        orders
    from counted
    union all
    select
        'stg_olist__order_items',
        'refunded_in_part',
        'an order of which a part was refunded, ' || cast(lowered_amount as string) || ' in all',
        'the refund is taken off its lines in proportion',
        false,
        lowered,
        orders
    from counted
    union all
    select
        'stg_olist__orders',
        'test_order',
        '{{ test_breach }}',
        'left out',
        false,
        tests,
        orders
    from counted
    union all
    select
        'stg_olist__orders',
        'no_customer',
        '{{ no_customer_breach }}, ' || cast(nobodies_amount as string) || ' in all',
        'left out: nobody knows whose it is',
        true,
        nobodies,
        orders
    from counted
)
