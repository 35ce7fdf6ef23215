with

feature_drift as (
    select * from {{ ref('feature_drift_monthly').include(database=false) }}
),

share_drift as (
    select * from {{ ref('segment_share_drift_monthly').include(database=false) }}
),

contract as (
    select * from {{ ref('maintenance_contract').include(database=false) }}
),

newest as (
    select as_of_date from {{ ref('as_of_dates').include(database=false) }}
    where is_newest
),

findings as (
    select
        1 as topic_number,
        'age of the model, days' as topic,
        'model version ' || cast(model_version as {{ dbt.type_string() }}) as subject,
        'everybody' as population,
        cast(model_age_days as double) as distance_from_fit,
        cast(refit_interval_days as double) as act_from,
        cast(null as double) as distance_from_last_month,
        cast(null as double) as step_act_from,
        cast(null as double) as severity,
        case when is_broken_today then 'the contract asks for a refit' else 'the contract holds' end as verdict
    from contract
    where is_the_contract

    union all

    select
        2 as topic_number,
        'shares of the segments, PSI' as topic,
        coalesce(share_drift.most_changed_segment_key, 'none') as subject,
        share_drift.population,
        share_drift.psi as distance_from_fit,
        share_drift.act_from,
        share_drift.psi_step as distance_from_last_month,
        share_drift.step_act_from,
        share_drift.severity,
        share_drift.drift_status as verdict
    from share_drift
    inner join newest on share_drift.as_of_date = newest.as_of_date

    union all

    select
        3 as topic_number,
        case feature_drift.aspect
            when 'missing' then 'missing values of a feature, PSI'
            else 'values of a feature, PSI'
        end as topic,
        feature_drift.feature as subject,
        feature_drift.population,
        feature_drift.psi as distance_from_fit,
        feature_drift.act_from,
        feature_drift.psi_step as distance_from_last_month,
        feature_drift.step_act_from,
        feature_drift.severity,
        feature_drift.drift_status as verdict
    from feature_drift
    inner join newest on feature_drift.as_of_date = newest.as_of_date
    where feature_drift.is_in_model
),

final as (
    select
        topic_number,
        topic,
        subject,
        population,
        distance_from_fit,
        act_from,
        distance_from_last_month,
        step_act_from,
        severity,
        verdict
    from findings
)

select * from final
order by topic_number, severity desc nulls last, topic, subject, population
