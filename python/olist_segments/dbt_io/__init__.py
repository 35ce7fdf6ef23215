"""What joins dbt, its engines and Python: data frames, the adapters of DuckDB and Spark, raw files."""
