{#-
  Refuses, in one sentence, a var that is unknown or not what `rules_of_variables` allows: before anything is read or
  written, as values of vars become SQL. Runs first in every command that builds or tests.
-#}
{% macro check_variables() %}
    {% set rules = rules_of_variables() %}
    {% for name, instead in vars_that_are_gone().items() if var(name, none) is not none %}
        {% do refuse_variable("the var " ~ name ~ " is gone: " ~ instead) %}
    {% endfor %}
    {% for name in (invocation_args_dict.get("vars") or {}) if name not in rules %}
        {% do refuse_variable(
            "there is no var " ~ shown_value(name) ~ ": the names of all are in dbt_project.yml, under vars."
        ) %}
    {% endfor %}
    {% for name in rules %}
        {% do checked_var(name) %}
    {% endfor %}

    {% if var("candidate_k_max") < var("candidate_k_min") %}
        {% do refuse_variable(
            "the var candidate_k_max is " ~ var("candidate_k_max") ~ ", less than candidate_k_min, which is "
            ~ var("candidate_k_min") ~ ": give it as much or more."
        ) %}
    {% elif var("max_segments") < var("candidate_k_max") %}
        {% do refuse_variable(
            "the var max_segments is " ~ var("max_segments") ~ ", less than candidate_k_max, which is "
            ~ var("candidate_k_max") ~ ": give it as much or more, for SQL scores no more segments than that."
        ) %}
    {% elif var("contract_threshold") not in var("contract_thresholds") %}
        {% do refuse_variable(
            "the var contract_threshold is " ~ var("contract_threshold")
            ~ ", which is not among contract_thresholds: add it there."
        ) %}
    {% endif %}
    {% for set_name, features in var("feature_sets").items() %}
        {% for feature in features if feature not in var("features") %}
            {% do refuse_variable(
                "the var feature_sets." ~ set_name ~ " names " ~ feature
                ~ ", which is not in features: give it a transform there, or take it off the list."
            ) %}
        {% endfor %}
    {% endfor %}
    {% if execute %}
        {% set columns = graph.nodes["model." ~ project_name ~ ".customer_features_monthly"].columns %}
        {% for feature, entry in var("features").items() %}
            {% if columns.get(feature, {}).get("data_type") not in ["integer", "double", "decimal(18, 2)"] %}
                {% do refuse_variable(
                    "the var features names " ~ feature
                    ~ ", which is no number of the table customer_features_monthly: take it off, or add the column."
                ) %}
            {% elif not columns[feature].meta.get("is_positive") %}
                {% for key in ["transform", "profile_transform"] if entry[key] == "ln" %}
                    {% do refuse_variable(
                        "the var features." ~ feature ~ "." ~ key ~ " is 'ln', and " ~ feature
                        ~ " may be 0, which has no logarithm: give log1p."
                    ) %}
                {% endfor %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{#-
  The value of a var that keeps its rule; the run stops in one sentence where it doesn't. For SQL that is put together
  from the var while dbt reads the project, before any hook runs.
-#}
{% macro checked_var(name) %}
    {% set value = var(name) %}
    {% do check_value("the var " ~ name, value, rules_of_variables()[name]) %}
    {% do return(value) %}
{% endmacro %}

{#-
  Refuses a value that breaks a rule.

  Arguments:
    what: the var and the place in it, for the sentence.
    value: as YAML gave it.
    rule: as in rules_of_variables.
-#}
{% macro check_value(what, value, rule) %}
    {% set kind = rule.kind %}
    {% if kind == "boolean" %}
        {% set is_right = value is boolean %}
    {% elif kind in ("integer", "number") %}
        {% set is_number = value is integer or (kind == "number" and value is float) %}
        {% set is_right = is_number and rule.min <= value <= rule.max %}
    {% elif kind == "name" and rule.among %}
        {% set is_right = value is string and value in rule.among %}
    {% elif kind == "name" %}
        {% set is_right = value is string and modules.re.fullmatch("[a-z][a-z0-9_]{0,62}", value) is not none %}
    {% elif kind == "text" %}
        {% set is_right = value is string and 0 < value | length <= 100 %}
    {% elif kind == "list" %}
        {% set is_list = value is sequence and value is not string and value is not mapping %}
        {% set is_right = is_list and (value | length > 0 or rule.may_be_empty) %}
    {% else %}
        {% set is_right = value is mapping and value | length > 0 %}
    {% endif %}
    {% if not is_right %}
        {% do refuse_variable(what ~ " is " ~ shown_value(value) ~ ": give " ~ what_is_allowed(rule) ~ ".") %}
    {% endif %}
    {% if kind == "list" %}
        {% for member in value %}
            {% do check_value("a member of " ~ what, member, rule.of) %}
            {% if member in value[:loop.index0] %}
                {% do refuse_variable(what ~ " names " ~ shown_value(member) ~ " twice: name it once.") %}
            {% endif %}
        {% endfor %}
    {% elif kind == "mapping" %}
        {% for key, member in value.items() %}
            {% do check_value("a key of " ~ what, key, {"kind": "name"}) %}
            {% do check_value(what ~ "." ~ key, member, rule.of) %}
        {% endfor %}
    {% elif kind == "settings" %}
        {% for key in value if key not in rule.settings %}
            {% do refuse_variable(
                what ~ " has no key " ~ shown_value(key) ~ ": its keys are " ~ rule.settings | join(", ") ~ "."
            ) %}
        {% endfor %}
        {% for key in rule.settings %}
            {% if key in value %}
                {% do check_value(what ~ "." ~ key, value[key], rule.settings[key]) %}
            {% elif not rule.may_lack %}
                {% do refuse_variable(what ~ " lacks the key " ~ key ~ ": give all of " ~ rule.settings | join(", ")
                    ~ ".") %}
            {% elif key in (rule.needs or []) %}
                {% do refuse_variable(what ~ " lacks the key " ~ key ~ ": give it.") %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{#- What a rule allows, in words. -#}
{% macro what_is_allowed(rule) %}
    {% set words = {
        "boolean": "true or false",
        "integer": "a whole number from " ~ rule.min ~ " to " ~ rule.max,
        "number": "a number from " ~ rule.min ~ " to " ~ rule.max,
        "name": "one of " ~ rule.among | join(", ") if rule.among
            else "a name of lower-case letters, digits and underscores",
        "text": "a text of 1 to 100 characters",
        "list": "a list" ~ ("" if rule.may_be_empty else " of at least one member"),
        "mapping": "a mapping of names to values",
        "settings": "a mapping with the keys " ~ rule.settings | join(", "),
    } %}
    {% do return(words[rule.kind]) %}
{% endmacro %}

{#- A value as a sentence shows it: at most 60 characters, none of which could steer a terminal. -#}
{% macro shown_value(value) %}
    {% set shown = modules.re.sub("[^ -~\\u00a1-\\ud7ff]", "?", (value | string)[:60]) %}
    {% do return("'" ~ shown ~ "'" if value is string else shown) %}
{% endmacro %}

{#- Stops the run with one sentence. -#}
{% macro refuse_variable(sentence) %}
    {% do exceptions.raise_compiler_error(sentence[0] | upper ~ sentence[1:]) %}
{% endmacro %}
