-- Each row is a failure: a negative count, or rows kept without a newest event.
SELECT site_id, silver_table
FROM kpi.plant.data_health
WHERE kept_count < 0 OR quarantined_count < 0 OR (kept_count > 0 AND newest_landed_at IS NULL)
