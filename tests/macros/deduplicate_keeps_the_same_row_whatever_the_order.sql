with

rows_given as (
    select 1 as id, 'b' as word, 1 as amount
    union all select 1, 'a', 9
    union all select 1, 'a', 2
    union all select 2, null, 1
    union all select 2, 'z', 1
    union all select 3, 'only', 1
),

rows_turned_round as (
    select * from rows_given
    order by id desc, word, amount desc
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

expected as (
    select 1 as id, 'a' as word, 2 as amount
    union all select 2, 'z', 1
    union all select 3, 'only', 1
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
