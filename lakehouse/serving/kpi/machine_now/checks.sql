-- Each row is a failure: a state that began after it was known.
SELECT site_id, machine_id
FROM kpi.plant.machine_now
WHERE since_at > as_of
