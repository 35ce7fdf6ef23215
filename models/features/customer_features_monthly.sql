{{
    config(
        materialized='incremental' if target.type == 'duckdb' else 'table',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        pre_hook="{{ drop_dates_whose_inputs_changed() }}"
    )
}}

with

digests as (
    select * from {{ ref('as_of_date_digests') }}
    {% if is_incremental() -%}
        where as_of_date not in (select built.as_of_date from {{ this }} as built)
    {%- endif %}
),

purchases as (
    select * from {{ ref('purchases') }}
),

reviews as (
    select * from {{ ref('reviews') }}
),

features as (
    {{ customer_features_at('digests', 'purchases', 'reviews') | indent(4) }}
),

final as (
    select
        features.*,
        digests.inputs_digest,
        digests.is_newest
    from features
    inner join digests on features.as_of_date = digests.as_of_date
)

select * from final
order by as_of_date, customer_unique_id
