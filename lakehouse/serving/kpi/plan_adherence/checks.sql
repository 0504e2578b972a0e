-- Each row is a failure: nothing was planned and nothing was scanned.
SELECT site_id, station, slot_date, slot_hour
FROM kpi.plant.plan_adherence
WHERE portion_count = 0 AND scan_count = 0
