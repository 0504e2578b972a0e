-- Question: which reasons cost how many pieces?
-- Formula:  scrap ratio of a reason = its pieces / PQ of the machine-shift; reasons of a shift add up to its first-pass scrap.
-- Grain:    site, machine, shift, scrap reason.
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  a reason that did not occur has no row; scrap whose source names no reason stands under NOT_NAMED.
WITH named AS (
    SELECT
        *,
        reduce(map_values(scrap_by_reason), CAST(0 AS decimal(18, 6)), (a, v) -> CAST(a + v AS decimal(18, 6)), a -> a) AS named_count
    FROM lake.gold.machine_shift
    WHERE sq_count > 0
),

whole AS (
    SELECT
        *,
        IF(
            named_count < sq_count,
            map_concat(scrap_by_reason, MAP(ARRAY['NOT_NAMED'], ARRAY[CAST(sq_count - named_count AS decimal(18, 6))])),
            scrap_by_reason
        ) AS reasons
    FROM named
)

SELECT
    w.site_id,
    w.area_id,
    w.line_id,
    w.machine_id,
    w.shift_date,
    w.shift_id,
    CAST(w.shift_start_local AS timestamp(6)) AS shift_start_local,
    r.scrap_reason,
    r.scrap_count,
    w.sq_count,
    w.pq_count,
    CAST(r.scrap_count AS decimal(38, 12)) / NULLIF(w.pq_count, 0) AS scrap_ratio,
    w.is_provisional,
    w.definition_version,
    CAST(w.as_of AS timestamp(6) with time zone) AS as_of,
    w.revision
FROM whole AS w
CROSS JOIN UNNEST(w.reasons) AS r (scrap_reason, scrap_count)
