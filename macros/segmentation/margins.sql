{#-
  How many equally wide bins the margins from 0 to 1 are calibrated in. The refits were counted in these bins, and they
  stay with their version: olist_segments.selection.refits says the same number, and a test compares the two.
-#}
{% macro margin_bins() -%}
    {%- do return(50) -%}
{%- endmacro %}

{#-
  The bin, from 0, that a margin lies in.

  Arguments:
    margin: a SQL expression, a double from 0 to 1.
-#}
{% macro margin_bin(margin) -%}
    least(cast(floor({{ margin }} * {{ margin_bins() }}) as integer), {{ margin_bins() - 1 }})
{%- endmacro %}
