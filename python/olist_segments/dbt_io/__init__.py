"""What joins dbt, its engines and Python: data frames, and the adapters of DuckDB and Spark."""

WITHOUT_TESTS_OF_CODE = ("--exclude-resource-type", "unit_test", "--exclude", "tag:code")
"""Options of dbt: unit tests and tests of macros test the code and not the data, and no build needs them."""
