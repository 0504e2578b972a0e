-- Each row is a failure: an order that took less time than its stretches.
SELECT site_id, machine_id, order_no
FROM kpi.plant.throughput_by_order
WHERE aoet_s < occupied_s - 0.001 OR throughput_per_h < 0
