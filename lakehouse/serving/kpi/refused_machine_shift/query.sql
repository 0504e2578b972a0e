-- Question: which machine-shifts are not believed, and why?
-- Formula:  flag CONTRACT_VIOLATION: the state source spoke, run time is 0, and yet pieces were counted.
-- Grain:    site, machine, shift.
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no row means that every machine-shift is believed.
SELECT
    site_id,
    area_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(shift_start_local AS timestamp(6)) AS shift_start_local,
    pbt_s,
    unknown_s,
    pq_count,
    'CONTRACT_VIOLATION' AS rule,
    quantity_source,
    is_provisional,
    unknown_time_ratio,
    definition_version,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.machine_shift
WHERE contains(flags, 'CONTRACT_VIOLATION')
