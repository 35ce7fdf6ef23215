with

rows_given (id, word, amount) as (
    values
    (1, 'b', 1),
    (1, 'a', 9),
    (1, 'a', 2),
    (2, null, 1),
    (2, 'z', 1),
    (3, 'only', 1)
),

rows_turned_round as (
    select * from rows_given
    order by id desc, word asc, amount desc
),

kept as (
    {{ deduplicate('rows_given', ['id'], ['word', 'amount']) }}
),

kept_of_turned as (
    {{ deduplicate('rows_turned_round', ['id'], ['word', 'amount']) }}
),

-- Without other columns whole copies go.
kept_keys as (
    {{ deduplicate('rows_given', ['id'], []) }}
),

expected (id, word, amount) as (
    values
    (1, 'a', 2),
    (2, 'z', 1),
    (3, 'only', 1)
),

expected_keys as (
    select id from expected
),

differences as (
    select id from ({{ test_same_rows_as('kept', 'expected', ['id', 'word', 'amount']) }}) as as_given
    union all
    select id from ({{ test_same_rows_as('kept_of_turned', 'expected', ['id', 'word', 'amount']) }}) as turned_round
    union all
    select id from ({{ test_same_rows_as('kept_keys', 'expected_keys', ['id']) }}) as keys_only
)

select * from differences
