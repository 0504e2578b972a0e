-- Question: was in each hour made what was planned?
-- Formula:  adherence = distinct boards that passed / planned pieces, where several portions of an hour are one plan.
-- Grain:    site, item, station, date, hour, work order; full outer.
-- Inputs:   lake.gold.plan_adherence.
-- NULL, 0:  adherence NULL with a reason where nothing was planned; boards without a plan and plans without a board are kept.
SELECT
    site_id,
    item_no,
    station,
    slot_date,
    slot_hour,
    work_order_no,
    planned_qty,
    break_min,
    portion_count,
    board_count,
    failed_board_count,
    scan_count,
    CAST(board_count - COALESCE(planned_qty, 0) AS decimal(18, 3)) AS difference_count,
    CAST(board_count AS decimal(38, 12)) / NULLIF(planned_qty, 0) AS adherence_ratio,
    CASE WHEN planned_qty IS NULL THEN 'NOT_PLANNED' WHEN planned_qty = 0 THEN 'PLANNED_ZERO' END AS adherence_null_reason,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.plan_adherence
