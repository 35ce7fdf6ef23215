with stages as (
    select
        outcomes.as_of_date, outcomes.outcome_until, stages.stage_key, stages.stage_name,
        sum(outcomes.customer_count)::double as customers, sum(outcomes.ordered_again_count)::double as again,
        sum(outcomes.next_spend)::double as next_spend
    from segment_outcomes as outcomes
    inner join lifecycle_stages as stages on split_part(outcomes.segment_key, ':', -1) = stages.stage_key
    where outcomes.is_newest and outcomes.segmentation = 'clusters_by_stage'
    group by outcomes.as_of_date, outcomes.outcome_until, stages.stage_key, stages.stage_name
),

wilson_bounds as (
    select
        *, again / customers as again_share,
        (again / customers + 1.96 ^ 2 / 2 / customers) / (1 + 1.96 ^ 2 / customers) as centre,
        1.96 * sqrt((again / customers * (1 - again / customers) + 1.96 ^ 2 / 4 / customers) / customers)
        / (1 + 1.96 ^ 2 / customers) as half_width
    from stages
)

select
    'everybody' as segmentation, as_of_date, outcome_until, 'everybody' as segment_key, 'Everybody' as segment_name,
    customer_count, ordered_again_count, ordered_again_share, ordered_again_low, ordered_again_high,
    1.0::double as ordered_again_lift, next_spend_per_customer
from outcomes_of_everybody
where is_newest
union all
select
    segmentation, as_of_date, outcome_until, segment_key, segment_name, customer_count, ordered_again_count,
    ordered_again_share, ordered_again_low, ordered_again_high, ordered_again_lift, next_spend_per_customer
from segment_outcomes
where is_newest
union all
select
    'stages' as segmentation, bounds.as_of_date, bounds.outcome_until, bounds.stage_key, bounds.stage_name,
    bounds.customers, bounds.again, bounds.again_share,
    greatest(centre - half_width, 0), least(centre + half_width, 1),
    bounds.again_share / nullif(everybody.ordered_again_share, 0), bounds.next_spend / bounds.customers
from wilson_bounds as bounds
inner join outcomes_of_everybody as everybody on bounds.as_of_date = everybody.as_of_date
order by segmentation, ordered_again_share desc, segment_key
