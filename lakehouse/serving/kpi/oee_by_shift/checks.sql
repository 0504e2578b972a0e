-- Each row is a failure: a ratio without its reason, a value outside its band, or A x P x Qt that is not OEE.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.oee_by_shift
WHERE
    (oee_ratio IS NULL) <> (oee_null_reason IS NOT NULL)
    OR (performance_ratio IS NULL) <> (performance_null_reason IS NOT NULL)
    OR (quality_ratio IS NULL) <> (quality_null_reason IS NOT NULL)
    OR (quality_time_ratio IS NULL) <> (quality_time_null_reason IS NOT NULL)
    OR oee_ratio NOT BETWEEN oee_lower_ratio AND oee_upper_ratio
    OR availability_lower_ratio > availability_upper_ratio
    OR abs(
        CAST(availability_ratio AS double) * CAST(performance_ratio AS double) * CAST(quality_time_ratio AS double) - CAST(oee_ratio AS double)
    ) > 1e-9
    OR abs(
        CAST(availability_tpm_ratio AS double) * CAST(performance_tpm_ratio AS double) * CAST(quality_time_ratio AS double)
        - CAST(oee_ratio AS double)
    ) > 1e-9
