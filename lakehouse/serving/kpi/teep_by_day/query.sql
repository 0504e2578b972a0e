-- Question: how much of the calendar did each machine turn into good pieces?
-- Formula:  TEEP = earned good (unscheduled runs included) / calendar time; utilisation = PBT / calendar time; OOE = earned good in shifts / POT.
-- Grain:    site, machine, production date.
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  calendar time is the local day (23, 24 or 25 hours), so TEEP is never 0/0; a missing ideal cycle is NULL with its reason.
SELECT
    site_id,
    max_by(area_id, shift_start_at) AS area_id,
    max_by(line_id, shift_start_at) AS line_id,
    machine_id,
    shift_date,
    max(calendar_day_s) AS calendar_s,
    CAST(sum(pot_s) AS decimal(18, 6)) AS pot_s,
    CAST(sum(pbt_s) AS decimal(18, 6)) AS pbt_s,
    CAST(sum(unscheduled_run_s) AS decimal(18, 6)) AS unscheduled_run_s,
    IF(count_if(earned_good_s IS NULL) = 0, sum(earned_good_s)) AS earned_good_s,
    IF(count_if(earned_good_s IS NULL AND is_scheduled) = 0, sum(earned_good_s) FILTER (WHERE is_scheduled)) AS earned_scheduled_s,
    CAST(IF(count_if(earned_good_s IS NULL) = 0, sum(earned_good_s)) AS decimal(38, 12)) / max(calendar_day_s) AS teep_ratio,
    CAST(sum(pbt_s) AS decimal(38, 12)) / max(calendar_day_s) AS utilisation_ratio,
    CAST(
        IF(count_if(earned_good_s IS NULL AND is_scheduled) = 0, COALESCE(sum(earned_good_s) FILTER (WHERE is_scheduled), 0)) AS decimal(38, 12)
    ) / NULLIF(sum(pot_s), 0) AS ooe_ratio,
    IF(count_if(earned_good_s IS NULL) > 0, 'MISSING_MASTER_DATA') AS teep_null_reason,
    CASE
        WHEN sum(pot_s) = 0 THEN 'NO_PLANNED_TIME'
        WHEN count_if(earned_good_s IS NULL AND is_scheduled) > 0 THEN 'MISSING_MASTER_DATA'
    END AS ooe_null_reason,
    bool_or(is_provisional) AS is_provisional,
    max(definition_version) AS definition_version,
    CAST(max(as_of) AS timestamp(6) with time zone) AS as_of,
    max(revision) AS revision
FROM (SELECT *, pot_s > 0 AS is_scheduled FROM lake.gold.machine_shift WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS m
GROUP BY site_id, machine_id, shift_date
