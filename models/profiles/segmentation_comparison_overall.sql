with

judged as (
    select
        *,
        count(*) over (partition by as_of_date) as judged_count
    from {{ ref('segmentation_comparison') }}
    -- Of one customer who ordered again nobody can say by how much the ranking errs.
    where coalesce(auc_minus_rfm_low, auc_minus_naive_low) is not null
),

-- Means over different dates can't be compared: only those on which as many segmentations were judged as on any.
comparison as (
    select *
    from (
        select
            *,
            max(judged_count) over () as most_judged_count
        from judged
    ) as counted
    where judged_count = most_judged_count
),

-- The mean of the ends is the interval of the mean where all dates err together: the widest that it can be.
averaged as (
    select
        segmentation,
        count(*) as date_count,
        min(as_of_date) as first_date,
        max(as_of_date) as last_date
        {%- for measure in [
            'ranking_auc', 'auc_minus_rfm', 'auc_minus_rfm_low', 'auc_minus_rfm_high', 'auc_minus_naive',
            'auc_minus_naive_low', 'auc_minus_naive_high',
        ] %},
        cast(avg(cast({{ measure }} as decimal(28, 15))) as double) as {{ measure }}
        {%- endfor %},
        sum(case when comparison_status = 'better than rfm' then 1 else 0 end) as better_than_rfm_count,
        sum(case when comparison_status = 'worse than rfm' then 1 else 0 end) as worse_than_rfm_count
    from comparison
    group by segmentation
),

final as (
    select
        segmentation,
        cast(date_count as integer) as date_count,
        first_date,
        last_date,
        ranking_auc,
        auc_minus_rfm,
        auc_minus_rfm_low,
        auc_minus_rfm_high,
        auc_minus_naive,
        auc_minus_naive_low,
        auc_minus_naive_high,
        cast(better_than_rfm_count as integer) as better_than_rfm_count,
        cast(worse_than_rfm_count as integer) as worse_than_rfm_count,
        case
            when segmentation = 'rfm' then 'baseline'
            else {{ difference_status('auc_minus_rfm_low', 'auc_minus_rfm_high', 'rfm') | indent(12) }}
        end as comparison_status,
        case
            when segmentation = 'naive' then 'baseline'
            else {{ difference_status('auc_minus_naive_low', 'auc_minus_naive_high', 'naive') | indent(12) }}
        end as naive_comparison_status
    from averaged
)

select * from final
order by segmentation
