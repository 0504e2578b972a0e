-- Each row is a failure: pieces that do not add up, or a ratio without its reason.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.quality_by_shift
WHERE
    pq_count <> gq_count + rq_count + sq_count
    OR quality_ratio NOT BETWEEN 0 AND 1
    OR (quality_ratio IS NULL) <> (quality_null_reason IS NOT NULL)
    OR (quality_time_ratio IS NULL) <> (quality_time_null_reason IS NOT NULL)
