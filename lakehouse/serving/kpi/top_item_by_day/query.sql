-- Question: what was made most on a day?
-- Formula:  distinct boards of an item that passed anywhere on the day; share = boards / boards of all items of the day.
-- Grain:    site, date, item.
-- Inputs:   lake.gold.item_day.
-- NULL, 0:  the item is NULL where the work order is unknown; share NULL on a day without a board.
SELECT
    site_id,
    item_no,
    production_date,
    board_count,
    work_order_count,
    scan_count,
    CAST(sum(board_count) OVER (PARTITION BY site_id, production_date) AS bigint) AS day_board_count,
    CAST(board_count AS decimal(38, 12)) / NULLIF(sum(board_count) OVER (PARTITION BY site_id, production_date), 0) AS share_ratio,
    rank() OVER (PARTITION BY site_id, production_date ORDER BY board_count DESC) AS rank_no,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.item_day
