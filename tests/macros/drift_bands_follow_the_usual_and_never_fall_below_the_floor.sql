-- By hand, from pairs and bands written here: the vars of a run change nothing.
{%- set bands = {
    'min_pairs': 6, 'watch_deviations': 3, 'watch_floor': 0.05, 'watch_uncalibrated': 0.1, 'act_deviations': 6,
    'act_floor': 0.1, 'act_uncalibrated': 0.25,
} %}
with

pairs (feature, months_apart, psi, psi_by_chance) as (
    {%- for pair in range(2 * bands.min_pairs) %}
    -- Half of them 0.1 below and half 0.1 above 0.3 over chance.
    select
        'noisy',
        1,
        0.35 + {{ [-0.1, 0.1][pair % 2] }},
        0.05
    union all
    -- Few customers: all of it is chance.
    select
        'few people',
        1,
        {{ [0.1, 0.6][pair % 2] }},
        0.7
    union all
    select
        'calm',
        1,
        0.001,
        0.0
    union all
    {%- endfor %}
    -- One jump among calm months is not what was usual.
    select
        'calm',
        1,
        10,
        0.0
    union all
    select
        'calm',
        2,
        0.001,
        0.0
),

results as (
    {{ drift_bands('pairs', ['feature'], bands) | indent(4) }}
),

expected (feature, months_apart, watch_margin, act_margin) as (
    values
    (
        'noisy', 1,
        0.3 + {{ bands.watch_deviations }} * 1.4826 * 0.1,
        0.3 + {{ bands.act_deviations }} * 1.4826 * 0.1
    ),
    ('few people', 1, {{ bands.watch_floor }}, {{ bands.act_floor }}),
    ('calm', 1, {{ bands.watch_floor }}, {{ bands.act_floor }}),
    -- A single pair is no history.
    ('calm', 2, {{ bands.watch_uncalibrated }}, {{ bands.act_uncalibrated }})
)

select
    expected.*,
    results.watch_margin as found_watch_margin,
    results.act_margin as found_act_margin
from expected
left join results
    on
        expected.feature = results.feature
        and expected.months_apart = results.months_apart
where
    coalesce(abs(expected.watch_margin - results.watch_margin), 1) > 1e-9
    or coalesce(abs(expected.act_margin - results.act_margin), 1) > 1e-9
