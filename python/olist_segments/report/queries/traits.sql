select
    traits.segment_key, traits.segment_name, traits.as_of_date, traits.trait_number, traits.trait, traits.feature,
    traits.segment_mean, traits.customer_mean, traits.z_score
from segment_traits as traits
inner join segment_profiles as profiles on traits.segment_key = profiles.segment_key
order by profiles.revenue_share desc, traits.segment_key, traits.trait_number
