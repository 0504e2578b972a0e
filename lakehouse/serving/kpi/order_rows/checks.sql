-- Each row is a failure: an hour whose planned pieces its rows do not add up to.
WITH b AS (
    SELECT site_id, item_no, station, slot_date, slot_hour, COALESCE(work_order_no, '') AS work_order_no, sum(quantity) AS planned_qty
    FROM kpi.plant.order_rows
    WHERE kind = 'planned'
    GROUP BY 1, 2, 3, 4, 5, 6
)

SELECT a.site_id, a.item_no, a.station, a.slot_date, a.slot_hour, a.work_order_no
FROM kpi.plant.plan_adherence AS a
INNER JOIN b
    ON
        a.site_id = b.site_id AND a.item_no = b.item_no AND a.station = b.station AND a.slot_date = b.slot_date AND a.slot_hour = b.slot_hour
        AND COALESCE(a.work_order_no, '') = b.work_order_no
WHERE a.planned_qty <> b.planned_qty
