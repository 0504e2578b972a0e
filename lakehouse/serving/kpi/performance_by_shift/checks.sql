-- Each row is a failure: a ratio without its reason, or one above 1 without its flag.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.performance_by_shift
WHERE
    (performance_ratio IS NULL) <> (performance_null_reason IS NOT NULL)
    OR performance_ratio < 0
    OR performance_iso22400_ratio > 1 AND strpos(flags, 'P_GT_1') = 0
