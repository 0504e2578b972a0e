-- Each row is a failure: a ratio without its reason.
SELECT site_id, machine_id, shift_date
FROM kpi.plant.teep_by_day
WHERE (teep_ratio IS NULL) <> (teep_null_reason IS NOT NULL) OR (ooe_ratio IS NULL) <> (ooe_null_reason IS NOT NULL)
