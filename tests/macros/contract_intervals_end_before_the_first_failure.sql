-- Ten origins: all hold at 7 days; one falls short at 14, which is allowed; two at 21, which is not; at 28 all hold
-- again, too late. At 35 days there are too few origins to judge. A second group fails from the start.
{%- set terms = {'thresholds': [0.5, 0.8], 'min_origins': 5, 'origin_share': 0.9} %}
with

origins as (
    {% for origin in range(10) %}
        {{ "union all" if not loop.first }}
        select
            {{ origin }} as origin_number,
            'fails_late' as curve
        union all
        select
            {{ origin }} as origin_number,
            'fails_at_once' as curve
    {% endfor %}
),

horizons as (
    {% for horizon, short_origins, counted_origins in [(7, 0, 10), (14, 1, 10), (21, 2, 10), (28, 0, 10), (35, 0, 4)] %}
        {{ "union all" if not loop.first }}
        select
            {{ horizon }} as horizon_days,
            {{ short_origins }} as short_origins,
            {{ counted_origins }} as counted_origins
    {% endfor %}
),

ageing as (
    select
        origins.curve,
        origins.origin_number as origin_date,
        horizons.horizon_days,
        case
            when origins.curve = 'fails_at_once' or origins.origin_number < horizons.short_origins then 0.1
            else 0.99
        end as ari_low
    from origins
    inner join horizons on origins.origin_number < horizons.counted_origins
),

intervals as (
    {{ contract_intervals('ageing', ['curve'], terms) | indent(4) }}
),

expected as (
    select
        'fails_late' as curve,
        14 as interval_days,
        28 as judged_until_days
    union all
    select
        'fails_at_once' as curve,
        0 as interval_days,
        28 as judged_until_days
)

select
    expected.curve,
    intervals.threshold,
    intervals.interval_days,
    expected.interval_days as expected_interval_days
from expected
left join intervals on expected.curve = intervals.curve
where
    intervals.interval_days is distinct from expected.interval_days
    or intervals.judged_until_days is distinct from expected.judged_until_days
    or intervals.origin_count is distinct from 10
