-- Each row is a failure: a missing cycle without pieces.
SELECT site_id, machine_id, kind, missing_item
FROM kpi.plant.missing_master_data
WHERE kind = 'ideal_cycle' AND piece_count <= 0
