-- Each row is a failure: more left than came in, or a receipt after the day.
SELECT site_id, as_of_date, item_no, received_date
FROM kpi.plant.inventory_age
WHERE remaining_qty > received_qty OR age_d < 0
