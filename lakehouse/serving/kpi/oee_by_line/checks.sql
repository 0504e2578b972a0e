-- Each row is a failure: a ratio without its reason.
SELECT site_id, line_id, shift_date
FROM kpi.plant.oee_by_line
WHERE (oee_ratio IS NULL) <> (oee_null_reason IS NOT NULL) OR oee_ratio < 0
