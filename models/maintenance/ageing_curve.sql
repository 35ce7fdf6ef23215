with

fitted as (
    select * from {{ ref('fit_ageing_curve') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        variant,
        cast(horizon_days as integer) as horizon_days,
        cast(origin_count as integer) as origin_count,
        cast(effective_origin_count as double) as effective_origin_count,
        cast(agreement as double) as agreement,
        cast(agreement_low as double) as agreement_low,
        cast(agreement_high as double) as agreement_high,
        cast(noise_floor as double) as noise_floor,
        cast(noise_floor_low as double) as noise_floor_low,
        cast(noise_floor_high as double) as noise_floor_high
    from fitted
)

select * from final
order by model_version, variant, horizon_days
