-- Each row is a failure: said to agree beyond the tolerance.
SELECT site_id, machine_id, shift_date, shift_id, order_no
FROM kpi.plant.order_reconciliation
WHERE likely_cause = 'AGREE' AND NOT is_within_tolerance
