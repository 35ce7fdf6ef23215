{%- set features = feature_names() | sort -%}
{%- set text = dbt.type_string() -%}
with

orders as (
    select * from {{ ref('orders') }}
),

order_months as (
    select * from {{ ref('order_months') }}
),

customer_features as (
    select * from {{ ref('customer_features') }}
),

segment_model as (
    select * from {{ ref('segment_model') }}
),

segment_versions as (
    select * from {{ ref('segment_versions') }}
),

rfm_segments as (
    select * from {{ ref('rfm_segments') }}
),

lifecycle_boundaries as (
    select * from {{ ref('lifecycle_boundaries') }}
),

campaign_log as (
    select * from {{ source('campaigns', 'campaign_log') }}
),

suppressed as (
    select * from {{ source('campaigns', 'suppressed_customers') }}
),

forgotten as (
    select * from {{ source('campaigns', 'forgotten_customers') }}
),

forecast_versions as (
    select * from {{ ref('forecast_versions') }}
),

forecast_model as (
    select * from {{ ref('forecast_model') }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates') }}
    where is_newest
),

customer_count as (
    select count(*) as affected_count from customer_features
),

-- Forecasts are frozen with the outcome period they were fitted on.
other_periods as (
    select
        customer_count.affected_count,
        cast(forecast_model.coefficient as integer) as fitted_days
    from forecast_model
    inner join forecast_versions
        on
            forecast_model.forecast_version = forecast_versions.forecast_version
            and forecast_model.fitted_on = forecast_versions.fitted_on
    cross join customer_count
    where
        forecast_versions.is_in_force
        and forecast_model.part = 'period'
        and cast(forecast_model.coefficient as integer) <> {{ checked_var('outcome_days') }}
),

later_purchases as (
    select count(*) as affected_count
    from orders
    cross join newest
    where orders.is_valid_purchase and orders.purchase_date > newest.as_of_date
),

gap_months as (
    select
        count(*) as affected_count,
        {{ listed_text("cast(year(month_start) as " ~ text ~ ") || '-' || right('0' || cast(month(month_start) as "
            ~ text ~ "), 2)") }} as months
    from order_months
    where is_in_window and not has_data
),

bounds as (
    select
        segment_model.feature,
        segment_model.transform,
        segment_model.scale,
        segment_model.lower_bound,
        segment_model.upper_bound
    from segment_model
    inner join segment_versions on segment_model.model_version = segment_versions.model_version
    where segment_versions.is_in_force and segment_model.segment_number = 1 and not segment_model.is_constant
),

feature_values as (
    {%- for feature in features %}
    {{ "union all" if not loop.first }}
    select
        '{{ feature }}' as feature,
        cast({{ feature }} as double) as feature_value
    from customer_features
    where {{ feature }} is not null
    {%- endfor %}
),

-- Far beyond a bound: by more than a standard deviation, in transformed units.
far_beyond as (
    select
        bounds.feature,
        bounds.lower_bound,
        bounds.upper_bound,
        count(*) as checked_count,
        count(
            case
                when
                    feature_values.feature_value < bounds.lower_bound
                    and {{ transformed_value('bounds.lower_bound', 'bounds.transform') }}
                    - {{ transformed_value('feature_values.feature_value', 'bounds.transform') }} > bounds.scale
                    then 1
            end
        ) as below_count,
        count(
            case
                when
                    feature_values.feature_value > bounds.upper_bound
                    and {{ transformed_value('feature_values.feature_value', 'bounds.transform') }}
                    - {{ transformed_value('bounds.upper_bound', 'bounds.transform') }} > bounds.scale
                    then 1
            end
        ) as above_count
    from feature_values
    inner join bounds on feature_values.feature = bounds.feature
    group by 1, 2, 3
),

rfm_scores as (
    {%- for dimension, score in [('recency', 'recency_score'), ('monetary', 'monetary_score')] %}
    {{ "union all" if not loop.first }}
    select
        '{{ dimension }}' as dimension,
        {{ score }} as score,
        count(*) as affected_count,
        sum(count(*)) over () as checked_count
    from rfm_segments
    group by {{ score }}
    {%- endfor %}
),

default_stages as (
    select
        lifecycle_boundaries.return_count as affected_count,
        {%- for stage in ['active', 'cooling', 'dormant'] %}
        max(
            case when lifecycle_boundaries.stage_key = '{{ stage }}' then lifecycle_boundaries.until_days end
        ) as {{ stage }}_until_days{{ "," if not loop.last }}
        {%- endfor %}
    from lifecycle_boundaries
    inner join segment_versions on lifecycle_boundaries.model_version = segment_versions.model_version
    where segment_versions.is_in_force and lifecycle_boundaries.boundary_source = 'default'
    group by lifecycle_boundaries.return_count
),

gone_members as (
    select count(*) as affected_count
    from campaign_log
    where is_gone
),

unknown_suppressed as (
    select count(*) as affected_count
    from suppressed
    where customer_unique_id is null
),

forgotten_back as (
    select count(*) as affected_count
    from customer_features
    inner join forgotten
        on md5(concat('forgotten|', customer_features.customer_unique_id)) = forgotten.forgotten_digest
),

warnings as (
    select
        'purchases_not_counted' as warning_name,
        'warning' as severity,
        later_purchases.affected_count,
        cast(later_purchases.affected_count as {{ text }})
        || case
            when later_purchases.affected_count = 1 then ' valid purchase is not used: it was'
            else ' valid purchases are not used: they were'
        end
        || ' made after the newest as-of date, ' || cast(newest.as_of_date as {{ text }})
        || ', where orders are so few that they look like mistyped dates or the thin end of an export '
        || '(var window_min_share_of_typical_month).' as sentence
    from later_purchases
    cross join newest
    where later_purchases.affected_count > 0
    union all
    select
        'months_without_data' as warning_name,
        'note' as severity,
        affected_count,
        'History has a gap: ' || months || case when affected_count = 1 then ' has' else ' have' end
        || ' too few purchases, so figures for these months are unreliable.' as sentence
    from gap_months
    where affected_count > 0
    {%- for side, count_column, bound_column, words in [
        ('low', 'below_count', 'lower_bound', 'far below '),
        ('high', 'above_count', 'upper_bound', 'far above '),
    ] %}
    union all
    select
        'values_far_too_{{ side }}' as warning_name,
        'warning' as severity,
        {{ count_column }} as affected_count,
        cast({{ count_column }} as {{ text }}) || ' of ' || cast(checked_count as {{ text }}) || ' customers have a '
        || feature || ' {{ words }}' || cast(cast({{ bound_column }} as decimal(18, 2)) as {{ text }})
        || ', the {{ 'lowest' if side == 'low' else 'highest' }} value that the segmentation distinguishes: '
        || 'look for test orders, for wholesale customers or for a change of unit.' as sentence
    from far_beyond
    where {{ count_column }} > {{ var('warn_far_beyond_share') }} * checked_count
    {%- endfor %}
    union all
    select
        'rfm_scores_do_not_spread' as warning_name,
        'warning' as severity,
        affected_count,
        'The RFM baseline gives ' || cast(affected_count as {{ text }}) || ' of ' || cast(checked_count as {{ text }})
        || ' customers the same ' || dimension || ' score: its bins (seed rfm_score_bins) do not fit these data.'
            as sentence
    from rfm_scores
    where affected_count > {{ var('warn_same_score_share') }} * checked_count
    union all
    select
        'stages_by_default' as warning_name,
        'warning' as severity,
        affected_count,
        'Only ' || cast(affected_count as {{ text }})
        || case when affected_count = 1 then ' return has' else ' returns have' end
        || ' been seen: the stages of life use the default boundaries of ' || cast(active_until_days as {{ text }})
        || ', ' || cast(cooling_until_days as {{ text }}) || ' and ' || cast(dormant_until_days as {{ text }})
        || ' days. Set lifecycle_days to your own.' as sentence
    from default_stages
    union all
    select
        'forgotten_customers_are_back' as warning_name,
        'warning' as severity,
        affected_count,
        cast(affected_count as {{ text }})
        || case when affected_count = 1 then ' customer who was' else ' customers who were' end
        || ' forgotten ' || case when affected_count = 1 then 'is' else 'are' end
        || ' in the files again: take them out of the export. No list holds them meanwhile.' as sentence
    from forgotten_back
    where affected_count > 0
    union all
    select
        'campaign_members_gone' as warning_name,
        'note' as severity,
        affected_count,
        'The campaign log names customers in ' || cast(affected_count as {{ text }})
        || case when affected_count = 1 then ' row' else ' rows' end
        || ' whom the files no longer hold; they count for their arms only. '
        || 'Run olist-segments forget --gone to take them out of the log.' as sentence
    from gone_members
    where affected_count > 0
    union all
    select
        'suppressed_customers_unknown' as warning_name,
        'note' as severity,
        affected_count,
        'suppressed_customers.csv names ' || cast(affected_count as {{ text }})
        || case when affected_count = 1 then ' customer' else ' customers' end
        || ' whom the files do not hold.' as sentence
    from unknown_suppressed
    where affected_count > 0
    union all
    select
        'forecasts_of_another_period' as warning_name,
        'warning' as severity,
        affected_count,
        'The forecasts were fitted for ' || cast(fitted_days as {{ text }}) || ' days, and the var outcome_days is now '
        || '{{ checked_var("outcome_days") }}: fit them anew by dbt build with the var refit_forecasts: true.'
            as sentence
    from other_periods
),

final as (
    select
        warnings.warning_name,
        warnings.severity,
        newest.as_of_date,
        cast(warnings.affected_count as bigint) as affected_count,
        warnings.sentence
    from warnings
    cross join newest
)

select * from final
order by severity desc, warning_name, sentence
