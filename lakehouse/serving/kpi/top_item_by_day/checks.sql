-- Each row is a failure: an item with more boards than its day.
SELECT site_id, production_date, item_no
FROM kpi.plant.top_item_by_day
WHERE board_count > day_board_count
