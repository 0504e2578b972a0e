-- Question: where did the planned busy time go?
-- Formula:  PBT - (long stops + set-up + blocked or starved + no order + unknown + indeterminate + micro-stops + speed + rework + start-up scrap + scrap) = earned good.
-- Grain:    site, machine, shift, loss (time outside shifts is left out).
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  a loss that did not occur is 0; speed is negative when performance is above 1; losses by ideal cycle are NULL when one is missing.
SELECT
    m.site_id,
    m.area_id,
    m.line_id,
    m.machine_id,
    m.shift_date,
    m.shift_id,
    CAST(m.shift_start_local AS timestamp(6)) AS shift_start_local,
    l.loss_no,
    l.loss,
    l.loss_group,
    l.loss_s,
    l.loss_s / NULLIF(m.pbt_s, 0) AS loss_ratio,
    CAST(l.loss_s * CAST(m.pq_count AS decimal(18, 6)) / NULLIF(CAST(m.earned_produced_s AS decimal(18, 6)), 0) AS decimal(38, 12)) AS lost_count,
    m.pbt_s,
    m.earned_good_s,
    m.earned_null_reason AS loss_null_reason,
    m.is_provisional,
    m.unknown_s,
    m.unknown_time_ratio,
    m.definition_version,
    CAST(m.as_of AS timestamp(6) with time zone) AS as_of,
    m.revision
FROM lake.gold.machine_shift AS m
CROSS JOIN
    UNNEST(
        ARRAY[
            (1, 'long_stop', 'availability', CAST(long_stop_s AS decimal(38, 12))),
            (2, 'setup', 'availability', CAST(aust_s AS decimal(38, 12))),
            (3, 'blocked_starved', 'availability', CAST(blocked_starved_s AS decimal(38, 12))),
            (4, 'no_order', 'availability', CAST(adot_s AS decimal(38, 12))),
            (5, 'unknown', 'availability', CAST(unknown_s AS decimal(38, 12))),
            (6, 'indeterminate', 'availability', CAST(indeterminate_s AS decimal(38, 12))),
            (7, 'micro_stop', 'performance', CAST(micro_stop_s AS decimal(38, 12))),
            (8, 'speed', 'performance', CAST(IF(earned_good_s IS NULL, NULL, apt_s - earned_produced_s) AS decimal(38, 12))),
            (9, 'rework', 'quality', CAST(IF(earned_good_s IS NULL, NULL, earned_rework_s) AS decimal(38, 12))),
            (10, 'startup_scrap', 'quality', CAST(IF(earned_good_s IS NULL, NULL, earned_startup_s) AS decimal(38, 12))),
            (11, 'scrap', 'quality', CAST(IF(earned_good_s IS NULL, NULL, earned_produced_s - earned_good_s - earned_rework_s - earned_startup_s) AS decimal(38, 12)))
        ]
    ) AS l (loss_no, loss, loss_group, loss_s)
WHERE NOT starts_with(m.shift_id, 'off')
