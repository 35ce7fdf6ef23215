with

texts as (
    select '01003' as text_given, true as expected
    union all select '1003', false
    union all select '010030', false
    union all select 'x01003', false
    union all select ' 01003', false
    union all select '', false
    union all select null, null
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
