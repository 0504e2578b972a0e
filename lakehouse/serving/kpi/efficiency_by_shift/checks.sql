-- Each row is a failure: a share of time outside 0 to 1, or an index without its reason.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.efficiency_by_shift
WHERE
    allocation_efficiency_ratio NOT BETWEEN 0 AND 1
    OR utilization_efficiency_ratio NOT BETWEEN 0 AND 1
    OR setup_ratio NOT BETWEEN 0 AND 1
    OR (nee_index_ratio IS NULL) <> (nee_null_reason IS NOT NULL)
    OR (ooe_ratio IS NULL) <> (ooe_null_reason IS NOT NULL)
