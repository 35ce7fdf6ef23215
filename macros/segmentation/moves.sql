{#-
  The step of every customer from each as-of date to the next: the select behind a table of moves.

  Without a key on the earlier date the customer entered, without one on the later date the customer exited; purchases
  only add up, so it takes a restated input to see an exit.

  Arguments:
    states: relation with customer_unique_id, as_of_date, previous_as_of_date, total_spend and the key.
    as_of_dates: relation, as the model of this name.
    axis: what the key is of, segment or stage; the column is <axis>_key.
    columns: list of further columns, SQL expressions of `arrived` and `departed`, the two ends of a step.

  Returns: as_of_date, previous_as_of_date, from_<axis>_key, to_<axis>_key, from_spend, to_spend, the further columns.
-#}
{% macro steps_between_dates(states, as_of_dates, axis, columns) -%}
    select
        coalesce(arrived.as_of_date, later_dates.as_of_date) as as_of_date,
        coalesce(arrived.previous_as_of_date, departed.as_of_date) as previous_as_of_date,
        departed.{{ axis }}_key as from_{{ axis }}_key,
        arrived.{{ axis }}_key as to_{{ axis }}_key,
        departed.total_spend as from_spend,
        arrived.total_spend as to_spend
        {%- for column in columns %},
        {{ column }}
        {%- endfor %}
    from {{ states }} as arrived
    full outer join {{ states }} as departed
        on
            arrived.customer_unique_id = departed.customer_unique_id
            and arrived.previous_as_of_date = departed.as_of_date
    left join {{ as_of_dates }} as later_dates on departed.as_of_date = later_dates.previous_as_of_date
    -- The newest rows have no later date to depart to, the first date none to arrive from.
    where
        coalesce(arrived.as_of_date, later_dates.as_of_date) is not null
        and coalesce(arrived.previous_as_of_date, departed.as_of_date) is not null
{%- endmacro %}

{#-
  The steps counted by date, both keys and reason, with their money.

  Arguments:
    reasoned: relation as steps_between_dates makes it, with a reason; one row per customer and date.
    axis: what the key is of, segment or stage.

  Returns: as_of_date, previous_as_of_date, from_<axis>_key, to_<axis>_key, reason, is_move, customer_count,
    total_spend, spend_since_previous.
-#}
{% macro moves_counted(reasoned, axis) -%}
    select
        as_of_date,
        previous_as_of_date,
        coalesce(from_{{ axis }}_key, 'not_yet_a_customer') as from_{{ axis }}_key,
        coalesce(to_{{ axis }}_key, 'no_longer_a_customer') as to_{{ axis }}_key,
        reason,
        reason not in ('entered', 'exited', 'stayed') as is_move,
        cast(count(*) as integer) as customer_count,
        cast(sum(coalesce(to_spend, from_spend)) as decimal(18, 2)) as total_spend,
        cast(sum(coalesce(to_spend, 0) - coalesce(from_spend, 0)) as decimal(18, 2)) as spend_since_previous
    from {{ reasoned }}
    group by 1, 2, 3, 4, 5, 6
{%- endmacro %}
