{%- set orders_expected -%}
'the {{ checked_var("outcome_days") }} days after ' || cast(forecast_judged_date as {{ dbt.type_string() }}) || ', '
            || cast(cast(forecast_order_ratio as decimal(18, 2)) as {{ dbt.type_string() }})
            || ' orders were expected for each that came.'
{%- endset -%}
with

segment_ageing as (
    select * from {{ ref('segment_ageing') }}
),

segment_versions as (
    select * from {{ ref('segment_versions') }}
),

feature_drift as (
    select * from {{ ref('feature_drift_monthly') }}
),

segment_share_drift as (
    select * from {{ ref('segment_share_drift_monthly') }}
),

customer_segments as (
    select * from {{ ref('customer_segments') }}
),

forecast_versions as (
    select * from {{ ref('forecast_versions') }}
),

forecast_drift as (
    select * from {{ ref('forecast_drift_monthly') }}
    where is_newest
),

model_in_force as (
    select
        model_version,
        data_as_of
    from segment_versions
    where is_in_force
),

today as (
    select
        max(as_of_date) as as_of_date,
        count(*) as customer_count
    from customer_segments
),

-- Models frozen in the past: the curve. The model in force itself is one more row a date: how it stands now.
ageing_in_force as (
    select segment_ageing.*
    from segment_ageing
    inner join model_in_force on segment_ageing.model_version = model_in_force.model_version
    where not segment_ageing.is_model_in_force
),

ageing_curve as (
    select ageing_curve.*
    from {{ ref('ageing_curve') }} as ageing_curve
    inner join model_in_force on ageing_curve.model_version = model_in_force.model_version
    where ageing_curve.variant = 'all features'
),

simulated_refits as (
    select
        count(*) as simulated_refit_count,
        count(case when not refit_choices.is_recipe_kept then 1 end) as simulated_recipe_change_count
    from {{ ref('refit_choices') }} as refit_choices
    inner join model_in_force on refit_choices.model_version = model_in_force.model_version
),

present_ranked as (
    select
        segment_ageing.ari,
        segment_ageing.ari_high,
        row_number() over (order by segment_ageing.later_date desc nulls last) as newest_rank
    from segment_ageing
    inner join model_in_force on segment_ageing.model_version = model_in_force.model_version
    where segment_ageing.is_model_in_force and segment_ageing.variant = 'all features'
),

present as (
    select
        max(ari) as present_agreement,
        max(ari_high) as present_agreement_high
    from present_ranked
    where newest_rank = 1
),

intervals as (
    {{ contract_intervals('ageing_in_force', ['variant']) | indent(4) }}
),

-- Every threshold has its row, also where history was too short to simulate.
thresholds as (
    {% for threshold in checked_var('contract_thresholds') %}
        {{ "union all" if not loop.first }}
        select cast({{ threshold }} as double) as threshold
    {% endfor %}
),

noise as (
    select percentile_cont(0.5) within group (order by noise_floor) as noise_floor
    from ageing_in_force
    where variant = 'all features'
),

-- A fit answers for what had happened by its date: only what came after it can ask for another. How many recent buyers
-- have not been reviewed yet depends on the calendar, so gaps count among everybody only.
features_asking as (
    select
        count(distinct feature_drift.feature) as feature_count,
        {{ listed_text('feature_drift.feature') }} as features
    from feature_drift
    inner join today on feature_drift.as_of_date = today.as_of_date
    inner join model_in_force on feature_drift.as_of_date > model_in_force.data_as_of
    where
        feature_drift.drift_status = 'act'
        and feature_drift.is_in_model
        and not feature_drift.is_clock_driven
        and (feature_drift.aspect = 'values' or feature_drift.population = 'everybody')
),

shares_asking as (
    select count(*) as date_count
    from segment_share_drift
    inner join today on segment_share_drift.as_of_date = today.as_of_date
    inner join model_in_force on segment_share_drift.as_of_date > model_in_force.data_as_of
    where segment_share_drift.drift_status = 'act'
),

-- A fit that knew the outcomes of the newest judged date has learnt from them: they can't ask for another.
forecasts as (
    select
        forecast_versions.forecast_version,
        forecast_versions.model as forecast_model,
        forecast_versions.is_abstaining,
        forecast_versions.reason,
        forecast_drift.as_of_date,
        forecast_drift.order_ratio,
        coalesce(
            forecast_drift.drift_status = 'off' and forecast_versions.fitted_on < forecast_drift.outcome_until, false
        ) as is_off
    from today
    left join forecast_versions
        on today.as_of_date = forecast_versions.in_force_until and forecast_versions.is_in_force
    left join forecast_drift on today.as_of_date > forecast_drift.as_of_date
),

