-- Each row is a failure: a ratio outside 0 to 1, or one without its reason.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.scrap_by_shift
WHERE scrap_ratio NOT BETWEEN 0 AND 1 OR (scrap_ratio IS NULL) <> (scrap_null_reason IS NOT NULL)
