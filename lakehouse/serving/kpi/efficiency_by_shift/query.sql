-- Question: how was the machine's time used, beside OEE?
-- Formula:  allocation AUBT/PBT, utilization APT/AUBT, technical APT/(APT+ADET), set-up rate AUST/AUPT, NEE = OEE x AUPT/APT, OOE = earned good/POT.
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  a denominator of 0 is NULL; NEE and OOE are NULL when an ideal cycle is missing; nothing is capped.
SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    pot_s,
    pbt_s,
    CAST(apt_s + aust_s + adet_s AS decimal(18, 6)) AS aubt_s,
    CAST(apt_s + aust_s AS decimal(18, 6)) AS aupt_s,
    apt_s,
    aust_s,
    adet_s,
    setup_overrun_s,
    planned_overrun_s,
    earned_good_s,
    CAST((apt_s + aust_s + adet_s) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS allocation_efficiency_ratio,
    CAST(apt_s AS decimal(38, 12)) / NULLIF(apt_s + aust_s + adet_s, 0) AS utilization_efficiency_ratio,
    CAST(apt_s AS decimal(38, 12)) / NULLIF(apt_s + adet_s, 0) AS technical_efficiency_ratio,
    CAST(aust_s AS decimal(38, 12)) / NULLIF(apt_s + aust_s, 0) AS setup_ratio,
    IF(
        contains(flags, 'CONTRACT_VIOLATION'),
        NULL,
        CAST(earned_good_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) * (CAST((apt_s + aust_s) AS decimal(38, 12)) / NULLIF(apt_s, 0))
    ) AS nee_index_ratio,
    IF(contains(flags, 'CONTRACT_VIOLATION'), NULL, CAST(earned_good_s AS decimal(38, 12)) / NULLIF(pot_s, 0)) AS ooe_ratio,
    CASE
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN contains(flags, 'CONTRACT_VIOLATION') THEN 'CONTRACT_VIOLATION'
        WHEN apt_s = 0 THEN 'NO_RUN_TIME'
        WHEN earned_good_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS nee_null_reason,
    CASE
        WHEN pot_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN contains(flags, 'CONTRACT_VIOLATION') THEN 'CONTRACT_VIOLATION'
        WHEN earned_good_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS ooe_null_reason,
    CASE WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME' WHEN apt_s + aust_s + adet_s = 0 THEN 'NO_BUSY_TIME' END AS efficiency_null_reason,
    is_provisional,
    unknown_s,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
