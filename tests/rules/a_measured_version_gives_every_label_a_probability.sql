-- A version of one segment counts as measured: nobody could be anywhere else.
with

measured_versions as (
    select model_version from {{ ref('segment_calibration') }}
    union distinct
    select model_version from {{ ref('segment_versions') }}
    where segment_count = 1
)

select
    labels.customer_unique_id,
    labels.as_of_date,
    labels.model_version,
    labels.segment_margin
from {{ ref('customer_segments_monthly') }} as labels
inner join measured_versions on labels.model_version = measured_versions.model_version
where labels.segment_probability is null
