with

rows_given (id, share) as (
    values
    (1, cast(0 as double)),
    (2, cast(1 as double)),
    (3, cast(1.001 as double)),
    (4, cast(-0.001 as double)),
    (5, cast('NaN' as double)),
    (6, cast(null as double))
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
    select
        'both' as bounds,
        id
    from outside_both
    union all
    select
        'lower' as bounds,
        id
    from below
    union all
    select
        'upper' as bounds,
        id
    from above
),

expected (bounds, id) as (
    values
    ('both', 3),
    ('both', 4),
    ('both', 5),
    ('lower', 4),
    ('lower', 5),
    ('upper', 3),
    ('upper', 5)
)

{{ test_same_rows_as('found', 'expected', ['bounds', 'id']) }}
