-- Question: how fast was each machine while it ran, against its ideal cycles?
-- Formula:  P = earned produced time / run time; run time is APT (iso22400) or APT + micro-stops (tpm).
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no run time is NULL with NO_RUN_TIME; run time without output is 0; a missing ideal cycle is NULL, never a guess.
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
    pq_count,
    IF(
        pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'),
        CAST(earned_produced_s AS decimal(38, 12)) / NULLIF((apt_s + IF(profile = 'tpm', micro_stop_s, 0)), 0)
    ) AS performance_ratio,
    IF(pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'), CAST(earned_produced_s AS decimal(38, 12)) / NULLIF(apt_s, 0)) AS performance_iso22400_ratio,
    IF(pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'), CAST(earned_produced_s AS decimal(38, 12)) / NULLIF((apt_s + micro_stop_s), 0)) AS performance_tpm_ratio,
    CASE
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN contains(flags, 'CONTRACT_VIOLATION') THEN 'CONTRACT_VIOLATION'
        WHEN apt_s + IF(profile = 'tpm', micro_stop_s, 0) = 0 THEN 'NO_RUN_TIME'
        WHEN earned_produced_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS performance_null_reason,
    contains(flags, 'PRI_SUSPECT') AS is_cycle_suspect,
    array_join(flags, ' ') AS flags,
    array_join(missing_master_data, ', ') AS missing_master_data,
    is_provisional,
    unknown_s,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
