-- Each row is a failure: a mean without failures, or a ratio outside 0 to 1.
SELECT site_id, machine_id, week_start_date
FROM kpi.plant.reliability_by_week
WHERE
    (mtbf_s IS NULL) <> (failure_null_reason IS NOT NULL)
    OR availability_inherent_ratio NOT BETWEEN 0 AND 1
    OR (corrective_maintenance_ratio IS NULL) <> (maintenance_null_reason IS NOT NULL)
