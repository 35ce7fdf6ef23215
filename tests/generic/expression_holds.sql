{#-
  Fails with every row on which the condition is not true. A condition that comes out null fails too: whoever allows
  nulls says so in the condition (`x is null or x > 0`).

  Arguments:
    condition: a SQL condition over the columns of the model.
    additional_select_columns: list of columns to show in a failure; without it the whole row is shown.
-#}
{% test expression_holds(model, condition, additional_select_columns=[]) %}
select {{ additional_select_columns | join(", ") or "*" }}
from {{ model }}
where not coalesce(({{ condition }}), false)
{% endtest %}
