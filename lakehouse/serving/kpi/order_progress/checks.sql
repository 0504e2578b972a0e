-- Each row is a failure: more boards through the last stage than there are.
SELECT site_id, work_order_no
FROM kpi.plant.order_progress
WHERE last_stage_board_count > board_count
