"""What joins dbt, its engines and Python: data frames, and the adapters of DuckDB and Spark."""
