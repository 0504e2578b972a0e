-- Each row is a failure: a negative ratio, more start-up scrap than scrap, or a ratio without its reason.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.scrap_by_shift
WHERE
    scrap_ratio < 0
    OR startup_scrap_count > sq_count
    OR (scrap_ratio IS NULL) <> (scrap_null_reason IS NOT NULL)
