with

texts (text_given, expected) as (
    values
    ('01003', true),
    ('1003', false),
    ('010030', false),
    ('x01003', false),
    (' 01003', false),
    ('', false),
    (concat('01003', chr(10)), false),
    (null, null)
),

results as (
    select
        text_given,
        expected,
        {{ matches_whole('text_given', '[0-9]{5}') }} as found
    from texts
)

select * from results
where coalesce(found, false) <> coalesce(expected, false) or (found is null) <> (expected is null)
