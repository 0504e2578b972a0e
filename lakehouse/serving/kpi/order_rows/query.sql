-- Question: which rows are behind a number of plan, order or stock?
-- Formula:  planned_qty = sum of quantity of `planned`; board_count = distinct board_id of `scanned` that passed; the others are their sums.
-- Grain:    source table, source row; filter on item, order or slot.
-- Inputs:   lake.silver.production_plan, production_result, work_order, confirmation, stock_movement; lake.gold.plan_adherence for the zone.
-- NULL, 0:  item_no of a scan or confirmation is NULL where its work order is unknown; values as the tables have them.
WITH zones AS (
    SELECT site_id, max(zone) AS site_zone
    FROM lake.gold.plan_adherence
    GROUP BY site_id
),

scans AS (
    SELECT r.*, at_timezone(r.inspected_at, z.site_zone) AS inspected_local
    FROM lake.silver.production_result AS r
    INNER JOIN zones AS z ON r.site_id = z.site_id
)

SELECT
    site_id,
    'planned' AS kind,
    item_no,
    work_order_no,
    station,
    plan_date AS slot_date,
    slot_hour,
    CAST(NULL AS varchar) AS board_id,
    CAST(NULL AS varchar) AS operation_no,
    CAST(NULL AS varchar) AS status,
    planned_qty AS quantity,
    'silver.production_plan' AS source_table,
    source_ref
FROM lake.silver.production_plan
UNION ALL
SELECT
    s.site_id,
    'scanned' AS kind,
    o.item_no,
    s.work_order_no,
    s.station,
    CAST(s.inspected_local AS date) AS slot_date,
    CAST(hour(s.inspected_local) AS integer) AS slot_hour,
    s.board_id,
    s.routing_stage_id AS operation_no,
    s.status,
    CAST(NULL AS decimal(18, 3)) AS quantity,
    'silver.production_result' AS source_table,
    s.source_ref
FROM scans AS s
LEFT JOIN lake.silver.work_order AS o
    ON s.site_id = o.site_id AND s.work_order_no = o.work_order_no
UNION ALL
SELECT
    site_id,
    'ordered' AS kind,
    item_no,
    work_order_no,
    CAST(NULL AS varchar) AS station,
    CAST(NULL AS date) AS slot_date,
    CAST(NULL AS integer) AS slot_hour,
    CAST(NULL AS varchar) AS board_id,
    CAST(NULL AS varchar) AS operation_no,
    IF(is_closed, 'closed', IF(is_blocked, 'blocked', IF(is_started, 'started'))) AS status,
    ordered_qty AS quantity,
    'silver.work_order' AS source_table,
    source_ref
FROM lake.silver.work_order
UNION ALL
SELECT
    site_id,
    'confirmed' AS kind,
    part_no AS item_no,
    order_no AS work_order_no,
    machine_id AS station,
    posting_date AS slot_date,
    CAST(NULL AS integer) AS slot_hour,
    CAST(NULL AS varchar) AS board_id,
    operation_no,
    IF(is_rework, 'rework', 'first pass') AS status,
    good_qty AS quantity,
    'silver.confirmation' AS source_table,
    source_ref
FROM lake.silver.confirmation
WHERE order_no IS NOT NULL
UNION ALL
SELECT
    site_id,
    'moved' AS kind,
    item_no,
    CAST(NULL AS varchar) AS work_order_no,
    location_code AS station,
    registered_date AS slot_date,
    CAST(NULL AS integer) AS slot_hour,
    CAST(NULL AS varchar) AS board_id,
    CAST(NULL AS varchar) AS operation_no,
    entry_type AS status,
    moved_base_qty AS quantity,
    'silver.stock_movement' AS source_table,
    source_ref
FROM lake.silver.stock_movement
