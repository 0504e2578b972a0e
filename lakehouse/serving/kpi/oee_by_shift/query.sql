-- Question: how well did each machine use its shift?
-- Formula:  OEE = earned good time / planned busy time = A x P x Qt, in each profile; the band holds what unknown time, open stops and missing cycles may hide.
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  0/0 is NULL with its reason, never 0; no output in run time is P = 0 and OEE = 0; nothing is capped; no OEE where a source contradicts itself.
SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    profile,
    pbt_s,
    apt_s,
    micro_stop_s,
    CAST(apt_s + IF(profile = 'tpm', micro_stop_s, 0) AS decimal(18, 6)) AS run_s,
    earned_produced_s,
    earned_good_s,
    CAST(earned_known_good_s AS decimal(38, 12)) AS earned_sure_s,
    CAST(earned_known_good_s + uncounted_s + IF(earned_produced_s IS NULL, greatest(apt_s - earned_known_produced_s, 0), 0) AS decimal(38, 12)) AS earned_possible_s,
    pq_count,
    gq_count,
    CAST((apt_s + IF(profile = 'tpm', micro_stop_s, 0)) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_ratio,
    CAST(apt_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_iso22400_ratio,
    CAST((apt_s + micro_stop_s) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_tpm_ratio,
    IF(
        pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'),
        CAST(earned_produced_s AS decimal(38, 12)) / NULLIF((apt_s + IF(profile = 'tpm', micro_stop_s, 0)), 0)
    ) AS performance_ratio,
    IF(pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'), CAST(earned_produced_s AS decimal(38, 12)) / NULLIF(apt_s, 0)) AS performance_iso22400_ratio,
    IF(pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'), CAST(earned_produced_s AS decimal(38, 12)) / NULLIF((apt_s + micro_stop_s), 0)) AS performance_tpm_ratio,
    IF(pbt_s > 0, CAST(gq_count AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS quality_ratio,
    IF(pbt_s > 0, CAST(earned_good_s AS decimal(38, 12)) / NULLIF(earned_produced_s, 0)) AS quality_time_ratio,
    IF(contains(flags, 'CONTRACT_VIOLATION'), NULL, CAST(earned_good_s AS decimal(38, 12)) / NULLIF(pbt_s, 0)) AS oee_ratio,
    IF(contains(flags, 'CONTRACT_VIOLATION'), NULL, CAST(earned_known_good_s AS decimal(38, 12)) / NULLIF(pbt_s, 0)) AS oee_lower_ratio,
    IF(
        contains(flags, 'CONTRACT_VIOLATION'),
        NULL,
        CAST(earned_known_good_s + uncounted_s + IF(earned_produced_s IS NULL, greatest(apt_s - earned_known_produced_s, 0), 0) AS decimal(38, 12)) / NULLIF(pbt_s, 0)
    ) AS oee_upper_ratio,
    CAST((apt_s + IF(profile = 'tpm', micro_stop_s, 0)) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_lower_ratio,
    CAST(((apt_s + IF(profile = 'tpm', micro_stop_s, 0)) + unknown_s + open_stop_s) AS decimal(38, 12))
    / NULLIF(pbt_s, 0) AS availability_upper_ratio,
    CASE
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN contains(flags, 'CONTRACT_VIOLATION') THEN 'CONTRACT_VIOLATION'
        WHEN apt_s + IF(profile = 'tpm', micro_stop_s, 0) = 0 THEN 'NO_RUN_TIME'
        WHEN earned_produced_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS performance_null_reason,
    CASE WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME' WHEN pq_count = 0 THEN 'NO_OUTPUT' END AS quality_null_reason,
    CASE
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN earned_produced_s IS NULL THEN 'MISSING_MASTER_DATA'
        WHEN earned_produced_s = 0 THEN 'NO_OUTPUT'
    END AS quality_time_null_reason,
    CASE
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN contains(flags, 'CONTRACT_VIOLATION') THEN 'CONTRACT_VIOLATION'
        WHEN earned_good_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS oee_null_reason,
    array_join(flags, ' ') AS flags,
    array_join(missing_master_data, ', ') AS missing_master_data,
    is_provisional,
    open_stop_s,
    unknown_s,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
