-- Question: how much of its planned busy time did each machine run, and where did the rest go?
-- Formula:  A = APT / PBT (iso22400), (APT + micro-stops) / PBT (tpm); PBT = APT + AUST + ADET + ADOT + unknown (ISO 22400).
-- Grain:    site, machine, shift (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no planned busy time is NULL with NO_PLANNED_TIME; a shift in which nothing ran is 0.
SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    profile,
    pot_s,
    pbt_s,
    apt_s,
    adet_s,
    aust_s,
    adot_s,
    unknown_s,
    micro_stop_s,
    CAST(apt_s + IF(profile = 'tpm', micro_stop_s, 0) AS decimal(18, 6)) AS run_s,
    indeterminate_s,
    open_stop_s,
    CAST((apt_s + IF(profile = 'tpm', micro_stop_s, 0)) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_ratio,
    CAST(apt_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_iso22400_ratio,
    CAST((apt_s + micro_stop_s) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_tpm_ratio,
    CAST((apt_s + unknown_s + open_stop_s) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_upper_ratio,
    IF(pbt_s = 0, 'NO_PLANNED_TIME') AS availability_null_reason,
    is_provisional,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off')
