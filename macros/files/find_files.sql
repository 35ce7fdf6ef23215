{#-
  The files of a folder that have a name, as paths that the engine reads: a list of one or none. No part of a path is a
  pattern.

  Arguments:
    folder: the folder; on Spark any location that the cluster reads.
    name: path of the file within it.
-#}
{% macro find_files(folder, name) %}
    {% do return(adapter.find_files(folder ~ "/" ~ name)) %}
{% endmacro %}
