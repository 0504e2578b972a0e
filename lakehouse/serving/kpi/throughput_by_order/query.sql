-- Question: how fast did each order run through each machine?
-- Formula:  throughput rate = PQ / AOET; AOET from the first to the last stretch with the order, waiting included (ISO 22400).
-- Grain:    site, machine, order.
-- Inputs:   lake.gold.time_segment, lake.gold.machine_shift.
-- NULL, 0:  orders that no source names have no row; an order without output is 0.
WITH executed AS (
    SELECT
        site_id,
        machine_id,
        order_no,
        min(segment_start_at) AS order_start_at,
        max(segment_end_at) AS order_end_at,
        sum(duration_s) AS occupied_s,
        max(as_of) AS as_of,
        max(revision) AS revision
    FROM lake.gold.time_segment
    WHERE order_no IS NOT NULL
    GROUP BY site_id, machine_id, order_no
),

made AS (
    SELECT
        m.site_id,
        m.machine_id,
        q.order_no,
        sum(q.pq_count) AS pq_count,
        sum(q.gq_count) AS gq_count
    FROM lake.gold.machine_shift AS m
    CROSS JOIN UNNEST(m.quantity_by_part) AS q (part_no, order_no, tool_no, pq_count, gq_count, rq_count, sq_count, ideal_cycle_s)
    WHERE q.order_no IS NOT NULL
    GROUP BY m.site_id, m.machine_id, q.order_no
)

SELECT
    e.site_id,
    e.machine_id,
    e.order_no,
    CAST(e.order_start_at AS timestamp(6) with time zone) AS order_start_at,
    CAST(e.order_end_at AS timestamp(6) with time zone) AS order_end_at,
    CAST(date_diff('millisecond', e.order_start_at, e.order_end_at) / CAST(1000 AS decimal(18, 6)) AS decimal(18, 6)) AS aoet_s,
    CAST(e.occupied_s AS decimal(18, 6)) AS occupied_s,
    CAST(COALESCE(q.pq_count, 0) AS decimal(18, 6)) AS pq_count,
    CAST(COALESCE(q.gq_count, 0) AS decimal(18, 6)) AS gq_count,
    CAST(COALESCE(q.pq_count, 0) AS decimal(38, 12)) * 3600
    / NULLIF(CAST(date_diff('millisecond', e.order_start_at, e.order_end_at) / CAST(1000 AS decimal(18, 6)) AS decimal(18, 6)), 0)
        AS throughput_per_h,
    CAST(e.as_of AS timestamp(6) with time zone) AS as_of,
    e.revision
FROM executed AS e
LEFT JOIN made AS q ON e.site_id = q.site_id AND e.machine_id = q.machine_id AND e.order_no = q.order_no
