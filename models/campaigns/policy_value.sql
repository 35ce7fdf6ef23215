{%- set few = checked_var('few_customers') -%}
{%- set z = 1.959963984540054 -%}
{%- set salt = sql_text('policy half') -%}
with

campaign_members as (
    select * from {{ ref('campaign_members') }}
    where not is_forgotten
),

-- The best arm is chosen on one half of the customers and valued on the other, which it was not chosen for.
members as (
    select
        campaign,
        is_complete,
        arm,
        arm_number,
        segment_key,
        stage_key,
        cast(revenue as decimal(19, 2)) as revenue,
        {{ digest_number(concat_known(salt, 'campaign', 'customer_unique_id')) }} < {{ 2 ** 59 }} as is_choosing
    from campaign_members
),

arm_counts as (
    select
        campaign,
        count(distinct arm) as arm_count
    from members
    group by campaign
),

arms_in_groups as (
    select
        campaign,
        segment_key,
        stage_key,
        arm,
        count(*) as customer_count,
        count(case when is_choosing then 1 end) as choosing_count,
        count(case when not is_choosing then 1 end) as valuing_count
    from members
    group by campaign, segment_key, stage_key, arm
),

-- A kind and stage with few customers of an arm is valued together with all other such, and gets no campaign.
groups_sized as (
    select
        arms_in_groups.campaign,
        arms_in_groups.segment_key,
        arms_in_groups.stage_key,
        sum(arms_in_groups.customer_count) as customer_count,
        count(
            case
                when arms_in_groups.choosing_count >= {{ few }} and arms_in_groups.valuing_count >= {{ few }} then 1
            end
        ) = max(arm_counts.arm_count) as is_large
    from arms_in_groups
    inner join arm_counts on arms_in_groups.campaign = arm_counts.campaign
    group by arms_in_groups.campaign, arms_in_groups.segment_key, arms_in_groups.stage_key
),

members_in_cells as (
    select
        members.*,
        case when groups_sized.is_large then members.segment_key else '' end as cell_segment_key,
        case when groups_sized.is_large then members.stage_key else '' end as cell_stage_key
    from members
    inner join groups_sized
        on
            members.campaign = groups_sized.campaign
            and members.segment_key = groups_sized.segment_key
            and members.stage_key = groups_sized.stage_key
),

arms as (
    select
        campaign,
        is_complete,
        cell_segment_key,
        cell_stage_key,
        arm,
        arm_number,
        count(*) as customer_count,
        cast(sum(case when is_choosing then revenue end) as double)
        / nullif(count(case when is_choosing then 1 end), 0) as chosen_mean,
        count(case when not is_choosing then 1 end) as valuing_count,
        cast(sum(case when not is_choosing then revenue end) as double) as revenue_sum,
        cast(sum(case when not is_choosing then revenue * revenue end) as double) as revenue_square_sum
    from members_in_cells
    group by campaign, is_complete, cell_segment_key, cell_stage_key, arm, arm_number
),

-- Within a kind and stage all customers had the same chances of the arms, so weights by the inverse of the chance that
-- add up to one give the plain mean of the arm.
arms_valued as (
    select
        *,
        revenue_sum / nullif(valuing_count, 0) as mean,
        greatest(revenue_square_sum - revenue_sum * revenue_sum / nullif(valuing_count, 0), 0)
        / nullif(valuing_count - 1, 0) / nullif(valuing_count, 0) as squared_error,
        row_number() over (
            partition by campaign, cell_segment_key, cell_stage_key
            order by
                case when cell_segment_key <> '' then chosen_mean end desc nulls last,
                arm_number nulls last
        ) as preference
    from arms
),

-- What is left over is left out where an arm has nobody there to compare.
cells as (
    select
        arms_valued.campaign,
        arms_valued.cell_segment_key,
        arms_valued.cell_stage_key,
        sum(arms_valued.customer_count) as customer_count,
        max(case when arms_valued.arm_number = 0 then arms_valued.mean end) as holdout_mean,
        max(case when arms_valued.arm_number = 0 then arms_valued.squared_error end) as holdout_squared_error
    from arms_valued
    inner join arm_counts on arms_valued.campaign = arm_counts.campaign
    group by arms_valued.campaign, arms_valued.cell_segment_key, arms_valued.cell_stage_key
    having
        count(case when arms_valued.valuing_count > 1 then 1 end) = max(arm_counts.arm_count)
        and max(case when arms_valued.arm_number = 0 then 1 end) = 1
),

