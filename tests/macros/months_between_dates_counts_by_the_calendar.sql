with

dates (earlier, later, expected) as (
    values
    (cast('2018-02-28' as date), cast('2018-03-31' as date), 1),
    (cast('2018-02-28' as date), cast('2018-03-01' as date), 1),
    (cast('2018-02-01' as date), cast('2018-02-28' as date), 0),
    (cast('2017-11-30' as date), cast('2019-01-31' as date), 14),
    (cast('2018-01-31' as date), cast('2017-12-31' as date), -1)
)

select * from dates
where {{ months_between_dates('earlier', 'later') }} <> expected
