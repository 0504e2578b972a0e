-- Question: which reasons cost how much time, and how often?
-- Formula:  sum of ledger segments by reason; an event counts in the shift that holds its start, its time in each shift that it reaches into.
-- Grain:    site, machine, shift, category, reason, class of the stop (breaks of the calendar and time outside shifts are left out).
-- Inputs:   lake.gold.time_segment, lake.gold.machine_shift.
-- NULL, 0:  a reason that did not occur has no row; an event that only reaches into the shift has time and 0 events; the whole event decides its class.
SELECT
    s.site_id,
    m.area_id,
    s.line_id,
    s.machine_id,
    s.shift_date,
    s.shift_id,
    CAST(m.shift_start_local AS timestamp(6)) AS shift_start_local,
    s.category,
    s.reason_code,
    s.reason_text,
    s.stop_class,
    s.is_failure,
    CAST(sum(s.duration_s) AS decimal(18, 6)) AS downtime_s,
    CAST(sum(s.duration_s) AS decimal(38, 12)) / 60 AS downtime_min,
    count_if(s.is_event_start) AS event_count,
    m.is_provisional,
    m.pbt_s,
    m.unknown_s,
    m.unknown_time_ratio,
    m.definition_version,
    CAST(m.as_of AS timestamp(6) with time zone) AS as_of,
    s.revision
FROM lake.gold.time_segment AS s
INNER JOIN lake.gold.machine_shift AS m
    ON
        s.site_id = m.site_id
        AND s.machine_id = m.machine_id
        AND s.shift_date = m.shift_date
        AND s.shift_id = m.shift_id
        AND s.revision = m.revision
WHERE
    s.category IN ('planned_down', 'setup', 'unplanned_stop', 'blocked_starved', 'no_order')
    AND NOT (s.source_table = 'calendar' AND s.reason_code IS NULL)
    AND NOT starts_with(s.shift_id, 'off')
GROUP BY
    s.site_id, m.area_id, s.line_id, s.machine_id, s.shift_date, s.shift_id, s.category, s.reason_code, s.reason_text, s.stop_class, s.is_failure,
    s.revision, m.shift_start_local, m.is_provisional, m.pbt_s, m.unknown_s, m.unknown_time_ratio, m.definition_version, m.as_of
