-- Each row is a failure: a half hour cooler than its last ten minutes, or a count that does not match.
SELECT site_id, machine_id, sensor, window_start_at
FROM kpi.plant.temperature_by_lane
WHERE
    max_30min_celsius < max_10min_celsius
    OR over_limit_10min_count > reading_count
    OR (over_limit_10min_count IS NULL) <> (limit_celsius IS NULL)
