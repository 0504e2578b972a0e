-- Question: how long does each machine run between failures, and how long is it down for one?
-- Formula:  MTBF = run time / failures, MTTR = failure time / failures, inherent availability MTBF / (MTBF + MTTR), CMR = CMT / (CMT + PMT).
-- Grain:    site, machine, ISO week.
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  no failure is NULL with NO_FAILURE, and the run time is the lower bound (never infinity); planned and micro-stops are no failures; refused machine-shifts are left out.
SELECT
    site_id,
    max_by(area_id, shift_start_at) AS area_id,
    max_by(line_id, shift_start_at) AS line_id,
    machine_id,
    CAST(date_trunc('week', shift_date) AS date) AS week_start_date,
    CAST(sum(apt_s) AS decimal(18, 6)) AS apt_s,
    CAST(sum(failure_s) AS decimal(18, 6)) AS failure_s,
    sum(failure_count) AS failure_count,
    CAST(sum(apt_s) AS decimal(38, 12)) / NULLIF(sum(failure_count), 0) AS mtbf_s,
    CAST(sum(failure_s) AS decimal(38, 12)) / NULLIF(sum(failure_count), 0) AS mttr_s,
    IF(sum(failure_count) = 0, CAST(sum(apt_s) AS decimal(18, 6))) AS mtbf_lower_bound_s,
    IF(sum(failure_count) > 0, CAST(sum(apt_s) AS decimal(38, 12)) / NULLIF(sum(apt_s) + sum(failure_s), 0)) AS availability_inherent_ratio,
    IF(sum(failure_count) = 0, 'NO_FAILURE') AS failure_null_reason,
    CAST(sum(cmt_s) AS decimal(18, 6)) AS cmt_s,
    CAST(sum(pmt_s) AS decimal(18, 6)) AS pmt_s,
    CAST(sum(cmt_s) AS decimal(38, 12)) / NULLIF(sum(cmt_s) + sum(pmt_s), 0) AS corrective_maintenance_ratio,
    IF(sum(cmt_s) + sum(pmt_s) = 0, 'NO_MAINTENANCE') AS maintenance_null_reason,
    bool_or(is_provisional) AS is_provisional,
    max(definition_version) AS definition_version,
    CAST(max(as_of) AS timestamp(6) with time zone) AS as_of,
    max(revision) AS revision
FROM lake.gold.machine_shift
WHERE NOT starts_with(shift_id, 'off') AND NOT contains(flags, 'CONTRACT_VIOLATION')
GROUP BY site_id, machine_id, date_trunc('week', shift_date)
