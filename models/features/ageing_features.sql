{#- What the simulation clusters, with the two columns that it values segments by. -#}
{%- set valued = ['total_spend', 'avg_review_score'] -%}
{%- set features = (feature_names() + valued) | unique | sort -%}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

reviews as (
    select * from {{ ref('reviews') }}
),

history as (
    select
        min(month_start) as history_start,
        cast({{ dbt.dateadd('day', var('ageing_min_history_days'), 'min(month_start)') }} as date) as first_date,
        max(as_of_date) as newest_date
    from as_of_dates
),

simulation_dates as (
    {{ dates_back('history', 'first_date', 'newest_date', var('ageing_horizon_days')) | indent(4) }}
),

customers as (
    select
        purchases.customer_unique_id,
        min(purchases.purchase_date) as first_purchase_date,
        cast({{ dbt.date_trunc('month', 'min(purchases.purchase_date)') }} as date) as cohort_month,
        min(purchases.purchase_date) < max(purchases.purchase_date) as is_repeat_buyer
    from purchases
    cross join history
    where purchases.purchase_date <= history.newest_date
    group by purchases.customer_unique_id
),

-- Where the customer stands in the draw, from 0 to 1: by strata of cohort and repeat purchase, so that whoever is known
-- at a date is drawn in proportion, and who is drawn at a date was drawn at every earlier one too.
customers_placed as (
    select
        customer_unique_id,
        first_purchase_date,
        row_number() over (
            order by customer_unique_id nulls last
        ) as customer_number,
        (
            row_number() over (
                partition by cohort_month, is_repeat_buyer
                order by md5(customer_unique_id) nulls last, customer_unique_id nulls last
            ) - cast(0.5 as double)
        ) / count(*) over (partition by cohort_month, is_repeat_buyer) as draw_position
    from customers
),

newcomers_of_days as (
    select
        first_purchase_date,
        count(*) as newcomer_count
    from customers
    group by first_purchase_date
),

dates_to_draw as (
    select
        simulation_dates.as_of_date,
        sum(newcomers_of_days.newcomer_count) as known_customer_count
    from simulation_dates
    inner join newcomers_of_days on simulation_dates.as_of_date >= newcomers_of_days.first_purchase_date
    group by simulation_dates.as_of_date
    having sum(newcomers_of_days.newcomer_count) >= {{ var('ageing_min_customers') }}
),

customers_drawn as (
    select
        customers_placed.customer_unique_id,
        customers_placed.customer_number,
        dates_to_draw.as_of_date,
        dates_to_draw.known_customer_count
    from customers_placed
    inner join dates_to_draw
        on
            customers_placed.first_purchase_date <= dates_to_draw.as_of_date
            and customers_placed.draw_position
            < {{ var('ageing_max_customers') }} / cast(dates_to_draw.known_customer_count as double)
),

features_at as (
    {{ customer_features_at('customers_drawn', 'purchases', 'reviews', of_customers=true) | indent(4) }}
),

final as (
    select
        features_at.as_of_date,
        cast(customers_drawn.customer_number as integer) as customer_number,
        cast(customers_drawn.known_customer_count as integer) as known_customer_count,
        features_at.tenure_days
        {%- for feature in features %},
        cast(features_at.{{ feature }} as double) as {{ feature }}
        {%- endfor %}
    from features_at
    inner join customers_drawn
        on
            features_at.customer_unique_id = customers_drawn.customer_unique_id
            and features_at.as_of_date = customers_drawn.as_of_date
)

select * from final
order by as_of_date, customer_number
