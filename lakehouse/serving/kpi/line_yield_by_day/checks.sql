-- Each row is a failure: a yield outside 0 to 1, or one without its reason.
SELECT site_id, line_id, shift_date
FROM kpi.plant.line_yield_by_day
WHERE
    rolled_throughput_yield_ratio NOT BETWEEN 0 AND 1
    OR (rolled_throughput_yield_ratio IS NULL) <> (yield_null_reason IS NOT NULL)
    OR (fall_off_ratio IS NULL) <> (fall_off_null_reason IS NOT NULL)
