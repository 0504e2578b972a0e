-- Each row is a failure: a negative count, rows kept without a newest landing, or less allowed than promised.
SELECT site_id, silver_table
FROM kpi.plant.data_health
WHERE
    kept_count < 0
    OR quarantined_count < 0
    OR (kept_count > 0 AND newest_landed_at IS NULL)
    OR (promised_within_s IS NOT NULL AND (allowed_s IS NULL OR allowed_s < promised_within_s))
