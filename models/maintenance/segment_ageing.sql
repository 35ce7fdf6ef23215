with

simulated as (
    select * from {{ ref('fit_ageing') }}
),

-- Figures of a pair of dates stand on the row of every segment; segment 1 always exists.
pairs as (
    select
        cast(model_version as integer) as model_version,
        variant,
        cast(origin_date as date) as origin_date,
        cast(later_date as date) as later_date,
        cast({{ dbt.datediff('cast(origin_date as date)', 'cast(later_date as date)', 'day') }} as integer)
            as horizon_days,
        cast(is_model_in_force as boolean) as is_model_in_force,
        feature_set,
        algorithm,
        setting,
        cast(customers as integer) as customers,
        cast(known_customers as integer) as known_customers,
        cast(ari as double) as ari,
        cast(ari_low as double) as ari_low,
        cast(ari_high as double) as ari_high,
        cast(addressed_differently_share as double) as reassigned_share,
        cast(spend_addressed_differently_share as double) as reassigned_spend_share,
        cast(noise_floor as double) as noise_floor,
        cast(noise_floor_se as double) as noise_floor_se,
        cast(noise_floor_low as double) as noise_floor_low,
        newcomer_shift_feature,
        cast(newcomer_shift as double) as newcomer_shift,
        cast(newcomer_shift_error as double) as newcomer_shift_error
    from simulated
    where segment_number = 1
),

final as (
    select
        pairs.model_version,
        pairs.variant,
        pairs.origin_date,
        pairs.later_date,
        pairs.later_date = max(pairs.later_date) over () as is_newest,
        pairs.horizon_days,
        pairs.is_model_in_force,
        pairs.feature_set,
        pairs.algorithm,
        pairs.setting,
        pairs.customers,
        pairs.known_customers,
        pairs.ari,
        pairs.ari_low,
        pairs.ari_high,
        pairs.reassigned_share,
        pairs.reassigned_share as addressed_differently_share,
        pairs.reassigned_spend_share,
        pairs.reassigned_spend_share as spend_addressed_differently_share,
        pairs.noise_floor,
        pairs.noise_floor_se,
        pairs.noise_floor_low,
        pairs.ari_high < pairs.noise_floor_low as is_below_noise_floor,
        pairs.ari - with_recency.ari as recency_loss,
        pairs.newcomer_shift_feature,
        pairs.newcomer_shift,
        pairs.newcomer_shift_error,
        coalesce(
            abs(pairs.newcomer_shift) - 1.96 * pairs.newcomer_shift_error > {{ var('ageing_min_shift') }}, false
        ) as has_changed_behaviour
    from pairs
    left join pairs as with_recency
        on
            pairs.variant = 'all features'
            and not pairs.is_model_in_force
            and with_recency.variant = 'with recency'
            and pairs.model_version = with_recency.model_version
            and pairs.origin_date = with_recency.origin_date
            and pairs.later_date = with_recency.later_date
)

select * from final
order by model_version, variant, is_model_in_force, origin_date, later_date
