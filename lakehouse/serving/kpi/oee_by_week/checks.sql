-- Each row is a failure: a ratio without its reason, or a value outside its band.
SELECT site_id, machine_id, week_start_date
FROM kpi.plant.oee_by_week
WHERE
    (oee_ratio IS NULL) <> (oee_null_reason IS NOT NULL)
    OR oee_ratio NOT BETWEEN oee_lower_ratio AND oee_upper_ratio
    OR availability_ratio NOT BETWEEN 0 AND 1
