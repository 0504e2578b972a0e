-- Question: how much does the micro-stop threshold matter?
-- Formula:  whole contiguous stops shorter than the threshold are micro-stops; availability (tpm) = (APT + micro-stops) / PBT.
-- Grain:    site, machine, shift, threshold.
-- Inputs:   lake.gold.time_segment, lake.gold.machine_shift.
-- NULL, 0:  no planned busy time is NULL; stops that are open and shorter count as neither (indeterminate).
WITH s AS (
    SELECT
        *,
        date_diff('millisecond', stop_start_at, stop_end_at) / 1000.0 AS whole_s
    FROM lake.gold.time_segment
    WHERE category = 'unplanned_stop' AND stop_class IN ('long', 'micro') AND NOT is_overrun
)

SELECT
    m.site_id,
    m.area_id,
    m.line_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    CAST(m.shift_start_local AS timestamp(6)) AS shift_start_local,
    t.threshold_s,
    m.pbt_s,
    m.apt_s,
    CAST(COALESCE(sum(s.duration_s) FILTER (WHERE s.whole_s < t.threshold_s), 0) AS decimal(18, 6)) AS micro_stop_s,
    COALESCE(count_if(s.is_event_start AND s.whole_s < t.threshold_s), 0) AS micro_stop_count,
    CAST((m.apt_s + COALESCE(sum(s.duration_s) FILTER (WHERE s.whole_s < t.threshold_s), 0)) AS decimal(38, 12))
    / NULLIF(m.pbt_s, 0) AS availability_tpm_ratio,
    IF(m.pbt_s = 0, 'NO_PLANNED_TIME') AS availability_null_reason,
    m.definition_version,
    CAST(m.as_of AS timestamp(6) with time zone) AS as_of,
    m.revision
FROM lake.gold.machine_shift AS m
CROSS JOIN (VALUES 30, 60, 120, 180, 300, 600, 900) AS t (threshold_s)
LEFT JOIN s
    ON
        m.site_id = s.site_id
        AND m.machine_id = s.machine_id
        AND m.shift_date = s.shift_date
        AND m.shift_id = s.shift_id
        AND m.revision = s.revision
WHERE NOT starts_with(m.shift_id, 'off')
GROUP BY
    m.site_id, m.area_id, m.line_id, m.machine_id, m.shift_date, m.shift_id, m.shift_start_local, t.threshold_s, m.pbt_s, m.apt_s,
    m.definition_version, m.as_of, m.revision
