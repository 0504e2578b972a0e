-- Question: how well did each machine use its day?
-- Formula:  OEE = sum of earned good time / sum of planned busy time over the machine-shifts; its factors and bounds likewise.
-- Grain:    site, machine, production date (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  machine-shifts whose sources contradict each other are left out and counted; one missing ideal cycle makes OEE NULL, its band stays.
WITH summed AS (
    SELECT
        site_id,
        max_by(area_id, shift_start_at) AS area_id,
        max_by(line_id, shift_start_at) AS line_id,
        machine_id,
        shift_date,
        CAST(sum(pot_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS pot_s,
        CAST(sum(pbt_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS pbt_s,
        CAST(sum(apt_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS apt_s,
        CAST(sum(micro_stop_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS micro_stop_s,
        CAST(sum(unknown_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS unknown_s,
        CAST(sum(uncounted_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS uncounted_s,
        CAST(sum(pq_count) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS pq_count,
        CAST(sum(gq_count) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS gq_count,
        CAST(sum(sq_count) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS decimal(18, 6)) AS sq_count,
        IF(count_if(earned_produced_s IS NULL AND NOT contains(flags, 'CONTRACT_VIOLATION')) = 0, sum(earned_produced_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')))
            AS earned_produced_s,
        IF(count_if(earned_good_s IS NULL AND NOT contains(flags, 'CONTRACT_VIOLATION')) = 0, sum(earned_good_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')))
            AS earned_good_s,
        sum(earned_known_good_s) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS earned_known_good_s,
        sum(IF(earned_produced_s IS NULL, greatest(apt_s - earned_known_produced_s, 0), 0)) FILTER (WHERE NOT contains(flags, 'CONTRACT_VIOLATION')) AS unearned_s,
        max(profile) AS profile,
        count_if(NOT contains(flags, 'CONTRACT_VIOLATION')) AS shift_count,
        count_if(NOT NOT contains(flags, 'CONTRACT_VIOLATION')) AS excluded_count,
        bool_or(is_provisional) AS is_provisional,
        max(definition_version) AS definition_version,
        CAST(max(as_of) AS timestamp(6) with time zone) AS as_of,
        max(revision) AS revision
    FROM lake.gold.machine_shift
    WHERE NOT starts_with(shift_id, 'off')
    GROUP BY site_id, machine_id, shift_date
)

SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    profile,
    pot_s,
    pbt_s,
    apt_s,
    micro_stop_s,
    CAST(apt_s + IF(profile = 'tpm', micro_stop_s, 0) AS decimal(18, 6)) AS run_s,
    earned_produced_s,
    earned_good_s,
    CAST(earned_known_good_s AS decimal(38, 12)) AS earned_sure_s,
    CAST(earned_known_good_s + uncounted_s + unearned_s AS decimal(38, 12)) AS earned_possible_s,
    pq_count,
    gq_count,
    sq_count,
    CAST((apt_s + IF(profile = 'tpm', micro_stop_s, 0)) AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS availability_ratio,
    IF(pbt_s > 0, CAST(earned_produced_s AS decimal(38, 12)) / NULLIF((apt_s + IF(profile = 'tpm', micro_stop_s, 0)), 0)) AS performance_ratio,
    IF(pbt_s > 0, CAST(gq_count AS decimal(38, 12)) / NULLIF(pq_count, 0)) AS quality_ratio,
    IF(pbt_s > 0, CAST(earned_good_s AS decimal(38, 12)) / NULLIF(earned_produced_s, 0)) AS quality_time_ratio,
    CAST(earned_good_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS oee_ratio,
    CAST(earned_known_good_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS oee_lower_ratio,
    CAST(earned_known_good_s + uncounted_s + unearned_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS oee_upper_ratio,
    CAST(earned_good_s AS decimal(38, 12)) / NULLIF(pot_s, 0) AS ooe_ratio,
    CASE
        WHEN shift_count = 0 THEN 'CONTRACT_VIOLATION'
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN earned_good_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS oee_null_reason,
    CASE
        WHEN shift_count = 0 THEN 'CONTRACT_VIOLATION'
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN apt_s + IF(profile = 'tpm', micro_stop_s, 0) = 0 THEN 'NO_RUN_TIME'
        WHEN earned_produced_s IS NULL THEN 'MISSING_MASTER_DATA'
    END AS performance_null_reason,
    CASE
        WHEN shift_count = 0 THEN 'CONTRACT_VIOLATION'
        WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME'
        WHEN pq_count = 0 THEN 'NO_OUTPUT'
    END AS quality_null_reason,
    shift_count,
    excluded_count,
    unknown_s,
    CAST(unknown_s AS decimal(38, 12)) / NULLIF(pbt_s, 0) AS unknown_time_ratio,
    is_provisional,
    definition_version,
    as_of,
    revision
FROM summed
