-- Question: what share of what each machine made was good?
-- Formula:  Qn = GQ / PQ by pieces; Qt = earned good / earned produced by ideal time; after rework (GQ + saved) / PQ; rework ratio RQ / PQ.
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no output is NULL with NO_OUTPUT; rework is not good in the run that made it, and its second pass is no new output.
SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    pq_count,
    gq_count,
    rq_count,
    sq_count,
    rework_good_count,
    rework_scrap_count,
    earned_good_s,
    earned_produced_s,
    IF(pbt_s > 0, CAST(gq_count AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS quality_ratio,
    IF(pbt_s > 0, CAST(earned_good_s AS decimal(38, 12)) / NULLIF(earned_produced_s, 0)) AS quality_time_ratio,
    IF(pbt_s > 0, CAST((gq_count + rework_good_count) AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS quality_final_ratio,
    IF(pbt_s > 0, CAST(rq_count AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS rework_ratio,
    CASE WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME' WHEN pq_count = 0 THEN 'NO_OUTPUT' END AS quality_null_reason,
    CASE
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN earned_produced_s IS NULL THEN 'MISSING_MASTER_DATA'
        WHEN earned_produced_s = 0 THEN 'NO_OUTPUT'
    END AS quality_time_null_reason,
    is_provisional,
    pbt_s,
    unknown_s,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
