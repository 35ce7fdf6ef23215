{#-
  How many people have which value of which feature: one select a feature of `feature_transforms`, put together.

  Arguments:
    relation: relation with one row a person (and whatever the keys say) and one column a feature.
    keys: list of columns to count by.

  Returns: the keys, feature, value (double, raw unit, null where missing), customer_count.
-#}
{% macro feature_value_counts(relation, keys) %}
    {%- for feature in checked_var("feature_transforms").keys() | sort %}
    {{ "union all" if not loop.first }}
    select
        {{ keys | join(", ") }},
        {{ sql_text(feature) }} as feature,
        cast({{ feature }} as double) as value,
        count(*) as customer_count
    from {{ relation }}
    group by {{ keys | join(", ") }}, cast({{ feature }} as double)
    {%- endfor %}
{% endmacro %}

{#-
  A value on the scale of its feature: the transform that `feature_transforms` names for it.

  Arguments:
    feature, value: SQL expressions, the name of a feature and a raw value of it.
-#}
{% macro on_feature_scale(feature, value) -%}
    case {{ feature }}
        {%- for name, transform in checked_var("feature_transforms").items() %}
        when {{ sql_text(name) }}
            then {{ transform_formulas(value)[transform] }}
        {%- endfor %}
    end
{%- endmacro %}

{#-
  The share of a bin with half a person added to every bin, so that an empty bin has a logarithm.

  Arguments:
    bin_count, total, bin_total: SQL expressions, people in the bin, in all bins, and the number of bins.
-#}
{% macro smoothed_share(bin_count, total, bin_total) -%}
    ((cast({{ bin_count }} as double) + 0.5) / (cast({{ total }} as double) + 0.5 * {{ bin_total }}))
{%- endmacro %}

{#-
  An aggregate over bins, the population stability index sum((p - q) * ln(p / q)); 0 is the same distribution. It is
  added up in decimals, so that the order of the rows can't change a digit.

  Arguments:
    share, earlier_share: SQL expressions, smoothed shares of a bin, never 0.
-#}
{% macro population_stability_index(share, earlier_share) -%}
    cast(
        sum(cast(({{ share }} - {{ earlier_share }}) * ln({{ share }} / {{ earlier_share }}) as decimal(38, 15)))
        as double
    )
{%- endmacro %}

{#-
  The PSI that chance alone seldom exceeds when both sides are drawn from one distribution: it is then about
  (1 / n + 1 / m) times a chi-squared of bins - 1 degrees of freedom (Yurdakul and Naranjo 2020), of which this is the
  mean and two standard deviations. Nothing where the people are many, nearly everything where they are few.

  Arguments:
    bin_total, count, other_count: SQL expressions, the number of bins and of people on either side.
-#}
{% macro psi_by_chance(bin_total, count, other_count) -%}
    (
        ({{ bin_total }} - 1 + 2 * sqrt(cast(2 * ({{ bin_total }} - 1) as double)))
        * (1 / cast({{ count }} as double) + 1 / cast({{ other_count }} as double))
    )
{%- endmacro %}

{#-
  Whole months from one date to another, by the calendar.

  Arguments:
    earlier, later: SQL expressions, dates.
-#}
{% macro months_between_dates(earlier, later) -%}
    cast(
        (year({{ later }}) - year({{ earlier }})) * 12 + month({{ later }}) - month({{ earlier }}) as integer
    )
{%- endmacro %}

{#-
  How far above chance a PSI may be: median + deviations * 1.4826 * median absolute deviation of what the PSI between
  all pairs of dates that lay so many months apart was above chance, never below the floor; the customary limits where
  the pairs are few.

  Arguments:
    pairs: relation with the keys, months_apart, psi and psi_by_chance, one row a pair of dates.
    keys: list of columns that tell the calibrations apart.
    bands: what the var drift_bands may be; that var where it is not given.

  Returns: the keys, months_apart, calibration_pairs, watch_margin, act_margin.
-#}
{% macro drift_bands(pairs, keys, bands=none) %}
    {%- set bands = bands or checked_var("drift_bands") -%}
    {%- set excess = "greatest(psi - psi_by_chance, 0)" -%}
    select
        {{ keys | join(", ") }}{{ "," if keys }}
        months_apart,
        cast(max(pair_count) as integer) as calibration_pairs,
        {%- for band in ["watch", "act"] %}
        cast(
            case
                when max(pair_count) >= {{ bands.min_pairs }}
                    then greatest(
                        {{ bands[band ~ "_floor"] }},
                        max(median_excess) + {{ bands[band ~ "_deviations"] }} * 1.4826
                        * percentile_cont(0.5) within group (order by abs(excess - median_excess))
                    )
                else {{ bands[band ~ "_uncalibrated"] }}
            end as double
        ) as {{ band }}_margin{{ "," if not loop.last }}
        {%- endfor %}
    from (
        select
            {% for key in keys -%}
            pairs.{{ key }},
            {% endfor -%}
            pairs.months_apart,
            {{ excess }} as excess,
            medians.pair_count,
            medians.median_excess
        from {{ pairs }} as pairs
        inner join (
            select
                {{ keys | join(", ") }}{{ "," if keys }}
                months_apart,
                count(*) as pair_count,
                percentile_cont(0.5) within group (order by {{ excess }}) as median_excess
            from {{ pairs }}
            group by {{ keys | join(", ") }}{{ "," if keys }} months_apart
        ) as medians
            on
                pairs.months_apart = medians.months_apart
                {%- for key in keys %}
                and pairs.{{ key }} = medians.{{ key }}
                {%- endfor %}
    ) as excesses
    group by {{ keys | join(", ") }}{{ "," if keys }} months_apart
{% endmacro %}

{#-
  Measured drift with its bands and its verdict. A band begins at what chance alone makes of so many people plus the
  margin that drift_bands gave. The distance from the fit is judged after the fit only, by the band of dates as far
  apart (the rest of the month of the fit counts as one month); the step from the date before is always judged, by the
  band of neighbouring dates. The verdict is the worse of the two.

  Arguments:
    measured: relation with the keys, months_from_fit, is_after_fit, psi, psi_by_chance, psi_step and
      psi_step_by_chance (the last two null on the first date).
    bands: relation that drift_bands gave.
    keys: list of columns that tell the calibrations apart.

  Returns: the columns of `measured`, watch_from, act_from, calibration_pairs (null up to the fit), step_watch_from,
    step_act_from, step_calibration_pairs (null without a step), severity, verdict.
-#}
{% macro judge_drift(measured, bands, keys) %}
    {%- set uncalibrated = checked_var("drift_bands") -%}
    select
        banded.*,
        greatest(coalesce(psi / act_from, 0), coalesce(psi_step / step_act_from, 0)) as severity,
        case
            when psi >= act_from or psi_step >= step_act_from then 'act'
            when psi >= watch_from or psi_step >= step_watch_from then 'watch'
            else 'calm'
        end as verdict
    from (
        select
            measured.*,
            {%- for prefix, chance, condition in [
                ("", "psi_by_chance", "measured.is_after_fit"),
                ("step_", "psi_step_by_chance", "measured.psi_step is not null"),
            ] %}
            {%- for band in ["watch", "act"] %}
            case
                when {{ condition }}
                    then measured.{{ chance }}
                    + coalesce({{ prefix }}bands.{{ band }}_margin, {{ uncalibrated[band ~ "_uncalibrated"] }})
            end as {{ prefix }}{{ band }}_from,
            {%- endfor %}
            case when {{ condition }} then coalesce({{ prefix }}bands.calibration_pairs, 0) end
                as {{ prefix }}calibration_pairs
            {{- "," if not loop.last }}
            {%- endfor %}
        from {{ measured }} as measured
        left join {{ bands }} as bands
            on
                greatest(measured.months_from_fit, 1) = bands.months_apart
                {%- for key in keys %}
                and measured.{{ key }} = bands.{{ key }}
                {%- endfor %}
        left join {{ bands }} as step_bands
            on
                step_bands.months_apart = 1
                {%- for key in keys %}
                and measured.{{ key }} = step_bands.{{ key }}
                {%- endfor %}
    ) as banded
{% endmacro %}
