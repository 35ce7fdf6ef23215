{{
    config(
        materialized='by_date',
        meta={'inputs': {
            'of_date': [
                'customer_features_monthly', 'as_of_date_digests.orders_digest',
                'as_of_date_digests.year_orders_digest', 'past_customers', 'past_segments',
                'past_lifecycle_boundaries', 'past_expectations',
            ],
            'known_otherwise': ['purchases'],
        }}
    )
}}

-- depends_on: {{ ref('as_of_date_digests') }}

with

features as (
    select * from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

purchases as (
    select * from {{ ref('purchases') }}
),

past_customers as (
    select * from {{ ref('past_customers') }}
    where as_of_date >= {{ first_date() }}
),

past_segments as (
    select * from {{ ref('past_segments') }}
    where as_of_date >= {{ first_date() }}
),

boundaries as (
    select * from {{ ref('past_lifecycle_boundaries') }}
),

past_expectations as (
    select * from {{ ref('past_expectations') }}
    where as_of_date >= {{ first_date() }}
),

newest as (
    select as_of_date from as_of_dates
    where is_newest
),

ends_of_periods as (
    select
        as_of_date,
        cast({{ dbt.dateadd('day', checked_var('outcome_days'), 'as_of_date') }} as date) as outcome_until,
        cast({{ dbt.dateadd('day', 365, 'as_of_date') }} as date) as year_until
    from as_of_dates
    where as_of_date >= {{ first_date() }}
),

periods as (
    select
        ends_of_periods.*,
        ends_of_periods.outcome_until <= newest.as_of_date as has_outcome,
        ends_of_periods.year_until <= newest.as_of_date as has_year_outcome
    from ends_of_periods
    cross join newest
),

purchases_ranked as (
    select
        customer_unique_id,
        purchase_date,
        order_total,
        max_installments,
        freight_total,
        row_number() over (
            partition by customer_unique_id order by purchased_at nulls last, order_id nulls last
        ) as purchase_rank,
        min(purchase_date) over (partition by customer_unique_id) as first_purchase_date
    from purchases
),

-- Whoever is known on a date has made the first purchase by then.
first_purchases as (
    select
        customer_unique_id,
        max(case when purchase_rank = 1 then max_installments end) as max_installments,
        cast(max(case when purchase_rank = 1 then freight_total end) as double)
        / nullif(cast(max(case when purchase_rank = 1 then order_total end) as double), 0) as freight_share,
        sum(case when purchase_date = first_purchase_date then order_total end) as first_day_spend,
        -- The place in the draw follows from the customer alone: nothing of later dates moves it.
        {{ digest_number('customer_unique_id') }} / cast({{ 2 ** 60 }} as double) as place_in_draw
    from purchases_ranked
    group by customer_unique_id
),

-- Several orders of one day are one visit.
purchase_days as (
    select
        customer_unique_id,
        purchase_date,
        first_purchase_date,
        sum(order_total) as spend
    from purchases_ranked
    -- The first day of a customer comes after no date on which the customer is known.
    where purchase_date > first_purchase_date
    group by customer_unique_id, purchase_date, first_purchase_date
),

outcomes as (
    select
        purchase_days.customer_unique_id,
        periods.as_of_date,
        count(case when purchase_days.purchase_date <= periods.outcome_until then 1 end) as order_count,
        sum(case when purchase_days.purchase_date <= periods.outcome_until then purchase_days.spend end) as spend,
        count(case when purchase_days.purchase_date <= periods.year_until then 1 end) as year_order_count,
        sum(case when purchase_days.purchase_date <= periods.year_until then purchase_days.spend end) as year_spend
    from purchase_days
    inner join periods
        on
            purchase_days.first_purchase_date <= periods.as_of_date
            and purchase_days.purchase_date > periods.as_of_date
            and (
                purchase_days.purchase_date <= periods.outcome_until
                or purchase_days.purchase_date <= periods.year_until
            )
    where periods.has_outcome or periods.has_year_outcome
    group by purchase_days.customer_unique_id, periods.as_of_date
),

expectations_of_everybody as (
    select distinct
        segmentation,
        as_of_date,
        expected_share_of_everybody
    from past_expectations
),

staged as (
    {{ past_places('past_customers', 'past_segments', 'boundaries') | indent(4) }}
),

-- What could be expected of the customer's segment and of the kind and stage: rivals to judge models against.
rivals as (
    select
        staged.customer_unique_id,
        staged.as_of_date,
        coalesce(of_rfm.expected_share, everybody_of_rfm.expected_share_of_everybody) as rfm_share,
        coalesce(of_stage.expected_share, everybody_of_stage.expected_share_of_everybody) as kind_stage_share
    from staged
    left join past_expectations as of_rfm
        on
            staged.as_of_date = of_rfm.as_of_date
            and staged.rfm_segment_key = of_rfm.segment_key
            and of_rfm.segmentation = 'rfm'
    left join past_expectations as of_stage
        on
            staged.as_of_date = of_stage.as_of_date
            and {{ past_segment_key('staged.segment_number', 'staged.stage_number') }} = of_stage.segment_key
            and of_stage.segmentation = 'clusters_by_stage'
    left join expectations_of_everybody as everybody_of_rfm
        on
            staged.as_of_date = everybody_of_rfm.as_of_date
            and everybody_of_rfm.segmentation = 'rfm'
    left join expectations_of_everybody as everybody_of_stage
        on
            staged.as_of_date = everybody_of_stage.as_of_date
            and everybody_of_stage.segmentation = 'clusters_by_stage'
),

-- Read from the table again: a CTE that is read twice is kept whole.
customers_of_dates as (
    select
        as_of_date,
        count(*) as customer_count
    from {{ ref('customer_features_monthly') }}
    where as_of_date >= {{ first_date() }}
    group by as_of_date
),

known as (
    select
        features.*,
        periods.outcome_until,
        periods.has_outcome,
        periods.has_year_outcome,
        first_purchases.place_in_draw
        < {{ checked_var('fit_max_customers') }} / cast(customers_of_dates.customer_count as double) as is_in_sample,
        features.purchase_day_count > 1 as came_back,
        cast(features.total_spend as double) as spend,
        first_purchases.max_installments as first_max_installments,
        first_purchases.freight_share as first_freight_share,
        cast(features.total_spend - first_purchases.first_day_spend as double) as repeat_spend,
        {{ recency_band('features.recency_days', 30, 360) }} as month_band,
        {{ recency_band('features.recency_days', 90, 270) }} as quarter_band
    from features
    inner join periods on features.as_of_date = periods.as_of_date
    inner join customers_of_dates on features.as_of_date = customers_of_dates.as_of_date
    inner join first_purchases on features.customer_unique_id = first_purchases.customer_unique_id
),

final as (
    select
        known.customer_unique_id,
        known.as_of_date,
        known.is_newest,
        known.outcome_until,
        known.has_outcome,
        known.has_year_outcome,
        known.is_in_sample,
        known.purchase_day_count,
        known.recency_days,
        known.tenure_days,
        known.tenure_days - known.recency_days as active_days,
        known.spend / known.purchase_day_count as average_day_value,
        known.repeat_spend / nullif(known.purchase_day_count - 1, 0) as repeat_day_value,
        known.month_band as hiatus_group,
        case when known.came_back then 'again:' else 'once:' end || known.month_band as naive_group,
        case when known.came_back then 'again:' else 'once:' end || known.quarter_band as year_band,
        rivals.rfm_share,
        rivals.kind_stage_share,
        ln(known.purchase_day_count) as ln_purchase_days,
        cast(case when known.came_back then 1 else 0 end as double) as has_come_back,
        cast(least(known.recency_days, 90) as double) / 100 as recency_up_to_90,
        cast(known.recency_days as double) / 100 as recency_hundreds,
        ln(1 + cast(known.recency_days as double)) as ln_recency,
        case when known.came_back then ln(1 + cast(known.recency_days as double)) else cast(0 as double) end
            as come_back_ln_recency,
        ln(1 + known.spend) as ln_spend,
        coalesce(known.avg_review_score - 4, cast(0 as double)) as review_score_centred,
        cast(case when known.is_review_missing then 1 else 0 end as double) as review_missing,
        coalesce(known.late_delivery_share, cast(0 as double)) as late_share,
        cast(case when known.delivered_order_count = 0 then 1 else 0 end as double) as nothing_delivered,
        coalesce(known.avg_delivery_days / 10, cast(1.2 as double)) as delivery_tens,
        ln(known.item_count) as ln_items,
        ln(known.order_count) as ln_orders,
        ln(1 + cast(coalesce(known.first_max_installments, 1) as double)) as first_ln_instalments,
        coalesce(known.first_freight_share, cast(0 as double)) as first_freight_share,
        cast(case when known.has_outcome then coalesce(outcomes.order_count, 0) end as integer) as next_order_count,
        cast(case when known.has_outcome then coalesce(outcomes.spend, 0) end as double) as next_spend,
        cast(case when known.has_year_outcome then coalesce(outcomes.year_order_count, 0) end as integer)
            as next_year_order_count,
        cast(case when known.has_year_outcome then coalesce(outcomes.year_spend, 0) end as double) as next_year_spend
    from known
    left join outcomes
        on
            known.customer_unique_id = outcomes.customer_unique_id
            and known.as_of_date = outcomes.as_of_date
    left join rivals
        on
            known.customer_unique_id = rivals.customer_unique_id
            and known.as_of_date = rivals.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
