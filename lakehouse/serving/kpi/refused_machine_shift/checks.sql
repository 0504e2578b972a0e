-- Each row is a failure: a refused row without pieces.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.refused_machine_shift
WHERE pq_count <= 0
