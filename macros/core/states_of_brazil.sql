{#- The two letters of each state of Brazil. Not read from the seed: staging is built from the files alone. -#}
{% macro states_of_brazil() %}
    {% do return(
        ("AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO").split(" ")
    ) %}
{% endmacro %}
