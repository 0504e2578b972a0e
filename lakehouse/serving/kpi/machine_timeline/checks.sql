-- Each row is a failure: a stretch without length.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.machine_timeline
WHERE segment_end_at <= segment_start_at OR duration_s <= 0
