{#-
  The boundaries of the stages of life, read off the return curve as it was on a date: of each date its own.

  Arguments:
    purchases: relation, as the model purchases.
    dates: relation with data_as_of and the key.
    key: column of `dates` that tells its rows apart.

  Returns: the key, boundary_number, return_share, days, boundary_source, return_count, data_as_of.
-#}
{% macro return_curve_boundaries(purchases, dates, key) -%}
    {%- set default_days = checked_var('lifecycle_default_days') -%}
    with

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
            dates.{{ key }},
            dates.data_as_of,
            purchases.customer_unique_id,
            purchases.purchase_date
        from {{ purchases }} as purchases
        inner join {{ dates }} as dates on purchases.purchase_date <= dates.data_as_of
    ),

    -- From each purchase day to the next, or so far: a wait that no purchase has ended is censored.
    waits as (
        select
            {{ key }},
            data_as_of,
            purchase_date,
            lead(purchase_date) over (
                partition by {{ key }}, customer_unique_id order by purchase_date nulls last
            ) as next_purchase_date
        from purchase_days
    ),

    waits_by_length as (
        select
            {{ key }},
            {{ dbt.datediff('purchase_date', 'coalesce(next_purchase_date, data_as_of)', 'day') }} as days,
            count(*) as wait_count,
            count(next_purchase_date) as return_count
        from waits
        group by 1, 2
    ),

    waits_at_risk as (
        select
            {{ key }},
            days,
            return_count,
            sum(wait_count) over (
                partition by {{ key }} order by days desc nulls last
                rows between unbounded preceding and current row
            ) as at_risk_count
        from waits_by_length
    ),

    -- Kaplan and Meier (1958): the share still waiting is the product of the shares that got through each day.
    return_curve as (
        select
            {{ key }},
            days,
            return_count,
            1 - exp(
                cast(
                    sum(
                        cast(
                            case
                                when at_risk_count > return_count
                                    then ln(
                                        cast(at_risk_count - return_count as double) / cast(at_risk_count as double)
                                    )
                                -- Nobody is left: as good as minus infinity.
                                else -50
                            end as decimal(28, 15)
                        )
                    ) over (
                        partition by {{ key }} order by days nulls last
                        rows between unbounded preceding and current row
                    ) as double
                )
            ) as returned_share
        from waits_at_risk
        where return_count > 0 and days <= 365
    ),

    returns_within_a_year as (
        select
            dates.{{ key }},
            dates.data_as_of,
            coalesce(sum(return_curve.return_count), 0) as return_count,
            max(return_curve.returned_share) as returned_share
        from {{ dates }} as dates
        left join return_curve on dates.{{ key }} = return_curve.{{ key }}
        group by 1, 2
    ),

    -- The tolerance lets shares that are equal but for rounding be equal on every engine.
    boundaries_reached as (
        select
            returns_within_a_year.{{ key }},
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
        left join return_curve on returns_within_a_year.{{ key }} = return_curve.{{ key }}
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
    )

    select
        {{ key }},
        cast(boundary_number as integer) as boundary_number,
        case when is_of_curve then return_share end as return_share,
        -- Of boundaries on one day, the later ones are a day further each.
        cast(
            boundary_number + max(days_before_ties - boundary_number) over (
                partition by {{ key }} order by boundary_number nulls last
                rows between unbounded preceding and current row
            ) as integer
        ) as days,
        case when is_of_curve then 'return curve' else 'default' end as boundary_source,
        cast(return_count as integer) as return_count,
        data_as_of
    from boundaries
{%- endmacro %}
