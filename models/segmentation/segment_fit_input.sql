{%- set features = feature_names() -%}
with

-- Twice, as a CTE that is read twice is kept whole.
features as (
    select * from {{ ref('customer_features_monthly') }}
),

features_of_draw as (
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
        features.as_of_date,
        features.customer_unique_id,
        case when features.purchase_day_count > 1 then 1 else 0 end as is_repeat_buyer,
        substr(md5(features.customer_unique_id), 1, 2) as bucket
    from features
    inner join input_dates on features.as_of_date = input_dates.as_of_date
),

buckets_counted as (
    select
        input_role,
        is_repeat_buyer,
        bucket,
        sum(count(*)) over (partition by input_role) as customer_count,
        sum(count(*)) over (partition by input_role, is_repeat_buyer) as stratum_size,
        sum(count(*)) over (partition by input_role, is_repeat_buyer order by bucket) - count(*) as earlier_count
    from customers_of_dates
    group by input_role, is_repeat_buyer, bucket
),

-- Repeat buyers and the others keep their proportions in the draw.
buckets_to_draw_from as (
    select * from (
        select
            *,
            ceil(
                cast(stratum_size as double)
                * least(1.0, {{ var('fit_max_customers') }} / cast(customer_count as double))
            ) as draw_size
        from buckets_counted
    ) as buckets
    where earlier_count < draw_size
),

-- In the order of md5. Only the buckets that the draw reaches are sorted, each by itself.
customers_numbered as (
    select
        customers_of_dates.*,
        buckets.draw_size,
        buckets.earlier_count + row_number() over (
            partition by
                customers_of_dates.input_role,
                customers_of_dates.is_repeat_buyer,
                customers_of_dates.bucket
            order by
                md5(customers_of_dates.customer_unique_id) nulls last,
                customers_of_dates.customer_unique_id nulls last
        ) as draw_number
    from customers_of_dates
    inner join buckets_to_draw_from as buckets
        on
            customers_of_dates.input_role = buckets.input_role
            and customers_of_dates.is_repeat_buyer = buckets.is_repeat_buyer
            and customers_of_dates.bucket = buckets.bucket
),

customers_drawn as (
    select
        customers_numbered.input_role,
        features_of_draw.*
    from customers_numbered
    inner join features_of_draw
        on
            customers_numbered.customer_unique_id = features_of_draw.customer_unique_id
            and customers_numbered.as_of_date = features_of_draw.as_of_date
    where customers_numbered.draw_number <= customers_numbered.draw_size
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
