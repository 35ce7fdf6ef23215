with

newest as (
    select as_of_date from {{ ref('as_of_dates') }}
    where is_newest
),

final as (
    select
        as_of_date,
        cast({{ checked_var('control_group_share') }} as double) as control_group_share,
        cast(extract(year from as_of_date) as {{ dbt.type_string() }}) || 'Q'
        || cast(extract(quarter from as_of_date) as {{ dbt.type_string() }}) as control_group_quarter,
        cast({{ checked_var('contact_cooldown_days') }} as integer) as contact_cooldown_days,
        cast({{ checked_var('outcome_days') }} as integer) as outcome_days,
        cast({{ checked_var('holdout_share') }} as double) as holdout_share,
        {{ sql_text(checked_var('campaign_salt')) }} as campaign_salt,
        cast({{ checked_var('audience_max_change_share') }} as double) as audience_max_change_share,
        cast({{ checked_var('few_customers') }} as integer) as few_customers
    from newest
)

select * from final
order by as_of_date
