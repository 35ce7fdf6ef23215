-- 0.5 and 0.5 that became 0.1 and 0.9 are 0.4 ln 9 apart, whichever is the earlier; with half a customer in each of two
-- bins, 0 of 4 are 0.1 and never 0.
with

bins (bin_number, earlier_count, later_count) as (
    values
    (1, 2, 0),
    (2, 2, 4)
),

shares as (
    select
        {{ smoothed_share('earlier_count', 4, 2) }} as earlier_share,
        {{ smoothed_share('later_count', 4, 2) }} as later_share
    from bins
),

results as (
    select
        {{ population_stability_index('later_share', 'earlier_share') }} as forwards,
        {{ population_stability_index('earlier_share', 'later_share') }} as backwards,
        {{ population_stability_index('later_share', 'later_share') }} as unchanged,
        min(later_share) as smallest_share
    from shares
)

select * from results
where
    abs(forwards - 0.4 * ln(9)) > 1e-12
    or forwards <> backwards
    or unchanged <> 0
    or abs(smallest_share - 0.1) > 1e-12
