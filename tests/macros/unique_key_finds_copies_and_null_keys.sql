with

rows_given as (
    select 'a' as key_one, 1 as key_two, 'alone' as note
    union all select 'a', 2, 'alone: the other column differs'
    union all select 'b', 1, 'copy'
    union all select 'b', 1, 'copy'
    union all select 'c', null, 'null key'
),

found as (
    {{ test_unique_key('rows_given', ['key_one', 'key_two'], ['note']) }}
),

expected as (
    select 'b' as key_one, 1 as key_two, 'copy' as note, 2 as rows_a_key
    union all select 'b', 1, 'copy', 2
    union all select 'c', null, 'null key', 1
)

{{ test_same_rows_as('found', 'expected', ['key_one', 'key_two', 'note', 'rows_a_key']) }}
