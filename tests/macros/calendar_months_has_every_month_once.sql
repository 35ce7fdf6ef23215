with

one_span as (
    select
        cast('2016-11-01' as date) as first_month,
        cast('2017-02-01' as date) as last_month
),

one_month as (
    select
        cast('2018-02-01' as date) as first_month,
        cast('2018-02-01' as date) as last_month
),

found as (
    select month_start from ({{ calendar_months('one_span', 'first_month', 'last_month') }}) as over_new_year
    union all
    select month_start from ({{ calendar_months('one_month', 'first_month', 'last_month') }}) as single
),

expected (month_start) as (
    values
    (cast('2016-11-01' as date)),
    (cast('2016-12-01' as date)),
    (cast('2017-01-01' as date)),
    (cast('2017-02-01' as date)),
    (cast('2018-02-01' as date))
)

{{ test_same_rows_as('found', 'expected', ['month_start']) }}
