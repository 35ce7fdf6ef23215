{#-
  The columns of forecast_features that a forecast may have been fitted on: the terms that scoring knows. Those whose
  column says is_term; a term that is added there is added here.
-#}
{% macro forecast_terms() %}
    {% do return([
        "come_back_ln_recency", "delivery_tens", "first_freight_share", "first_ln_instalments", "has_come_back",
        "late_share", "ln_items", "ln_orders", "ln_purchase_days", "ln_recency", "ln_spend", "nothing_delivered",
        "recency_hundreds", "recency_up_to_90", "review_missing", "review_score_centred",
    ]) %}
{% endmacro %}

{#-
  A parameter of a set of forecast_model that has one value, for queries grouped by set.

  Arguments:
    part, term: what it is called there.
    value: SQL expression of forecast_model.
-#}
{% macro forecast_parameter(part, term, value="coefficient") -%}
    max(case when part = '{{ part }}' and term = '{{ term }}' and level = '' then {{ value }} end)
{%- endmacro %}

{#-
  Scores customers with frozen parameters: the select behind every forecast.

  A logistic regression: probability = 1 / (1 + exp(-z)), z = intercept + sum of coefficient * (x - shift) / scale,
  added in the order of forecast_terms(), so that the last bit is the same on every build. A rule of thumb: the past
  rate of the customer's group, that of everybody for a group never seen. A purchase process (BG/NBD, MBG/NBD): looked
  up by the three numbers that it knows of a customer.

  Arguments:
    customers: relation with the columns of forecast_features, forecast_version and fitted_on: the set that forecasts.
    forecast_model: relation, as the model of this name.
    forecast_lookup: relation, as the model fit_forecast_lookup.

  Returns: customer_unique_id, as_of_date, is_newest, forecast_version, fitted_on, order_probability, expected_orders,
    expected_revenue, expected_orders_365_days, expected_revenue_365_days; null where the set knows nothing.
-#}
{% macro score_forecasts(customers, forecast_model, forecast_lookup) %}
    with

    parameters as (
        select
            forecast_version,
            fitted_on,
            {{ forecast_parameter('terms', 'intercept') }} as intercept,
            {%- for term in forecast_terms() %}
            coalesce({{ forecast_parameter('terms', term, 'coefficient / scale') }}, 0) as {{ term }}__weight,
            coalesce({{ forecast_parameter('terms', term, 'shift') }}, 0) as {{ term }}__shift,
            {%- endfor %}
            max(case when part = 'group' then term end) as group_term,
            max(case when part = 'group' and level = '' then coefficient end) as share_of_everybody,
            {{ forecast_parameter('amount', 'orders_per_return') }} as orders_per_return,
            {{ forecast_parameter('amount', 'spend_intercept') }} as spend_intercept,
            {{ forecast_parameter('amount', 'spend_slope') }} as spend_slope,
            {{ forecast_parameter('year', 'orders_ratio') }} as year_ratio_of_everybody,
            {{ forecast_parameter('purchase_process', 'p') }} as value_p,
            {{ forecast_parameter('purchase_process', 'q') }} as value_q,
            {{ forecast_parameter('purchase_process', 'gamma') }} as value_gamma
        from {{ forecast_model }}
        group by forecast_version, fitted_on
    ),

    levels as (
        select
            forecast_version,
            fitted_on,
            part,
            level,
            coefficient
        from {{ forecast_model }}
        where part in ('group', 'year') and level <> ''
    ),

    found as (
        select
            customers.customer_unique_id,
            customers.as_of_date,
            customers.is_newest,
            customers.forecast_version,
            customers.fitted_on,
            customers.average_day_value,
            customers.purchase_day_count - 1 as repeat_day_count,
            coalesce(customers.repeat_day_value, 0) as repeat_day_value,
            case
                when parameters.intercept is not null
                    then
                        1 / (
                            1 + exp(
                                -(
                                    parameters.intercept
                                    {%- for term in forecast_terms() %}
                                    + parameters.{{ term }}__weight
                                    * (customers.{{ term }} - parameters.{{ term }}__shift)
                                    {%- endfor %}
                                )
                            )
                        )
                when parameters.group_term is not null
                    then coalesce(group_levels.coefficient, parameters.share_of_everybody)
                else lookup.order_probability
            end as order_probability,
            coalesce(year_levels.coefficient, parameters.year_ratio_of_everybody) as year_ratio,
            parameters.orders_per_return,
            parameters.spend_intercept,
            parameters.spend_slope,
            parameters.value_p,
            parameters.value_q,
            parameters.value_gamma,
            lookup.expected_orders as process_orders,
            lookup.expected_orders_year as process_orders_year
        from {{ customers }} as customers
        left join parameters
            on
                customers.forecast_version = parameters.forecast_version
                and customers.fitted_on = parameters.fitted_on
        left join levels as group_levels
            on
                customers.forecast_version = group_levels.forecast_version
                and customers.fitted_on = group_levels.fitted_on
                and group_levels.part = 'group'
                and case
                    when parameters.group_term = 'hiatus_group' then customers.hiatus_group else customers.naive_group
                end = group_levels.level
        left join levels as year_levels
            on
                customers.forecast_version = year_levels.forecast_version
                and customers.fitted_on = year_levels.fitted_on
                and year_levels.part = 'year'
                and customers.year_band = year_levels.level
        left join {{ forecast_lookup }} as lookup
            on
                customers.forecast_version = lookup.forecast_version
                and customers.fitted_on = lookup.fitted_on
                and customers.as_of_date = lookup.as_of_date
                and customers.purchase_day_count = lookup.purchase_day_count
                and customers.active_days = lookup.active_days
                and customers.tenure_days = lookup.tenure_days
    ),

    -- Spend is that of a customer who returns, or for a purchase process that of a purchase day (Gamma-Gamma).
    amounts as (
        select
            *,
            coalesce(process_orders, order_probability * orders_per_return) as expected_orders,
            case
                when process_orders is null then exp(spend_intercept + spend_slope * ln(1 + average_day_value))
            end as spend_of_a_return,
            value_p * (value_gamma + repeat_day_count * repeat_day_value)
            / nullif(value_p * repeat_day_count + value_q - 1, 0) as spend_of_an_order
        from found
    )

    select
        customer_unique_id,
        as_of_date,
        is_newest,
        forecast_version,
        fitted_on,
        order_probability,
        expected_orders,
        coalesce(order_probability * spend_of_a_return, expected_orders * spend_of_an_order) as expected_revenue,
        coalesce(process_orders_year, expected_orders * year_ratio) as expected_orders_365_days,
        coalesce(
            order_probability * spend_of_a_return * year_ratio, process_orders_year * spend_of_an_order
        ) as expected_revenue_365_days
    from amounts
{% endmacro %}
