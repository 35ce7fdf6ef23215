with

rows_given (key_one, key_two, amount, note) as (
    values
    ('a', 1, cast(5 as double), 'alone'),
    ('a', 2, cast(0 as double), 'alone: the other column differs'),
    ('b', 1, cast(-1 as double), 'copy'),
    ('b', 1, cast(null as double), 'copy'),
    ('c', null, cast('NaN' as double), null)
),

found as (
    {{ test_rules(
        'rows_given',
        keys={
            'both_columns_are_a_key': ['key_one', 'key_two'],
            'both_columns_are_a_key_where_there_is_a_note': {
                'columns': ['key_one', 'key_two'], 'where': 'note is not null'
            },
            'both_columns_are_a_key_of_what_stands_alone': {
                'columns': ['key_one', 'key_two'], 'where': "note like 'alone%'"
            },
        },
        never_null={
            'first_column_has_no_null': ['key_one'],
            'a_null_in_any_column_counts': ['key_one', 'key_two', 'amount'],
        },
        conditions={
            'false_and_null_are_broken': 'amount >= 0',
            'nan_is_in_no_range': 'amount is null or amount between -1 and 5',
            'text_with_a_quote_holds': "key_one <> 'it''s'",
        }
    ) | indent(4) }}
),

expected (rule_name, row_count) as (
    values
    ('both_columns_are_a_key', 3),
    ('both_columns_are_a_key_where_there_is_a_note', 2),
    ('a_null_in_any_column_counts', 2),
    ('false_and_null_are_broken', 2),
    ('nan_is_in_no_range', 1)
)

{{ test_same_rows_as('found', 'expected', ['rule_name', 'row_count']) }}
