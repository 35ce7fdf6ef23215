with

rows_given as (
    select 1 as id, 'x' as one, 'y' as two
    union all select 2, null, 'y'
    union all select 3, null, null
    union all select 4, '', 'empty text is a value'
),

found as (
    {{ test_never_null('rows_given', ['one', 'two'], ['id']) }}
),

expected as (
    select 2 as id, 'one' as null_column
    union all select 3, 'one'
    union all select 3, 'two'
)

{{ test_same_rows_as('found', 'expected', ['id', 'null_column']) }}
