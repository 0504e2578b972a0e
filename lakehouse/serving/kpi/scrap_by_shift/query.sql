-- Question: how much of what each machine made was scrap?
-- Formula:  scrap ratio = SQ / PQ; PQ = good + rework + scrap of the first pass (ISO 22400).
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no output is NULL with NO_OUTPUT, a shift without planned time NULL with NO_PLANNED_TIME; output without scrap is 0.
SELECT
    site_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    pq_count,
    sq_count,
    rq_count,
    IF(pbt_s > 0, CAST(sq_count AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS scrap_ratio,
    CASE WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME' WHEN pq_count = 0 THEN 'NO_OUTPUT' END AS scrap_null_reason,
    is_provisional,
    CAST(unknown_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
