with

rows_given as (
    select 1 as id, 5 as amount
    union all select 2, -1
    union all select 3, null
    union all select 4, 0
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

expected as (
    select 2 as id
    union all select 3
    union all select 2
    union all select 3
)

{{ test_same_rows_as('all_found', 'expected', ['id']) }}
