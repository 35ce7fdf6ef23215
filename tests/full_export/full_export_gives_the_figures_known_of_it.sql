-- Says something only when the full Kaggle export is what was built; on any other input it returns no row.
with

facts as (
    {{ full_export_facts() }}
)

select * from facts
where
    {{ raw_tables_have(full_export_row_counts()) }}
    and (actual is null or actual <> expected)
