-- Question: how hot was each lane, and was it above its limit?
-- Formula:  maximum over 30 minutes (this ten-minute window and the two before); readings above the limit in 10 minutes.
-- Grain:    site, machine, sensor, ten minutes.
-- Inputs:   lake.gold.temperature_window.
-- NULL, 0:  ten minutes without a reading have no row; without a limit in the plant model the count is NULL, never 0.
SELECT
    site_id,
    line_id,
    machine_id,
    lane_number,
    sensor,
    CAST(window_start_at AS timestamp(6) with time zone) AS window_start_at,
    CAST(window_start_local AS timestamp(6)) AS window_start_local,
    reading_count,
    max_celsius AS max_10min_celsius,
    max_30min_celsius,
    over_limit_count AS over_limit_10min_count,
    limit_celsius,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.temperature_window
