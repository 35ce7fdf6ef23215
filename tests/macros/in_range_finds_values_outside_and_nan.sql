with

rows_given as (
    select 1 as id, cast(0 as double) as share
    union all select 2, cast(1 as double)
    union all select 3, cast(1.001 as double)
    union all select 4, cast(-0.001 as double)
    union all select 5, cast('NaN' as double)
    union all select 6, cast(null as double)
),

outside_both as (
    {{ test_in_range('rows_given', 'share', 0, 1, ['id']) }}
),

-- NaN sorts above every number, so a lower bound alone would let it through.
below as (
    {{ test_in_range('rows_given', 'share', min_value=0, additional_select_columns=['id']) }}
),

above as (
    {{ test_in_range('rows_given', 'share', max_value=1, additional_select_columns=['id']) }}
),

found as (
    select 'both' as bounds, id from outside_both
    union all
    select 'lower', id from below
    union all
    select 'upper', id from above
),

expected as (
    select 'both' as bounds, 3 as id
    union all select 'both', 4
    union all select 'both', 5
    union all select 'lower', 4
    union all select 'lower', 5
    union all select 'upper', 3
    union all select 'upper', 5
)

{{ test_same_rows_as('found', 'expected', ['bounds', 'id']) }}
