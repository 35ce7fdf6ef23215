{#- After a command that made build_warnings: its sentences, for whoever reads the end of the log. -#}
{% macro tell_warnings(results) %}
    {% if execute and flags.WHICH in ("build", "run") %}
        {% for result in results if result.node.name == "build_warnings" and result.status == "success" %}
            {% for row in run_query("select severity, sentence from " ~ result.node.relation_name).rows %}
                {% do log(row["severity"] | capitalize ~ ": " ~ row["sentence"], info=true) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}
