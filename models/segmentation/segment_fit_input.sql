{%- set features = feature_names() -%}
with

features as (
    select * from {{ ref('customer_features_monthly') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

outcome_dates as (
    select * from {{ ref('outcome_dates') }}
),

next_purchases as (
    select * from {{ ref('next_purchases') }}
),

newest as (
    select as_of_date from as_of_dates
    where is_newest
),

input_dates as (
    select
        'fit' as input_role,
        as_of_date
    from newest
    union all
    -- What a candidate's segments did next is known of the newest date that has had a full outcome period since.
    select
        'outcome' as input_role,
        as_of_date
    from outcome_dates
    where is_newest
),

customers_of_dates as (
    select
        input_dates.input_role,
        features.*,
        count(*) over (partition by input_dates.input_role) as customer_count,
        row_number() over (
            partition by input_dates.input_role, case when features.purchase_day_count > 1 then 1 else 0 end
            order by md5(features.customer_unique_id) nulls last, features.customer_unique_id nulls last
        ) as draw_number,
        count(*) over (
            partition by input_dates.input_role, case when features.purchase_day_count > 1 then 1 else 0 end
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

final as (
    select
        customers_drawn.input_role,
        customers_drawn.as_of_date,
        customers_drawn.customer_unique_id,
        {% for feature in features -%}
            cast(customers_drawn.{{ feature }} as double) as {{ feature }},
        {% endfor -%}
        case when customers_drawn.input_role = 'outcome' then coalesce(cast(next_purchases.next_spend as double), 0) end
            as next_period_revenue
    from customers_drawn
    left join next_purchases
        on
            customers_drawn.customer_unique_id = next_purchases.customer_unique_id
            and customers_drawn.as_of_date = next_purchases.as_of_date
)

select * from final
order by input_role, customer_unique_id
