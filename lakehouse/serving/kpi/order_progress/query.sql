-- Question: how far is each order?
-- Formula:  progress = done / ordered; done is what the last operation confirmed, never a sum over operations.
-- Grain:    site, work order.
-- Inputs:   lake.gold.order_progress.
-- NULL, 0:  progress NULL with a reason where the order itself was not delivered, or nobody reported.
SELECT
    site_id,
    work_order_no,
    is_known,
    item_no,
    ordered_qty,
    planned_qty,
    board_count,
    last_stage_id,
    last_stage_board_count,
    CAST(last_scan_at AS timestamp(6) with time zone) AS last_scan_at,
    operation_count,
    last_operation_no,
    confirmed_good_qty,
    confirmed_scrap_qty,
    confirmed_rework_qty,
    shot_count,
    last_posting_date,
    CAST(planned_start_at AS timestamp(6) with time zone) AS planned_start_at,
    CAST(planned_end_at AS timestamp(6) with time zone) AS planned_end_at,
    CAST(started_at AS timestamp(6) with time zone) AS started_at,
    CAST(ended_at AS timestamp(6) with time zone) AS ended_at,
    is_blocked,
    is_closed,
    CASE
        WHEN confirmed_good_qty IS NOT NULL THEN confirmed_good_qty
        WHEN last_stage_id IS NOT NULL THEN CAST(last_stage_board_count AS decimal(18, 3))
    END AS done_qty,
    CASE WHEN confirmed_good_qty IS NOT NULL THEN 'confirmation' WHEN last_stage_id IS NOT NULL THEN 'mes_result' END AS done_source,
    CASE
        WHEN confirmed_good_qty IS NOT NULL THEN CAST(confirmed_good_qty AS decimal(38, 12))
        WHEN last_stage_id IS NOT NULL THEN CAST(last_stage_board_count AS decimal(38, 12))
    END / NULLIF(ordered_qty, 0) AS progress_ratio,
    CASE
        WHEN ordered_qty IS NULL THEN 'ORDER_UNKNOWN'
        WHEN ordered_qty = 0 THEN 'ORDERED_ZERO'
        WHEN confirmed_good_qty IS NULL AND last_stage_id IS NULL THEN 'NOT_REPORTED'
    END AS progress_null_reason,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.order_progress
