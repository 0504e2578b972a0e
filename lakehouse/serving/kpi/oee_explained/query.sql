-- Question: why is this number what it is?
-- Formula:  level 1 elements; 2 segments of time and lines of parts that add up to them; 3 source rows of the quantities with their origin.
-- Grain:    site, machine, shift, drill level, element, item; filter on one machine-shift.
-- Inputs:   lake.gold.machine_shift, lake.gold.time_segment, lake.silver.machine_count, lake.silver.production_event, lake.silver.confirmation.
-- NULL, 0:  values as the tables have them; an element that is NULL names its reason in detail.
SELECT
    m.site_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    1 AS drill_level,
    e.element,
    '' AS item,
    e.element_value,
    IF(e.element_value IS NULL, COALESCE(m.earned_null_reason, ''), e.detail) AS detail,
    'gold.machine_shift' AS source_table,
    CAST(NULL AS varchar) AS source_ref,
    m.revision
FROM lake.gold.machine_shift AS m
CROSS JOIN
    UNNEST(
        ARRAY[
            ('pot_s', CAST(pot_s AS decimal(38, 12)), 'scheduled time'),
            ('planned_down_s', CAST(planned_down_s AS decimal(38, 12)), 'planned breaks and planned stops'),
            ('pbt_s', CAST(pbt_s AS decimal(38, 12)), 'POT less planned down time; denominator of OEE'),
            ('apt_s', CAST(apt_s AS decimal(38, 12)), 'running'),
            ('aust_s', CAST(aust_s AS decimal(38, 12)), 'set-up'),
            ('adet_s', CAST(adet_s AS decimal(38, 12)), 'stops with an order'),
            ('adot_s', CAST(adot_s AS decimal(38, 12)), 'without an order'),
            ('unknown_s', CAST(unknown_s AS decimal(38, 12)), 'no source spoke'),
            ('earned_produced_s', earned_produced_s, 'ideal cycle x produced'),
            ('earned_good_s', earned_good_s, 'ideal cycle x good; numerator of OEE')
        ]
    ) AS e (element, element_value, detail)
UNION ALL
SELECT
    site_id,
    machine_id,
    shift_date,
    shift_id,
    2 AS drill_level,
    CASE category
        WHEN 'running' THEN 'apt_s'
        WHEN 'setup' THEN 'aust_s'
        WHEN 'planned_down' THEN 'planned_down_s'
        WHEN 'unknown' THEN 'unknown_s'
        WHEN 'not_scheduled' THEN 'not_scheduled_s'
        WHEN 'unscheduled_run' THEN 'unscheduled_run_s'
        WHEN 'no_order' THEN 'adot_s'
        ELSE 'adet_s'
    END AS element,
    CAST(segment_start_at AS varchar) AS item,
    CAST(duration_s AS decimal(38, 12)) AS element_value,
    concat_ws(' ', category, reason_code, reason_text, stop_class, IF(is_overrun, 'overrun'), IF(order_no IS NOT NULL, 'order ' || order_no)) AS detail,
    source_table,
    COALESCE(source_ref, source_key) AS source_ref,
    revision
FROM lake.gold.time_segment
UNION ALL
SELECT
    m.site_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    2 AS drill_level,
    'earned_good_s' AS element,
    concat_ws(' ', COALESCE(q.part_no, 'part not named'), q.order_no, q.tool_no, CAST(q.ideal_cycle_s AS varchar)) AS item,
    CAST(CAST(q.gq_count * q.ideal_cycle_s AS decimal(38, 15)) AS decimal(38, 12)) AS element_value,
    concat_ws(' ', 'good', CAST(q.gq_count AS varchar), 'of', CAST(q.pq_count AS varchar), 'x', CAST(q.ideal_cycle_s AS varchar), 's') AS detail,
    'gold.machine_shift' AS source_table,
    CAST(NULL AS varchar) AS source_ref,
    m.revision
FROM lake.gold.machine_shift AS m
CROSS JOIN UNNEST(m.quantity_by_part) AS q (part_no, order_no, tool_no, pq_count, gq_count, rq_count, sq_count, ideal_cycle_s)
UNION ALL
SELECT
    m.site_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    3 AS drill_level,
    'counter reading' AS element,
    CAST(c.reading_at AS varchar) || ' ' || c.event_id AS item,
    CAST(c.good_count AS decimal(38, 12)) AS element_value,
    concat_ws(' ', 'good', CAST(c.good_count AS varchar), 'scrap', CAST(c.scrap_count AS varchar), 'rework', CAST(c.rework_count AS varchar), c.part_no, c.order_no)
        AS detail,
    'silver.machine_count' AS source_table,
    c.source_ref,
    m.revision
FROM lake.gold.machine_shift AS m
INNER JOIN lake.silver.machine_count AS c
    ON
        m.site_id = c.site_id
        AND m.machine_id = c.machine_id
        AND m.shift_start_at <= c.reading_at
        AND m.window_end_at >= c.reading_at
WHERE m.quantity_source = 'counter'
UNION ALL
SELECT
    m.site_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    3 AS drill_level,
    'MES operation' AS element,
    e.event_key AS item,
    CAST(e.completed_qty AS decimal(38, 12)) AS element_value,
    concat_ws(' ', e.event_type, e.activity, 'completed', CAST(e.completed_qty AS varchar), 'rejected', CAST(e.rejected_qty AS varchar), e.part_no, e.order_no)
        AS detail,
    'silver.production_event' AS source_table,
    e.source_ref,
    m.revision
FROM lake.gold.machine_shift AS m
INNER JOIN lake.silver.production_event AS e
    ON
        m.site_id = e.site_id
        AND m.machine_id = e.machine_id
        AND IF(e.end_at > e.start_at, m.shift_start_at < e.end_at AND m.shift_end_at >= e.end_at, m.shift_start_at <= e.end_at AND m.shift_end_at > e.end_at)
WHERE m.quantity_source = 'mes'
UNION ALL
SELECT
    m.site_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    3 AS drill_level,
    'confirmation' AS element,
    c.confirmation_key AS item,
    CAST(c.good_qty AS decimal(38, 12)) AS element_value,
    concat_ws(' ', 'good', CAST(c.good_qty AS varchar), 'scrap', CAST(c.scrap_qty AS varchar), 'rework', CAST(c.rework_qty AS varchar), c.part_no, c.order_no)
        AS detail,
    'silver.confirmation' AS source_table,
    c.source_ref,
    m.revision
FROM lake.gold.machine_shift AS m
INNER JOIN lake.silver.confirmation AS c
    ON
        m.site_id = c.site_id
        AND m.machine_id = c.machine_id
        AND IF(
            IF(c.is_rework, m.rework_policy, m.late_scrap_policy) = 'production_time' AND c.produced_date IS NOT NULL,
            m.shift_date = c.produced_date AND m.shift_id = c.produced_shift_id,
            m.shift_date = c.posting_date AND m.shift_id = c.shift_id
        )
WHERE m.quantity_source = 'confirmation'
