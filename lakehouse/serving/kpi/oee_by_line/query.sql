-- Question: how well did each line use its day?
-- Formula:  parallel: sum of earned good / sum of PBT; serial: good pieces at the exit x ideal cycle of the constraint / PBT of the constraint.
-- Grain:    site, line, production date (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  a line that is not declared counts as parallel; NULL with MISSING_MASTER_DATA when the constraint has no ideal cycle of a part that left the line.
WITH lines AS (
    SELECT
        site_id,
        max_by(area_id, shift_start_at) AS area_id,
        line_id,
        shift_date,
        COALESCE(max(line_flow), 'parallel') AS line_flow,
        CAST(sum(pbt_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS all_pbt_s,
        IF(count_if(earned_good_s IS NULL AND NOT contains(flags, 'CONTRACT_VIOLATION')) = 0, sum(earned_good_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')))
            AS all_earned_good_s,
        CAST(sum(pbt_s) FILTER (WHERE contains(line_role, 'constraint') AND NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS constraint_pbt_s,
        IF(
            count_if(line_null_reason = 'MISSING_MASTER_DATA') = 0,
            sum(line_earned_good_s) FILTER (WHERE contains(line_role, 'exit') AND NOT contains(flags, 'CONTRACT_VIOLATION'))
        ) AS exit_earned_good_s,
        min(IF(earned_good_s IS NOT NULL AND pbt_s > 0 AND NOT contains(flags, 'CONTRACT_VIOLATION'), CAST(earned_good_s AS decimal(38, 12)) / pbt_s)) AS least_machine_oee_ratio,
        count(DISTINCT machine_id) AS machine_count,
        count_if(contains(flags, 'CONTRACT_VIOLATION')) AS excluded_count,
        bool_or(is_provisional) AS is_provisional,
        max(definition_version) AS definition_version,
        CAST(max(as_of) AS timestamp(6) with time zone) AS as_of,
        max(revision) AS revision
    FROM lake.gold.machine_shift
    WHERE NOT starts_with(shift_id, 'off')
    GROUP BY site_id, line_id, shift_date
),

chosen AS (
    SELECT
        *,
        IF(line_flow = 'serial', constraint_pbt_s, all_pbt_s) AS pbt_s,
        IF(line_flow = 'serial', exit_earned_good_s, all_earned_good_s) AS earned_good_s
    FROM lines
)

SELECT
    site_id,
    area_id,
    line_id,
    shift_date,
    line_flow,
    pbt_s,
    earned_good_s,
    CAST(earned_good_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS oee_ratio,
    CASE WHEN COALESCE(pbt_s, 0) = 0 THEN 'NO_PLANNED_TIME' WHEN earned_good_s IS NULL THEN 'MISSING_MASTER_DATA' END AS oee_null_reason,
    least_machine_oee_ratio,
    machine_count,
    excluded_count,
    is_provisional,
    definition_version,
    as_of,
    revision
FROM chosen
