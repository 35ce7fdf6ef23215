{#-
  Scores customers with frozen model versions: the select that labels every row of `customers`.

  A segment's score is bias + sum over features of inverse_variance * (z - centre)^2, which is -2 log density up to a
  constant all segments share; the label is the segment of the smallest score, ties go to the smallest segment number,
  and the margin is the softmax of -score / 2. z = (transform(x) - shift) / scale, all taken from the model, x
  being the model's impute_value where the feature is missing, and a bound of the model where it lies beyond it.

  Arguments:
    customers: relation with customer_unique_id, as_of_date, model_version and one column per scorable feature.
    segment_model: relation with one row per version, segment and feature, as the model segment_model.
    segments: relation with one row per version and segment and its bias, as the model segments.
    key_columns: the columns that tell the rows of `customers` apart.
    fitted: the name of the model that `segment_model` reads, where it has another.

  Returns: the key columns, model_version, segment_number, segment_margin,
    runner_up_segment_number (null where the version has one segment).
-#}
{% macro score_segments(
    customers, segment_model, segments, key_columns=["customer_unique_id", "as_of_date"], fitted=none
) %}
    {%- set features, slots = scored_features_and_slots(fitted or segment_model) -%}
    {%- set scores -%}
        {%- for slot in slots -%}score_{{ slot }}{{ ", " if not loop.last }}{%- endfor -%}
    {%- endset -%}
    with

    scorable_features as (
        {%- for feature in features %}
        {{ "union all " if not loop.first }}select '{{ feature }}' as feature
        {%- endfor %}
    ),

    -- What a version lacks, a feature or a slot, has no numbers, and nothing is computed of it.
    model_of_all_features as (
        select
            segments.model_version,
            segments.segment_number,
            segments.bias,
            scorable_features.feature,
            model.transform,
            model.shift,
            model.scale,
            model.impute_value,
            model.lower_bound,
            model.upper_bound,
            coalesce(model.centre, 0) as centre,
            coalesce(model.inverse_variance, 0) as inverse_variance
        from {{ segments }} as segments
        cross join scorable_features
        left join {{ segment_model }} as model
            on
                segments.model_version = model.model_version
                and segments.segment_number = model.segment_number
                and scorable_features.feature = model.feature
    ),

    model_one_row_a_version as (
        select
            model_version
            {%- for feature in features %}
            {%- for parameter in ["transform", "shift", "scale", "impute_value", "lower_bound", "upper_bound"] %},
            max(case when feature = '{{ feature }}' then {{ parameter }} end) as {{ feature }}__{{ parameter }}
            {%- endfor %}
            {%- endfor %}
            {%- for slot in slots %},
            max(case when segment_number = {{ slot }} then bias end) as bias_{{ slot }}
            {%- for feature in features %}
            {%- for parameter in ["centre", "inverse_variance"] %},
            max(case when segment_number = {{ slot }} and feature = '{{ feature }}' then {{ parameter }} end)
                as {{ feature }}__{{ parameter }}_{{ slot }}
            {%- endfor %}
            {%- endfor %}
            {%- endfor %}
        from model_of_all_features
        group by model_version
    ),

    standardised as (
        select
            {%- for key_column in key_columns %}
            customers.{{ key_column }},
            {%- endfor %}
            model_one_row_a_version.*
            {%- for feature in features %},
            {%- set known = "coalesce(cast(customers." ~ feature ~ " as double), " ~ feature ~ "__impute_value)" %}
            {#- greatest and least pass over a bound that is null #}
            {%- set above = "greatest(" ~ known ~ ", " ~ feature ~ "__lower_bound)" %}
            {%- set value = "least(" ~ above ~ ", " ~ feature ~ "__upper_bound)" %}
            ({{ transformed_value(value, feature ~ "__transform") }} - {{ feature }}__shift)
            / {{ feature }}__scale as {{ feature }}__z
            {%- endfor %}
        from {{ customers }} as customers
        inner join model_one_row_a_version on customers.model_version = model_one_row_a_version.model_version
    ),

    scored as (
        select
            {{ key_columns | join(", ") }},
            model_version
            {%- for slot in slots %},
            case
                when bias_{{ slot }} is not null
                    then bias_{{ slot }}
                    {%- for feature in features %}
                    {%- set distance = "(" ~ feature ~ "__z - " ~ feature ~ "__centre_" ~ slot ~ ")" %}
                    + case
                        when {{ feature }}__scale is not null
                            then {{ feature }}__inverse_variance_{{ slot }} * {{ distance }} * {{ distance }}
                        else 0
                    end
                    {%- endfor %}
            end as score_{{ slot }}
            {%- endfor %}
        from standardised
    ),

    best as (
        select
            *,
            least({{ scores }}) as best_score
        from scored
    ),

    labelled as (
        select
            *,
            case best_score
                {%- for slot in slots %}
                when score_{{ slot }} then {{ slot }}
                {%- endfor %}
            end as segment_number
        from best
    ),

    runner_up as (
        select
            *,
            least(
                {%- for slot in slots %}
                case when score_{{ slot }} is not null and segment_number <> {{ slot }} then score_{{ slot }} end
                {{- "," if not loop.last }}
                {%- endfor %}
            ) as second_score
        from labelled
    )

    select
        {{ key_columns | join(", ") }},
        model_version,
        cast(segment_number as integer) as segment_number,
        1 / (
            {%- for slot in slots %}
            {{ "+ " if not loop.first -}}
            case when score_{{ slot }} is not null then exp((best_score - score_{{ slot }}) / 2) else 0 end
            {%- endfor %}
        ) as segment_margin,
        cast(
            case
                {%- for slot in slots %}
                when score_{{ slot }} = second_score and segment_number <> {{ slot }} then {{ slot }}
                {%- endfor %}
            end as integer
        ) as runner_up_segment_number
    from runner_up
{% endmacro %}

{#-
  The features that scoring looks at, in the order in which they are added up, and the numbers of segments it compares:
  those that a version has. Of all that one may have, most would be null, and yet cost time on every row; on Spark, Java
  compiles no method as long as that.

  Arguments:
    fitted: name of the model with the versions, to which the calling model refers.

  Returns: the names of the features, and the numbers; all that a version may have while there is none.
-#}
{% macro scored_features_and_slots(fitted) %}
    {%- set features = feature_names() | sort -%}
    {%- set slots = range(1, checked_var("max_segments") + 1) | list -%}
    {#- A unit test gives versions of its own. -#}
    {%- if execute and model.resource_type != "unit_test" and load_cached_relation(ref(fitted)) -%}
        {%- set found = run_query("select feature, max(segment_number) from " ~ ref(fitted) ~ " group by feature") -%}
        {%- if found.rows -%}
            {#- The least of one number is an error on Spark. -#}
            {%- set last_slot = [2, found.columns[1].values() | max | int] | max -%}
            {%- set known = features | select("in", found.columns[0].values()) | list -%}
            {%- do return((known, range(1, last_slot + 1) | list)) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return((features, slots)) -%}
{% endmacro %}
