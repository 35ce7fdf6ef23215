with

candidates as (
    select * from {{ ref('fit_forecast_candidates') }}
    where tenth = 0 and (is_judged or as_of_date is null)
),

final as (
    select
        cast(forecast_version as integer) as forecast_version,
        model,
        model_role,
        cast(as_of_date as date) as as_of_date,
        coalesce(cast(as_of_date as date) = max(cast(as_of_date as date)) over (), false) as is_newest,
        {%- for column in ['customer_count', 'returned_count'] %}
        cast({{ column }} as integer) as {{ column }},
        {%- endfor %}
        {%- for column in [
            'predicted_share', 'observed_share', 'ranking_auc', 'auc_low', 'auc_high', 'auc_minus_rule',
            'auc_minus_rule_low', 'auc_minus_rule_high', 'brier_skill', 'log_loss_skill', 'calibration_slope',
            'calibration_intercept', 'predicted_orders', 'actual_orders', 'order_ratio', 'predicted_revenue',
            'actual_revenue', 'revenue_ratio', 'top_tenth_lift', 'revenue_gini', 'seconds',
        ] %}
        cast({{ column }} as double) as {{ column }},
        {%- endfor %}
        {%- for column in ['training_customer_count', 'training_return_count'] %}
        cast({{ column }} as integer) as {{ column }},
        {%- endfor %}
        {%- for column in ['is_judged', 'is_eligible', 'is_chosen', 'is_abstaining'] %}
        cast({{ column }} as boolean) as {{ column }},
        {%- endfor %}
        reason,
        cast(data_as_of as date) as data_as_of,
        cast(fitted_at as timestamp) as fitted_at,
        package_versions
    from candidates
)

select * from final
order by forecast_version, model, as_of_date nulls first
