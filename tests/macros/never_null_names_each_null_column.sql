with

rows_given (id, one, two) as (
    values
    (1, 'x', 'y'),
    (2, null, 'y'),
    (3, null, null),
    (4, '', 'empty text is a value')
),

found as (
    {{ test_never_null('rows_given', ['one', 'two'], ['id']) }}
),

expected (id, null_column) as (
    values
    (2, 'one'),
    (3, 'one'),
    (3, 'two')
)

{{ test_same_rows_as('found', 'expected', ['id', 'null_column']) }}