figures as (
    select
        thresholds.threshold,
        thresholds.threshold = cast({{ var('contract_threshold') }} as double) as is_the_contract,
        model_in_force.model_version,
        model_in_force.data_as_of,
        today.as_of_date,
        {{ dbt.datediff('model_in_force.data_as_of', 'today.as_of_date', 'day') }} as model_age_days,
        everything.interval_days as refit_interval_days,
        everything.judged_from_days,
        everything.judged_until_days,
        everything.origin_count,
        ageing_curve.effective_origin_count,
        with_recency.interval_days as refit_interval_days_with_recency,
        simulated_refits.simulated_refit_count,
        simulated_refits.simulated_recipe_change_count,
        noise.noise_floor,
        present.present_agreement,
        present.present_agreement_high,
        today.customer_count,
        cast(
            {{ dbt.dateadd('day', 'everything.interval_days', 'model_in_force.data_as_of') }} as date
        ) as due_date,
        features_asking.feature_count as drifting_feature_count,
        features_asking.features as drifting_features,
        shares_asking.date_count > 0 as is_segment_share_drifting,
        forecasts.forecast_version,
        coalesce(forecasts.forecast_model, 'none') as forecast_model,
        coalesce(forecasts.is_abstaining, true) as is_forecast_abstaining,
        forecasts.reason as forecast_reason,
        forecasts.as_of_date as forecast_judged_date,
        forecasts.order_ratio as forecast_order_ratio,
        forecasts.is_off as is_forecast_off
    from thresholds
    cross join model_in_force
    cross join today
    cross join simulated_refits
    cross join noise
    cross join present
    cross join features_asking
    cross join shares_asking
    cross join forecasts
    left join intervals as everything
        on thresholds.threshold = everything.threshold and everything.variant = 'all features'
    left join ageing_curve
        on ageing_curve.horizon_days = greatest(everything.interval_days, everything.judged_from_days)
    left join intervals as with_recency
        on thresholds.threshold = with_recency.threshold and with_recency.variant = 'with recency'
),

judged as (
    select
        *,
        coalesce(model_age_days > refit_interval_days, false) as is_overdue,
        coalesce(present_agreement_high < threshold, false) as is_stale,
        drifting_feature_count > 0 as is_feature_drifting
    from figures
),

final as (
    select
        threshold,
        is_the_contract,
        model_version,
        data_as_of,
        as_of_date,
        cast(model_age_days as integer) as model_age_days,
        cast(refit_interval_days as integer) as refit_interval_days,
        cast(judged_from_days as integer) as judged_from_days,
        cast(judged_until_days as integer) as judged_until_days,
        coalesce(refit_interval_days > 0 and refit_interval_days = judged_until_days, false) as is_interval_at_least,
        cast(refit_interval_days_with_recency as integer) as refit_interval_days_with_recency,
        cast(origin_count as integer) as origin_count,
        effective_origin_count,
        cast(simulated_refit_count as integer) as simulated_refit_count,
        cast(simulated_recipe_change_count as integer) as simulated_recipe_change_count,
        noise_floor,
        present_agreement,
        cast(customer_count as integer) as customer_count,
        due_date,
        is_overdue,
        is_stale,
        is_feature_drifting,
        drifting_features,
        is_segment_share_drifting,
        is_overdue or is_stale or is_feature_drifting or is_segment_share_drifting as is_broken_today,
        case
            when refit_interval_days = 0
                then 'No interval can be promised: in the simulated past the agreement fell below '
                || cast(threshold as {{ dbt.type_string() }}) || ' within '
                || cast(judged_from_days as {{ dbt.type_string() }}) || ' days.'
            when is_overdue
                then 'Refit: the model is ' || cast(model_age_days as {{ dbt.type_string() }})
                || ' days old and was promised for ' || cast(refit_interval_days as {{ dbt.type_string() }}) || '.'
            when is_stale
                then 'Refit early: the model agrees with a fresh fit less than it promised.'
            when is_feature_drifting
                then 'Refit early: the behaviour behind ' || drifting_features || ' has changed.'
            when is_segment_share_drifting
                then 'Refit early: the sizes of the segments have shifted beyond what history knows.'
            when refit_interval_days is null
                then 'History is too short to say how fast the segmentation ages.'
            when refit_interval_days = judged_until_days
                then 'The contract holds: the next refit is due on ' || cast(due_date as {{ dbt.type_string() }})
                || '. The interval of ' || cast(refit_interval_days as {{ dbt.type_string() }})
                || ' days is a minimum: history is too short to judge longer ones.'
            else 'The contract holds: the next refit is due on ' || cast(due_date as {{ dbt.type_string() }}) || '.'
        end
        || case
            when
                refit_interval_days > 0 and not is_overdue and not is_stale and not is_feature_drifting
                and not is_segment_share_drifting and effective_origin_count < 2
                then ' History holds fewer than two independent stretches of that length.'
            else ''
        end as explanation,
        forecast_version,
        forecast_model,
        is_forecast_abstaining,
        forecast_order_ratio,
        is_forecast_off,
        case
            when forecast_model = 'none' then 'There are no forecasts yet: no outcomes are known.'
            when is_forecast_off
                then 'Forecasts are off: for the {{ checked_var("outcome_days") }} days after '
                || cast(forecast_judged_date as {{ dbt.type_string() }}) || ' they expected '
                || cast(cast(forecast_order_ratio as decimal(18, 2)) as {{ dbt.type_string() }})
                || ' orders for each that came. Fit them anew with --vars ''{refit_forecasts: true}''.'
            when is_forecast_abstaining
                then 'No model forecasts: ' || forecast_reason || '.' || coalesce(' For ' || {{ orders_expected }}, '')
            when forecast_order_ratio is null
                then 'Forecasts are by the model ' || forecast_model || ', which no outcomes could judge yet.'
            else 'Forecasts are by the model ' || forecast_model || ': for ' || {{ orders_expected }}
        end as forecast_explanation
    from judged
)

select * from final
order by threshold
