-- Says something only when the full Kaggle export is what was built; on any other input it returns no row. A warning: a
-- copy of the export whose coordinates were rounded is still worth a build.
{{ config(severity='warn', meta={'told': true}) }}

with

facts as (
    {{ full_export_facts() }}
)

select
    fact,
    expected,
    actual,
    concat(
        'The files have as many rows as the full Kaggle export, but not all its figures: ', fact, ', expected ',
        {{ shown_number('expected') }}, ', found ', {{ shown_number('actual') }}, '.'
    ) as sentence
from facts
where
    {{ raw_tables_have(full_export_row_counts()) }}
    and (actual is null or actual <> expected)
