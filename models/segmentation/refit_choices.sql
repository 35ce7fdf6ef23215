with

simulated as (
    select * from {{ ref('fit_refit_choices') }}
),

final as (
    select
        cast(model_version as integer) as model_version,
        cast(refit_number as integer) as refit_number,
        cast(refit_date as date) as refit_date,
        cast(customers as integer) as customer_count,
        feature_set,
        algorithm,
        setting,
        cast(is_eligible as boolean) as is_eligible,
        cast(is_recipe_kept as boolean) as is_recipe_kept,
        reason
    from simulated
)

select * from final
order by model_version, refit_number
