with

rows_given (id, amount) as (
    values
    (1, 5),
    (2, -1),
    (3, null),
    (4, 0)
),

found as (
    {{ test_expression_holds('rows_given', 'amount > 100 or amount >= 0', ['id']) }}
),

found_with_all_columns as (
    {{ test_expression_holds('rows_given', 'amount >= 0') }}
),

all_found as (
    select id from found
    union all
    select id from found_with_all_columns
),

expected (id) as (
    values
    (2),
    (3),
    (2),
    (3)
)

{{ test_same_rows_as('all_found', 'expected', ['id']) }}
