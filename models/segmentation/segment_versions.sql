with

-- Python writes a row per segment and feature: what is said of the version is the same on each.
fitted as (
    select
        *,
        row_number() over (partition by model_version order by segment_number desc, feature) as row_rank
    from {{ ref('fit_segment_model') }}
),

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

versions as (
    select
        cast(model_version as integer) as model_version,
        cast(data_as_of as date) as data_as_of,
        cast(fitted_at as timestamp) as fitted_at,
        feature_set,
        algorithm,
        setting,
        segment_number as segment_count,
        reason,
        cast(random_seed as integer) as random_seed,
        package_versions
    from fitted
    where row_rank = 1
),

-- A version labels the dates from its own data on, until the next; the first also labels the dates before it.
versions_ranked as (
    select
        as_of_dates.as_of_date,
        versions.model_version,
        row_number() over (
            partition by as_of_dates.as_of_date
            order by
                {% if var('rescore_history') -%}
                versions.model_version desc
                {%- else -%}
                case when versions.data_as_of <= as_of_dates.as_of_date then 0 else 1 end,
                case when versions.data_as_of <= as_of_dates.as_of_date then versions.model_version end
                    desc nulls last,
                versions.model_version
                {%- endif %}
        ) as force_rank
    from as_of_dates
    cross join versions
),

dates_in_force as (
    select
        model_version,
        min(as_of_date) as in_force_from,
        max(as_of_date) as in_force_until,
        count(*) as date_count
    from versions_ranked
    where force_rank = 1
    group by model_version
),

final as (
    select
        versions.model_version,
        versions.data_as_of,
        versions.fitted_at,
        versions.feature_set,
        versions.algorithm,
        versions.setting,
        cast(versions.segment_count as integer) as segment_count,
        versions.reason,
        versions.random_seed,
        versions.package_versions,
        dates_in_force.in_force_from,
        dates_in_force.in_force_until,
        coalesce(dates_in_force.in_force_until = newest.as_of_date, false) as is_in_force
    from versions
    left join dates_in_force on versions.model_version = dates_in_force.model_version
    cross join (
        select max(as_of_date) as as_of_date from as_of_dates
    ) as newest
)

select * from final
order by model_version
