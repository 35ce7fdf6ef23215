{#-
  Before an incremental build of customer_features_monthly: removes the rows from the first date on whose inputs are not
  those of as_of_date_digests, so that the build computes them again. Does nothing on a first build or full refresh.
-#}
{% macro drop_dates_whose_inputs_changed() -%}
    {%- if execute and is_incremental() -%}
        {%- set columns = adapter.get_columns_in_relation(this) | map(attribute="name") | list -%}
        {%- if "inputs_digest" in columns and "is_newest" in columns -%}
            delete from {{ this }}
            where as_of_date >= (
                select min(coalesce(built.as_of_date, digests.as_of_date))
                from (select distinct as_of_date, inputs_digest, is_newest from {{ this }}) as built
                full outer join {{ ref("as_of_date_digests") }} as digests
                    on
                        built.as_of_date = digests.as_of_date
                        and built.inputs_digest = digests.inputs_digest
                        and built.is_newest = digests.is_newest
                where built.as_of_date is null or digests.as_of_date is null
            )
        {%- else -%}
            {#- Built before dates had digests, or said which of them is the newest. -#}
            delete from {{ this }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
