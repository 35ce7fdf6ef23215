{#- The registry of features, the var `features`, as SQL reads it. -#}

{#- The names of the features that may be clustered, in the order of the registry. -#}
{% macro feature_names() %}
    {% do return(checked_var("features").keys() | list) %}
{% endmacro %}

{#- Name of a feature → name of the transform it is clustered on. -#}
{% macro feature_transforms() %}
    {% set transforms = {} %}
    {% for feature, entry in checked_var("features").items() %}
        {% do transforms.update({feature: entry.transform}) %}
    {% endfor %}
    {% do return(transforms) %}
{% endmacro %}

{#-
  Every feature with what the registry leaves out filled in.

  Returns: name of a feature → transform, profile_transform, label, unit, better (both none where not told), moved_by.
-#}
{% macro feature_registry() %}
    {% set registry = {} %}
    {% for feature, entry in checked_var("features").items() %}
        {% do registry.update({feature: {
            "transform": entry.transform,
            "profile_transform": entry.profile_transform or entry.transform,
            "label": entry.label or feature | replace("_", " "),
            "unit": entry.unit,
            "better": entry.better,
            "moved_by": entry.moved_by or "purchase",
        }}) %}
    {% endfor %}
    {% do return(registry) %}
{% endmacro %}

{#- The names of the features by which segments are named, profiled and followed: all that do not say otherwise. -#}
{% macro described_features() %}
    {% set names = [] %}
    {% for feature, entry in checked_var("features").items() if entry.describes is not false %}
        {% do names.append(feature) %}
    {% endfor %}
    {% do return(names) %}
{% endmacro %}
