{#-
  Names each broken rule of a test `rules`, how many rows break it and the query that shows them: dbt itself tells no
  more than how many rules of the table are broken.

  Arguments:
    results: what dbt gives to on-run-end.
-#}
{% macro tell_broken_rules(results) %}
    {% for result in results %}
        {% for rule in broken_rules(result) %}
            {% do log(
                "The rule " ~ rule.rule_name ~ " is broken (rows: " ~ rule.row_count ~ "): " ~ rule.query, info=True
            ) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{#-
  The broken rules of a test `rules` that failed, as rows of that test; none for any other result.

  Arguments:
    result: one of the results that dbt gives to on-run-end.
-#}
{% macro broken_rules(result) %}
    {% if result.status != "fail" or result.node.test_metadata is not defined
        or result.node.test_metadata.name != "rules" %}
        {% do return([]) %}
    {% endif %}
    {% do return(run_query(result.node.compiled_code ~ " order by rule_name").rows) %}
{% endmacro %}
