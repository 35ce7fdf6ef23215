{#-
  Says each row that a test warned of: dbt itself tells no more than their number. A test asks for that with
  `meta={'told': true}` and gives a column `sentence`.

  Arguments:
    results: what dbt gives to on-run-end.
-#}
{% macro tell_warnings(results) %}
    {% for result in results if result.status == "warn" and result.node.config.meta.get("told") %}
        {% for row in run_query("select sentence from (" ~ result.node.compiled_code ~ ") as told order by 1").rows %}
            {% do exceptions.warn(row[0]) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}
