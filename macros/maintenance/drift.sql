{#-
  How many customers have which value of which feature: one select per feature of the var `features`, put together.

  Arguments:
    relation: relation with one row per customer (and whatever the keys say) and one column per feature.
    keys: list of columns to count by.

  Returns: the keys, feature, value (double, raw unit, null where missing), customer_count.
-#}
{% macro feature_value_counts(relation, keys) %}
    {%- for feature in feature_names() | sort %}
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
  Whether somebody bought recently: the customers in whom a change of behaviour shows at once.

  Arguments:
    recency_days: SQL expression, days since the last valid purchase.
-#}
{% macro is_recent_buyer(recency_days="recency_days") -%}
    {{ recency_days }} < {{ checked_var("drift_recent_buyer_days") }}
{%- endmacro %}

{#-
  A value on the scale of its feature: the transform that the var `features` names for it.

  Arguments:
    feature, value: SQL expressions, the name of a feature and a raw value of it.
-#}
{% macro on_feature_scale(feature, value) -%}
    case {{ feature }}
        {%- for name, transform in feature_transforms().items() %}
        when {{ sql_text(name) }}
            then {{ transform_formulas(value)[transform] }}
        {%- endfor %}
    end
{%- endmacro %}

{#-
  The share of a bin with half a customer added to every bin, so that an empty bin has a logarithm.

  Arguments:
    bin_count, total, bin_total: SQL expressions, customers in the bin, in all bins, and the number of bins.
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
  mean and two standard deviations. Nothing where the customers are many, nearly everything where they are few.

  Arguments:
    bin_total, count, other_count: SQL expressions, the number of bins and of customers on either side.
-#}
{% macro psi_by_chance(bin_total, count, other_count) -%}
    (
        ({{ bin_total }} - 1 + 2 * sqrt(cast(2 * ({{ bin_total }} - 1) as double)))
        * (1 / cast({{ count }} as double) + 1 / cast({{ other_count }} as double))
    )
{%- endmacro %}

{#-
  The drift between every two dates that one model version labelled, or whose values fall into its bins.

  Arguments:
    shares: relation with model_version, the keys, as_of_date, the part, its number of parts, total (customers of the
      date) and smoothed_share.
    keys: list of columns that are compared each by itself.
    part, part_total: the column of the bin or segment, and that of how many there are.

  Returns: model_version, the keys, as_of_date, earlier_date, psi, psi_by_chance.
-#}
{% macro psi_between_dates(shares, keys, part, part_total) %}
{%- set columns = ["model_version"] + keys -%}
select
    {%- for column in columns %}
    later.{{ column }},
    {%- endfor %}
    later.as_of_date,
    earlier.as_of_date as earlier_date,
    {{ population_stability_index("later.smoothed_share", "earlier.smoothed_share") }} as psi,
    {{ psi_by_chance("max(later." ~ part_total ~ ")", "max(later.total)", "max(earlier.total)") }} as psi_by_chance
from {{ shares }} as later
inner join {{ shares }} as earlier
    on
        {%- for column in columns + [part] %}
        {{ "and " if not loop.first }}later.{{ column }} = earlier.{{ column }}
        {%- endfor %}
        and later.as_of_date > earlier.as_of_date
group by {% for column in columns %}later.{{ column }}, {% endfor %}later.as_of_date, earlier.as_of_date
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
    pairs: relation with the keys, months_apart, psi and psi_by_chance, one row per pair of dates.
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
  Measured drift with its bands and its status, the one judgement of features and of shares. A band begins at what
  chance alone makes of so many customers plus the margin that drift_bands gave. The distance from the fit is judged
  after the fit only, by the band of dates as far apart (the rest of the month of the fit counts as one month); the step
  from the date before is always judged, by the band of neighbouring dates. The status is the worse of the two.

  Arguments:
    psi: relation with model_version, the keys, as_of_date, earlier_date (null where the date is compared with the fit),
      psi and psi_by_chance.
    as_of_dates: relation with the columns of the model as_of_dates.
    versions: relation with the columns of the model segment_versions.
    keys: list of columns that tell the things measured apart, besides the version.
    is_of_any_version: true where what one version measured between two dates is history, or the step, for another too.

  Returns: as_of_date, model_version, the keys, months_from_fit, psi, psi_by_chance, psi_step and psi_step_by_chance
    (null on the first date), watch_from, act_from, calibration_pairs (null up to the fit), step_watch_from,
    step_act_from, step_calibration_pairs (null without a step), severity, drift_status; one row per date, by the
    version in force on it, and key.
-#}
{% macro judge_drift(psi, as_of_dates, versions, keys, is_of_any_version=false) %}
    {%- set uncalibrated = checked_var("drift_bands") -%}
    {%- set keys_of_version = ["model_version"] + keys -%}
    with

    dates_in_force as (
        select
            dates.as_of_date,
            dates.previous_as_of_date,
            versions.model_version,
            dates.as_of_date > versions.data_as_of as is_after_fit,
            {{ months_between_dates('versions.data_as_of', 'dates.as_of_date') }} as months_from_fit
        from {{ as_of_dates }} as dates
        inner join {{ versions }} as versions
            on dates.as_of_date between versions.in_force_from and versions.in_force_until
    ),

    -- What was usual up to the fit, between month ends so many months apart.
    history_pairs as (
        select
            versions.model_version,
            {%- for key in keys %}
            pairs.{{ key }},
            {%- endfor %}
            {{ months_between_dates('pairs.earlier_date', 'pairs.as_of_date') }} as months_apart,
            pairs.psi,
            pairs.psi_by_chance
        from {{ psi }} as pairs
        inner join {{ versions }} as versions
            on
                pairs.as_of_date <= versions.data_as_of
                {%- if not is_of_any_version %}
                and pairs.model_version = versions.model_version
                {%- endif %}
        inner join {{ as_of_dates }} as dates
            on
                pairs.as_of_date = dates.as_of_date
                and dates.is_month_end
        where pairs.earlier_date is not null
    ),

    bands as (
        {{ drift_bands('history_pairs', keys_of_version) | indent(8) }}
    ),

    measured as (
        select
            dates_in_force.as_of_date,
            dates_in_force.model_version,
            {%- for key in keys %}
            from_fit.{{ key }},
            {%- endfor %}
            dates_in_force.months_from_fit,
            dates_in_force.is_after_fit,
            from_fit.psi,
            from_fit.psi_by_chance,
            steps.psi as psi_step,
            steps.psi_by_chance as psi_step_by_chance
        from dates_in_force
        inner join {{ psi }} as from_fit
            on
                dates_in_force.model_version = from_fit.model_version
                and dates_in_force.as_of_date = from_fit.as_of_date
                and from_fit.earlier_date is null
        left join {{ psi }} as steps
            on
                dates_in_force.as_of_date = steps.as_of_date
                and dates_in_force.previous_as_of_date = steps.earlier_date
                {%- if not is_of_any_version %}
                and from_fit.model_version = steps.model_version
                {%- endif %}
                {%- for key in keys %}
                and from_fit.{{ key }} = steps.{{ key }}
                {%- endfor %}
    ),

    banded as (
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
        from measured
        left join bands
            on
                greatest(measured.months_from_fit, 1) = bands.months_apart
                {%- for key in keys_of_version %}
                and measured.{{ key }} = bands.{{ key }}
                {%- endfor %}
        left join bands as step_bands
            on
                step_bands.months_apart = 1
                {%- for key in keys_of_version %}
                and measured.{{ key }} = step_bands.{{ key }}
                {%- endfor %}
    )

    select
        as_of_date,
        {{ keys_of_version | join(", ") }},
        months_from_fit,
        psi,
        psi_by_chance,
        psi_step,
        psi_step_by_chance,
        watch_from,
        act_from,
        calibration_pairs,
        step_watch_from,
        step_act_from,
        step_calibration_pairs,
        greatest(coalesce(psi / act_from, 0), coalesce(psi_step / step_act_from, 0)) as severity,
        case
            when psi >= act_from or psi_step >= step_act_from then 'act'
            when psi >= watch_from or psi_step >= step_watch_from then 'watch'
            else 'calm'
        end as drift_status
    from banded
{% endmacro %}
