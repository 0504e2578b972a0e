-- Each row is a failure: a ratio outside 0 to 1.
SELECT site_id, machine_id, shift_date, shift_id, threshold_s
FROM kpi.plant.micro_stop_sensitivity
WHERE availability_tpm_ratio NOT BETWEEN 0 AND 1 OR (availability_tpm_ratio IS NULL) <> (availability_null_reason IS NOT NULL)
