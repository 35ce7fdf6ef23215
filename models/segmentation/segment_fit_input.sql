{%- set features = feature_names() -%}
with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

newest as (
    select as_of_date from as_of_dates
    where is_newest
),

-- The newest date that has had a full outcome period since: what a candidate's segments did next is known there.
outcome_date as (
    select max(as_of_dates.as_of_date) as as_of_date
    from as_of_dates
    cross join newest
    where
        {{ dbt.dateadd('day', var('outcome_days'), 'as_of_dates.as_of_date') }} <= newest.as_of_date
),

input_dates as (
    select
        'fit' as input_role,
        as_of_date
    from newest
    union all
    select
        'outcome' as input_role,
        as_of_date
    from outcome_date
    where as_of_date is not null
),

customers_of_dates as (
    select
        input_dates.input_role,
        features.*,
        count(*) over (partition by input_dates.input_role) as customer_count,
        row_number() over (
            partition by input_dates.input_role, case when features.order_count > 1 then 1 else 0 end
            order by md5(features.customer_unique_id) nulls last, features.customer_unique_id nulls last
        ) as draw_number,
        count(*) over (
            partition by input_dates.input_role, case when features.order_count > 1 then 1 else 0 end
        ) as stratum_size
    from features
    inner join input_dates on features.as_of_date = input_dates.as_of_date
),

-- Repeat buyers and the others keep their proportions in the draw.
customers_drawn as (
    select * from customers_of_dates
    where
        draw_number <= ceil(
            cast(stratum_size as double)
            * least(1.0, {{ var('fit_max_customers') }} / cast(customer_count as double))
        )
),

next_purchases as (
    select
        purchases.customer_unique_id,
        cast(sum(purchases.order_total) as double) as next_value
    from purchases
    cross join outcome_date
    where
        purchases.purchase_date > outcome_date.as_of_date
        and purchases.purchase_date
        <= {{ dbt.dateadd('day', var('outcome_days'), 'outcome_date.as_of_date') }}
    group by purchases.customer_unique_id
),

final as (
    select
        customers_drawn.input_role,
        customers_drawn.as_of_date,
        customers_drawn.customer_unique_id,
        {% for feature in features -%}
            cast(customers_drawn.{{ feature }} as double) as {{ feature }},
        {% endfor -%}
        case when customers_drawn.input_role = 'outcome' then coalesce(next_purchases.next_value, 0) end
            as next_period_revenue
    from customers_drawn
    left join next_purchases on customers_drawn.customer_unique_id = next_purchases.customer_unique_id
)

select * from final
order by input_role, customer_unique_id
