-- Question: what does each machine do now, and since when?
-- Formula:  the latest segment of its time ledger; since is the start of the event, or of the segment where there is no event.
-- Grain:    site, machine.
-- Inputs:   lake.gold.time_segment.
-- NULL, 0:  silence shows as category unknown, never as running; a machine that gold does not know has no row.
SELECT
    site_id,
    max_by(line_id, segment_start_at) AS line_id,
    machine_id,
    max_by(shift_date, segment_start_at) AS shift_date,
    max_by(shift_id, segment_start_at) AS shift_id,
    max_by(category, segment_start_at) AS category,
    max_by(reason_code, segment_start_at) AS reason_code,
    max_by(reason_text, segment_start_at) AS reason_text,
    CAST(max_by(COALESCE(event_start_at, segment_start_at), segment_start_at) AS timestamp(6) with time zone) AS since_at,
    CAST(
        max_by(
            segment_start_local - (segment_start_at - COALESCE(event_start_at, segment_start_at)), segment_start_at
        ) AS timestamp(6)
    ) AS since_local,
    CAST(max_by(as_of, segment_start_at) AS timestamp(6) with time zone) AS as_of,
    max_by(revision, segment_start_at) AS revision
FROM lake.gold.time_segment
GROUP BY site_id, machine_id
