"""The vars of dbt_project.yml: what each may be, and the sentence that refuses another value. Imports nothing heavy."""
