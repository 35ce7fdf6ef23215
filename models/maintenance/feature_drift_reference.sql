with

labels as (
    select * from {{ ref('fit_segment_labels') }}
),

features as (
    select * from {{ ref('customer_features_monthly') }}
    where {{ is_recent_buyer() }}
),

month_ends as (
    select * from {{ ref('as_of_dates') }}
    where is_month_end
),

versions as (
    select * from {{ ref('segment_versions') }}
    where in_force_from is not null
),

people_of_the_fit as (
    select labels.*
    from labels
    inner join versions on labels.model_version = versions.model_version
),

months_before_the_fit as (
    select
        versions.model_version,
        month_ends.as_of_date,
        row_number() over (
            partition by versions.model_version
            order by month_ends.as_of_date desc nulls last
        ) as months_back
    from versions
    inner join month_ends on versions.data_as_of >= month_ends.as_of_date
),

recent_buyers_before_the_fit as (
    select
        features.*,
        months_before_the_fit.model_version
    from features
    inner join months_before_the_fit on features.as_of_date = months_before_the_fit.as_of_date
    where months_before_the_fit.months_back <= {{ var('drift_reference_months') }}
),

counts_of_everybody as (
    {{ feature_value_counts('people_of_the_fit', ['model_version']) | indent(4) }}
),

counts_of_recent_buyers as (
    {{ feature_value_counts('recent_buyers_before_the_fit', ['model_version']) | indent(4) }}
),

counts as (
    select
        'everybody' as population,
        *
    from counts_of_everybody
    union all
    select
        'recent_buyers' as population,
        *
    from counts_of_recent_buyers
),

-- A value's bin is the quantile that the customers below it reach: equal values never part.
counts_below as (
    select
        *,
        sum(customer_count) over (
            partition by model_version, population, feature, value is null
            order by value nulls last
            rows between unbounded preceding and current row
        ) - customer_count as count_below,
        sum(case when value is not null then customer_count end) over (
            partition by model_version, population, feature
        ) as known_count
    from counts
),

quantiles as (
    select
        *,
        floor({{ var('drift_bins') }} * cast(count_below as double) / cast(known_count as double)) as quantile_number
    from counts_below
),

final as (
    select
        cast(model_version as integer) as model_version,
        population,
        feature,
        value,
        cast(customer_count as integer) as customer_count,
        cast(
            case
                when value is not null
                    then dense_rank() over (
                        partition by model_version, population, feature, value is null
                        order by quantile_number nulls last
                    )
            end as integer
        ) as bin_number
    from quantiles
    -- A feature that nobody had at the fit, or that came later, has nothing to be compared with.
    where known_count > 0
)

select * from final
order by model_version, population, feature, value nulls last
