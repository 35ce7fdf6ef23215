select
    calibration.model, calibration.tenth, calibration.customer_count, calibration.returned_count,
    calibration.predicted_share, calibration.observed_share, calibration.observed_share_low,
    calibration.observed_share_high
from forecast_calibration as calibration
inner join forecast_versions as versions
    on calibration.forecast_version = versions.forecast_version and calibration.model = versions.model
where versions.is_in_force and calibration.as_of_date is null
order by calibration.tenth
