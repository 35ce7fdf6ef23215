with

rows_given (key_one, key_two, note) as (
    values
    ('a', 1, 'alone'),
    ('a', 2, 'alone: the other column differs'),
    ('b', 1, 'copy'),
    ('b', 1, 'copy'),
    ('c', null, 'null key')
),

found as (
    {{ test_unique_key('rows_given', ['key_one', 'key_two'], ['note']) }}
),

expected (key_one, key_two, note, rows_a_key) as (
    values
    ('b', 1, 'copy', 2),
    ('b', 1, 'copy', 2),
    ('c', null, 'null key', 1)
)

{{ test_same_rows_as('found', 'expected', ['key_one', 'key_two', 'note', 'rows_a_key']) }}
