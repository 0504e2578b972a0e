-- Question: how much of what each machine made was scrap?
-- Formula:  scrap ratio = (SQ + lost in rework) / PQ; rework ratio RQ / PQ; actual to planned scrap SQ / PSQ (ISO 22400).
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no output is NULL with NO_OUTPUT, a shift without planned time NULL with NO_PLANNED_TIME; output without scrap is 0; no planned scrap is NULL.
SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    pq_count,
    sq_count,
    rq_count,
    rework_scrap_count,
    startup_scrap_count,
    psq_count,
    IF(pbt_s > 0, CAST((sq_count + rework_scrap_count) AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS scrap_ratio,
    IF(pbt_s > 0, CAST(rq_count AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS rework_ratio,
    CAST(sq_count AS decimal(38, 12)) / NULLIF(psq_count, 0) AS actual_to_planned_scrap_ratio,
    CASE WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME' WHEN pq_count = 0 THEN 'NO_OUTPUT' END AS scrap_null_reason,
    IF(psq_count = 0, 'NO_PLANNED_SCRAP') AS planned_scrap_null_reason,
    is_provisional,
    pbt_s,
    unknown_s,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
