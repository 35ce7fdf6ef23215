{#-
  The smallest effects that a comparison of two groups drawn at random can show: with 80 % power at a significance of
  5 %, two-sided. A smaller effect may be there, but the comparison would miss it more often than that.
-#}

{#- The quantiles of the normal distribution behind both: 97.5 % (significance) and 80 % (power). -#}
{% macro detection_quantiles() -%}
    (1.959963984540054 + 0.8416212335729143)
{%- endmacro %}

{#-
  The smallest rate above a base rate that can be told from it, by Cohen's (1988) effect size h, the difference of
  2 asin(sqrt(p)). Up from 1 %, 1.2 % needs some 43,000 customers in each group. At most 1.

  Arguments:
    base_rate: SQL expression, the rate without treatment, 0 to 1.
    count, other_count: SQL expressions, customers of either group, more than 0.
-#}
{% macro smallest_detectable_rate(base_rate, count, other_count) -%}
    power(
        sin(
            least(
                asin(sqrt({{ base_rate }}))
                + {{ detection_quantiles() }} / 2
                * sqrt(1 / cast({{ count }} as double) + 1 / cast({{ other_count }} as double)),
                1.5707963267948966
            )
        ), 2
    )
{%- endmacro %}

{#-
  The smallest difference of two means that can be told from none.

  Arguments:
    standard_deviation: SQL expression, of the single customers, in the unit of the means.
    count, other_count: SQL expressions, customers of either group, more than 0.
-#}
{% macro smallest_detectable_mean_difference(standard_deviation, count, other_count) -%}
    {{ detection_quantiles() }} * {{ standard_deviation }}
    * sqrt(1 / cast({{ count }} as double) + 1 / cast({{ other_count }} as double))
{%- endmacro %}
