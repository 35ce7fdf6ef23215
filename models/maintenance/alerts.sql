{%- set text = dbt.type_string() -%}
{%- set rule = checked_var('alert_rule') -%}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

maintenance_contract as (
    select * from {{ ref('maintenance_contract') }}
),

forecast_drift as (
    select * from {{ ref('forecast_drift_monthly') }}
),

segment_profiles as (
    select * from {{ ref('segment_profiles_monthly') }}
),

campaigns as (
    select * from {{ ref('campaigns') }}
),

data_quality as (
    select * from {{ ref('data_quality') }}
),

build_warnings as (
    select * from {{ ref('build_warnings') }}
),

newest as (
    select
        as_of_date,
        previous_as_of_date
    from as_of_dates
    where is_newest
),

contract_in_force as (
    select * from maintenance_contract
    where is_the_contract
),

contract_broken as (
    select
        'contract_broken' as alert_name,
        'model version ' || cast(model_version as {{ text }}) as subject,
        case when is_overdue then due_date end as since,
        customer_count as affected_count,
        explanation as sentence,
        'Run olist-segments refit --dry-run to see what a refit would change, then olist-segments refit.' as action
    from contract_in_force
    where is_broken_today
),

contract_due as (
    select
        'contract_due' as alert_name,
        'model version ' || cast(model_version as {{ text }}) as subject,
        cast({{ dbt.dateadd('day', -rule.refit_due_within_days, 'due_date') }} as date) as since,
        customer_count as affected_count,
        explanation as sentence,
        'Find a day for the refit, and tell those who use the lists.' as action
    from contract_in_force
    where
        not is_broken_today
        and due_date <= {{ dbt.dateadd('day', rule.refit_due_within_days, 'as_of_date') }}
),

forecasts_off as (
    select
        'forecasts_off' as alert_name,
        contract_in_force.forecast_model as subject,
        forecast_drift.outcome_until as since,
        forecast_drift.customer_count as affected_count,
        contract_in_force.forecast_explanation as sentence,
        'Look at forecast_drift_monthly, and until then trust no list that is ordered by a forecast.' as action
    from contract_in_force
    left join forecast_drift on forecast_drift.is_newest
    where contract_in_force.is_forecast_off
),

-- A refit changes segments on purpose: only dates of one model version are compared.
segments_compared as (
    select
        before.segment_key,
        before.segment_name,
        before.as_of_date,
        before.customer_count as customers_before,
        coalesce(today.customer_count, 0) as customers_today
    from newest
    inner join segment_profiles as before on newest.previous_as_of_date = before.as_of_date
    inner join contract_in_force on before.model_version = contract_in_force.model_version
    left join segment_profiles as today
        on
            newest.as_of_date = today.as_of_date
            and before.segment_key = today.segment_key
            and before.model_version = today.model_version
),

segments_shrunk as (
    select
        'segment_shrank' as alert_name,
        segment_key as subject,
        as_of_date as since,
        customers_today as affected_count,
        segment_name || ' has ' || cast(customers_today as {{ text }})
        || case when customers_today = 1 then ' customer' else ' customers' end || ', after '
        || cast(customers_before as {{ text }}) || ' on ' || cast(as_of_date as {{ text }}) || '.' as sentence,
        'Look in segment_migrations_monthly where they went, and whether the files are complete.' as action
    from segments_compared
    where
        customers_before >= {{ var('few_customers') }}
        and customers_today <= (1 - {{ rule.segment_loss_share }}) * customers_before
        and customers_today < customers_before
),

campaigns_ended as (
    select
        'campaign_ended' as alert_name,
        campaigns.campaign as subject,
        campaigns.outcome_until as since,
        campaigns.customer_count as affected_count,
        'The campaign ' || campaigns.campaign || ' ended on ' || cast(campaigns.outcome_until as {{ text }}) || '. '
        || campaigns.finding as sentence,
        'Read campaign_results, and decide whether it is worth another round.' as action
    from campaigns
    cross join newest
    where
        campaigns.is_complete
        and (
            campaigns.outcome_until > newest.previous_as_of_date
            or campaigns.outcome_until
            >= {{ dbt.dateadd('day', -rule.campaign_ended_within_days, 'newest.as_of_date') }}
        )
),

unexpected_rows as (
    select
        'unexpected_rows' as alert_name,
        table_name || '.' || rule_name as subject,
        cast(null as date) as since,
        affected_rows as affected_count,
        cast(affected_rows as {{ text }}) || ' of ' || cast(checked_rows as {{ text }}) || ' in ' || table_name
        || ' break the rule ' || rule_name || ': ' || breach || '.' as sentence,
        'Ask where they come from. What the build did: ' || treatment || '.' as action
    from data_quality
    where is_unexpected and affected_rows > 0
),

warnings as (
    select
        'build_warning' as alert_name,
        warning_name as subject,
        cast(null as date) as since,
        affected_count,
        sentence,
        'If that is as it should be, add build_warning:' || warning_name || ' to vars: muted_alerts.' as action
    from build_warnings
    where severity = 'warning'
),

found as (
    {%- for kind in [
        'contract_broken',
        'contract_due',
        'forecasts_off',
        'segments_shrunk',
        'campaigns_ended',
        'unexpected_rows',
        'warnings',
    ] %}
    {{ "union all" if not loop.first }}
    select * from {{ kind }}
    {%- endfor %}
),

final as (
    select
        found.alert_name,
        found.subject,
        newest.as_of_date,
        found.since,
        cast(found.affected_count as bigint) as affected_count,
        found.sentence,
        found.action
    from found
    cross join newest
    where
        not {{ is_among('found.alert_name', var('muted_alerts')) }}
        and not {{ is_among("found.alert_name || ':' || found.subject", var('muted_alerts')) }}
)

select * from final
order by alert_name, subject, sentence
