-- Ten origins a day apart. At 7 days all hold, at 14 one falls short: nine of ten are alive, which is enough. At 21 a
-- second one falls short: eight are not. At 28 all hold again, too late. At 35 days there are too few origins to judge.
-- A second group fails from the start. In the third, one origin of ten falls short at each of two ages: at neither age
-- do fewer than nine of ten hold, and yet only eight of ten models lived through both. In the fourth the newest origins
-- leave the risk set without a failure. In the fifth the two oldest of ten fail, which weighs little where an origin
-- counts half as much as one that is a day younger.
{%- set terms = {'thresholds': [0.5, 0.8], 'min_origins': 5, 'origin_share': 0.9, 'half_life_days': 1000000} %}
{%- set recent = {'thresholds': [0.5, 0.8], 'min_origins': 5, 'origin_share': 0.9, 'half_life_days': 1} %}
with

days as (
    {% for origin in range(10) %}
        {{ "union all" if not loop.first }}
        select
            {{ origin }} as origin_number,
            cast({{ dbt.dateadd('day', origin, "cast('2018-01-01' as date)") }} as date) as origin_date
    {% endfor %}
),

-- The origins that fall short are those numbered from the first to before the last.
horizons as (
    {% for curve, horizon, first_short, last_short, counted in [
        ('fails_late', 7, 0, 0, 10), ('fails_late', 14, 0, 1, 10), ('fails_late', 21, 0, 2, 10),
        ('fails_late', 28, 0, 0, 10), ('fails_late', 35, 0, 0, 4),
        ('fails_at_once', 7, 0, 10, 10), ('fails_at_once', 28, 0, 10, 10),
        ('fails_in_turn', 7, 0, 1, 10), ('fails_in_turn', 14, 1, 2, 10),
        ('is_censored', 7, 0, 0, 10), ('is_censored', 14, 0, 0, 6),
        ('fails_early', 7, 0, 2, 10),
    ] %}
        {{ "union all" if not loop.first }}
        select
            '{{ curve }}' as curve,
            {{ horizon }} as horizon_days,
            {{ first_short }} as first_short,
            {{ last_short }} as last_short,
            {{ counted }} as counted_origins
    {% endfor %}
),

ageing as (
    select
        horizons.curve,
        days.origin_date,
        horizons.horizon_days,
        case
            when days.origin_number >= horizons.first_short and days.origin_number < horizons.last_short then 0.1
            else 0.99
        end as ari
    from days
    inner join horizons on days.origin_number < horizons.counted_origins
),

intervals as (
    {{ contract_intervals('ageing', ['curve'], terms) | indent(4) }}
),

recent_intervals as (
    {{ contract_intervals('ageing', ['curve'], recent) | indent(4) }}
),

found as (
    select
        'equal' as weights,
        *
    from intervals
    union all
    select
        'recent' as weights,
        *
    from recent_intervals
),

expected as (
    {% for weights, curve, days, judged in [
        ('equal', 'fails_late', 14, 28),
        ('equal', 'fails_at_once', 0, 28),
        ('equal', 'fails_in_turn', 7, 14),
        ('equal', 'is_censored', 14, 14),
        ('equal', 'fails_early', 0, 7),
        ('recent', 'fails_early', 7, 7),
    ] %}
        {{ "union all" if not loop.first }}
        select
            '{{ weights }}' as weights,
            '{{ curve }}' as curve,
            {{ days }} as interval_days,
            {{ judged }} as judged_until_days
    {% endfor %}
)

select
    expected.weights,
    expected.curve,
    found.threshold,
    found.interval_days,
    expected.interval_days as expected_interval_days
from expected
left join found on expected.curve = found.curve and expected.weights = found.weights
where
    found.interval_days is distinct from expected.interval_days
    or found.judged_until_days is distinct from expected.judged_until_days
    or found.origin_count is distinct from 10
