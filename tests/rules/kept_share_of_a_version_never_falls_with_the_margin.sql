with

calibration as (
    select
        model_version,
        margin_bin,
        kept_share,
        lag(kept_share) over (partition by model_version order by margin_bin nulls last) as kept_share_before
    from {{ ref('segment_calibration') }}
)

select * from calibration
where kept_share < kept_share_before