policies as (
    select
        *,
        case when arm_number = 0 then 'nobody' else 'everybody ' || arm end as policy,
        arm as policy_arm
    from arms_valued
    union all
    select
        *,
        'best arm by kind and stage' as policy,
        '' as policy_arm
    from arms_valued
    where preference = 1
),

parts as (
    select
        policies.campaign,
        policies.is_complete,
        policies.policy,
        policies.policy_arm,
        policies.cell_segment_key,
        policies.cell_stage_key,
        policies.arm,
        cells.customer_count,
        policies.mean,
        policies.squared_error,
        policies.mean - cells.holdout_mean as gain,
        case
            when policies.arm_number = 0 then cast(0 as double)
            else policies.squared_error + cells.holdout_squared_error
        end as gain_squared_error
    from policies
    inner join cells
        on
            policies.campaign = cells.campaign
            and policies.cell_segment_key = cells.cell_segment_key
            and policies.cell_stage_key = cells.cell_stage_key
),

-- Each kind and stage weighs as many customers as it has.
whole_policies as (
    select
        campaign,
        is_complete,
        policy,
        policy_arm as arm,
        sum(customer_count) as customer_count,
        {{ sum_in_any_order('customer_count * mean') }} / sum(customer_count) as mean,
        sqrt({{ sum_in_any_order('customer_count * customer_count * squared_error') }}) / sum(customer_count) as error,
        {{ sum_in_any_order('customer_count * gain') }} / sum(customer_count) as gain,
        sqrt({{ sum_in_any_order('customer_count * customer_count * gain_squared_error') }}) / sum(customer_count)
            as gain_error
    from parts
    group by campaign, is_complete, policy, policy_arm
),

-- The chosen arm of each kind and stage; those too small to choose for get no campaign.
chosen as (
    select
        groups_sized.campaign,
        groups_sized.segment_key,
        groups_sized.stage_key,
        groups_sized.customer_count,
        parts.arm,
        parts.mean,
        sqrt(parts.squared_error) as error,
        parts.gain,
        sqrt(parts.gain_squared_error) as gain_error
    from groups_sized
    left join parts
        on
            groups_sized.campaign = parts.campaign
            and groups_sized.segment_key = parts.cell_segment_key
            and groups_sized.stage_key = parts.cell_stage_key
            and parts.policy = 'best arm by kind and stage'
),

endings as (
    select
        campaign,
        bool_and(is_complete) as is_complete,
        max(case when arm_number = 0 then arm end) as holdout_arm
    from members
    group by campaign
),

valued as (
    select
        campaign,
        is_complete,
        policy,
        '' as segment_key,
        '' as stage_key,
        arm,
        customer_count,
        mean,
        error,
        gain,
        gain_error
    from whole_policies
    union all
    select
        chosen.campaign,
        endings.is_complete,
        'best arm by kind and stage' as policy,
        chosen.segment_key,
        chosen.stage_key,
        coalesce(chosen.arm, endings.holdout_arm, '') as arm,
        chosen.customer_count,
        chosen.mean,
        chosen.error,
        chosen.gain,
        chosen.gain_error
    from chosen
    inner join endings on chosen.campaign = endings.campaign
),

final as (
    select
        campaign,
        policy,
        segment_key,
        stage_key,
        arm,
        cast(customer_count as integer) as customer_count,
        mean as value_per_customer,
        mean - {{ z }} * error as value_low,
        mean + {{ z }} * error as value_high,
        gain as gain_per_customer,
        gain - {{ z }} * gain_error as gain_low,
        gain + {{ z }} * gain_error as gain_high,
        gain * customer_count as gain_total,
        is_complete
    from valued
)

select * from final
order by campaign, policy, segment_key, stage_key
