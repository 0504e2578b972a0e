-- Question: which master data is missing, and what does it cost?
-- Formula:  parts of missing_master_data with their machine-shifts and pieces; stops under reason UNKNOWN with their time.
-- Grain:    site, machine, kind, missing item.
-- Inputs:   lake.gold.machine_shift, lake.gold.time_segment.
-- NULL, 0:  nothing missing is no row; a missing cycle is never guessed, the OEE of its shifts is NULL.
SELECT
    m.site_id,
    m.machine_id,
    'ideal_cycle' AS kind,
    p.missing_item,
    count(*) AS shift_count,
    CAST(sum(
        reduce(
            filter(m.quantity_by_part, q -> COALESCE(q.part_no, 'part not named') = p.missing_item AND q.ideal_cycle_s IS NULL),
            CAST(0 AS decimal(18, 6)), (a, q) -> CAST(a + q.pq_count AS decimal(18, 6)), a -> a
        )
    ) AS decimal(18, 6)) AS piece_count,
    CAST(0 AS decimal(18, 6)) AS stop_s,
    min(m.shift_date) AS first_date,
    max(m.shift_date) AS last_date,
    'ideal_cycles of the site in conf/plant' AS remedy,
    max(m.revision) AS revision
FROM lake.gold.machine_shift AS m
CROSS JOIN UNNEST(m.missing_master_data) AS p (missing_item)
GROUP BY m.site_id, m.machine_id, p.missing_item
UNION ALL
SELECT
    site_id,
    machine_id,
    'reason_code' AS kind,
    COALESCE(reason_text, 'UNKNOWN') AS missing_item,
    count(DISTINCT CAST(shift_date AS varchar) || shift_id) AS shift_count,
    CAST(0 AS decimal(18, 6)) AS piece_count,
    CAST(sum(duration_s) AS decimal(18, 6)) AS stop_s,
    min(shift_date) AS first_date,
    max(shift_date) AS last_date,
    'reasons of the site in conf/plant' AS remedy,
    max(revision) AS revision
FROM lake.gold.time_segment
WHERE source_table = 'silver.machine_interruption' AND reason_code = 'UNKNOWN'
GROUP BY site_id, machine_id, COALESCE(reason_text, 'UNKNOWN')
