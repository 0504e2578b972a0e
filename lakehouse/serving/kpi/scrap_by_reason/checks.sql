-- Each row is a failure: reasons that do not add up to the scrap.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.scrap_by_reason
GROUP BY site_id, machine_id, shift_date, shift_id
HAVING sum(scrap_count) <> max(sq_count)
