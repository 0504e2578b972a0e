-- Question: how much of its planned busy time did each machine run, and where did the rest go?
-- Formula:  A = APT / PBT; PBT = APT + AUST + ADET + ADOT + unknown (ISO 22400).
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no planned busy time is NULL with NO_PLANNED_TIME; a shift in which nothing ran is 0.
SELECT
    site_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    pbt_s,
    apt_s,
    adet_s,
    aust_s,
    adot_s,
    unknown_s,
    CAST(apt_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_ratio,
    IF(pbt_s = 0, 'NO_PLANNED_TIME') AS availability_null_reason,
    is_provisional,
    CAST(unknown_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
