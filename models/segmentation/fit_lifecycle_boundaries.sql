{{ config(materialized='incremental', incremental_strategy='append') }}
{%- set default_days = checked_var('lifecycle_default_days') %}

with

versions as (
    select * from {{ ref('segment_versions') }}
    {% if is_incremental() -%}
        where model_version not in (select held.model_version from {{ this }} as held)
    {%- endif %}
),

purchases as (
    select * from {{ ref('purchases') }}
),

boundaries_wanted as (
    {%- for share in checked_var('lifecycle_return_shares') %}
    {{ "union all" if not loop.first }}
    select
        {{ loop.index }} as boundary_number,
        cast({{ share }} as double) as return_share,
        {{ default_days[loop.index0] }} as default_days
    {%- endfor %}
),

purchase_days as (
    select distinct
        versions.model_version,
        versions.data_as_of,
        purchases.customer_unique_id,
        purchases.purchase_date
    from purchases
    inner join versions on purchases.purchase_date <= versions.data_as_of
),

-- From each purchase day to the next, or so far: a wait that no purchase has ended is censored.
waits as (
    select
        model_version,
        data_as_of,
        purchase_date,
        lead(purchase_date) over (
            partition by model_version, customer_unique_id order by purchase_date nulls last
        ) as next_purchase_date
    from purchase_days
),

waits_by_length as (
    select
        model_version,
        {{ dbt.datediff('purchase_date', 'coalesce(next_purchase_date, data_as_of)', 'day') }} as days,
        count(*) as wait_count,
        count(next_purchase_date) as return_count
    from waits
    group by 1, 2
),

waits_at_risk as (
    select
        model_version,
        days,
        return_count,
        sum(wait_count) over (
            partition by model_version order by days desc nulls last
            rows between unbounded preceding and current row
        ) as at_risk_count
    from waits_by_length
),

-- Kaplan and Meier (1958): the share still waiting is the product of the shares that got through each day.
return_curve as (
    select
        model_version,
        days,
        return_count,
        1 - exp(
            cast(
                sum(
                    cast(
                        case
                            when at_risk_count > return_count
                                then ln(cast(at_risk_count - return_count as double) / cast(at_risk_count as double))
                            -- Nobody is left: as good as minus infinity.
                            else -50
                        end as decimal(28, 15)
                    )
                ) over (
                    partition by model_version order by days nulls last
                    rows between unbounded preceding and current row
                ) as double
            )
        ) as returned_share
    from waits_at_risk
    where return_count > 0 and days <= 365
),

returns_within_a_year as (
    select
        versions.model_version,
        versions.data_as_of,
        coalesce(sum(return_curve.return_count), 0) as return_count,
        max(return_curve.returned_share) as returned_share
    from versions
    left join return_curve on versions.model_version = return_curve.model_version
    group by 1, 2
),

-- The tolerance lets shares that are equal but for rounding be equal on every engine.
boundaries_reached as (
    select
        returns_within_a_year.model_version,
        returns_within_a_year.data_as_of,
        returns_within_a_year.return_count,
        boundaries_wanted.boundary_number,
        boundaries_wanted.return_share,
        boundaries_wanted.default_days,
        min(
            case
                when
                    return_curve.returned_share
                    >= boundaries_wanted.return_share * returns_within_a_year.returned_share - 1e-9
                    then return_curve.days
            end
        ) as curve_days
    from returns_within_a_year
    cross join boundaries_wanted
    left join return_curve on returns_within_a_year.model_version = return_curve.model_version
    group by 1, 2, 3, 4, 5, 6
),

boundaries as (
    select
        *,
        return_count >= {{ checked_var('lifecycle_min_returns') }} as is_of_curve,
        case
            when return_count >= {{ checked_var('lifecycle_min_returns') }} then curve_days else default_days
        end as days_before_ties
    from boundaries_reached
),

final as (
    select
        model_version,
        cast(boundary_number as integer) as boundary_number,
        case when is_of_curve then return_share end as return_share,
        -- Of boundaries on one day, the later ones are a day further each.
        cast(
            boundary_number + max(days_before_ties - boundary_number) over (
                partition by model_version order by boundary_number nulls last
                rows between unbounded preceding and current row
            ) as integer
        ) as days,
        case when is_of_curve then 'return curve' else 'default' end as boundary_source,
        cast(return_count as integer) as return_count,
        data_as_of
    from boundaries
)

select * from final
order by model_version, boundary_number
