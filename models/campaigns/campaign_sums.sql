with

campaign_members as (
    select * from {{ ref('campaign_members') }}
),

campaign_log as (
    select * from {{ source('campaigns', 'campaign_log') }}
),

promises as (
    select
        campaign,
        max(promised_outcome) as promised_outcome
    from campaign_log
    group by campaign
),

-- What a forgotten customer did is not known.
members as (
    select
        campaign,
        arm,
        arm_number,
        is_complete,
        observed_until,
        segment_key,
        segment_name,
        stage_key,
        stage_name,
        has_ordered,
        cast(revenue as decimal(19, 2)) as revenue,
        review_score
    from campaign_members
    where not is_forgotten
),

-- Everybody, each kind, each stage, and each of both.
sums as (
    {%- for grouping, segment, stage in [
        ('all', false, false), ('kind', true, false), ('stage', false, true), ('kind_and_stage', true, true),
    ] %}
    {{ "union all" if not loop.first }}
    select
        campaign,
        arm,
        arm_number,
        '{{ grouping }}' as grouping,
        {%- for kind, is_in in [('segment', segment), ('stage', stage)] %}
        {{ kind ~ '_key' if is_in else "''" }} as {{ kind }}_key,
        {{ 'max(' ~ kind ~ '_name)' if is_in else "''" }} as {{ kind }}_name,
        {%- endfor %}
        is_complete,
        observed_until,
        count(*) as customer_count,
        count(case when has_ordered then 1 end) as ordered_count,
        sum(revenue) as revenue_sum,
        sum(revenue * revenue) as revenue_square_sum,
        count(review_score) as reviewed_count,
        {{ sum_in_any_order('review_score') }} as review_score_sum,
        {{ sum_in_any_order('review_score * review_score') }} as review_score_square_sum
    from members
    group by campaign, arm, arm_number, is_complete, observed_until
        {{- ", segment_key" if segment }}{{ ", stage_key" if stage }}
    {%- endfor %}
),

final as (
    select
        sums.campaign,
        sums.arm,
        sums.arm_number,
        sums.grouping,
        sums.segment_key,
        sums.segment_name,
        sums.stage_key,
        sums.stage_name,
        promises.promised_outcome,
        sums.is_complete,
        sums.observed_until,
        cast(sums.customer_count as integer) as customer_count,
        cast(sums.ordered_count as integer) as ordered_count,
        cast(sums.revenue_sum as double) as revenue_sum,
        cast(sums.revenue_square_sum as double) as revenue_square_sum,
        cast(sums.reviewed_count as integer) as reviewed_count,
        coalesce(sums.review_score_sum, 0) as review_score_sum,
        coalesce(sums.review_score_square_sum, 0) as review_score_square_sum
    from sums
    inner join promises on sums.campaign = promises.campaign
)

select * from final
order by campaign, grouping, segment_key, stage_key, arm_number
