-- Written without same_rows_as itself, on which the other tests of this folder stand.
with

here (id, word) as (
    values
    (1, 'same'),
    (2, null),
    (3, 'twice here'),
    (3, 'twice here'),
    (4, 'only here')
),

there (id, word) as (
    values
    (1, 'same'),
    (2, null),
    (3, 'twice here'),
    (5, 'only there')
),

found as (
    {{ test_same_rows_as('here', 'there', ['id', 'word']) }}
),

judged as (
    select
        count(*) as row_count,
        count(case when id = 3 and rows_here = 2 and rows_there = 1 then 1 end) as doubled,
        count(case when id = 4 and rows_here = 1 and rows_there = 0 then 1 end) as only_here,
        count(case when id = 5 and rows_here = 0 and rows_there = 1 then 1 end) as only_there
    from found
)

select * from judged
where row_count <> 3 or doubled <> 1 or only_here <> 1 or only_there <> 1
