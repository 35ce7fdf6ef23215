{{ config(materialized='incremental', incremental_strategy='append') }}

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

final as (
    {{ return_curve_boundaries('purchases', 'versions', 'model_version') | indent(4) }}
)

select * from final
order by model_version, boundary_number
