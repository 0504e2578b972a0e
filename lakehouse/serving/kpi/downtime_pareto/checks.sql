-- Each row is a failure: no time lost, or more than a day.
SELECT site_id, machine_id, shift_date, shift_id, reason_code
FROM kpi.plant.downtime_pareto
WHERE downtime_s <= 0 OR downtime_s > 90000 OR event_count < 0
