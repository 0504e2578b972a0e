-- Question: how much of what entered a line came through it good at the first pass?
-- Formula:  rolled throughput yield = product of GQ / PQ of its machines; fall-off ratio = SQ of all machines / PQ of the first.
-- Grain:    site, serial line, production date.
-- Inputs:   lake.gold.machine_shift.
-- NULL, 0:  a machine without output that day makes the yield NULL with NO_OUTPUT; no input at the first machine makes the fall-off NULL.
WITH machines AS (
    SELECT
        site_id,
        line_id,
        shift_date,
        machine_id,
        sum(pq_count) AS pq_count,
        sum(gq_count) AS gq_count,
        sum(sq_count) AS sq_count,
        bool_or(contains(line_role, 'first')) AS is_first,
        bool_or(is_provisional) AS is_provisional,
        max(definition_version) AS definition_version,
        max(as_of) AS as_of,
        max(revision) AS revision
    FROM lake.gold.machine_shift
    WHERE line_flow = 'serial' AND NOT contains(flags, 'CONTRACT_VIOLATION')
    GROUP BY site_id, line_id, shift_date, machine_id
)

SELECT
    site_id,
    line_id,
    shift_date,
    count(*) AS machine_count,
    CAST(sum(pq_count) FILTER (WHERE is_first) AS decimal(18, 6)) AS first_pq_count,
    CAST(sum(sq_count) AS decimal(18, 6)) AS sq_count,
    IF(
        min(pq_count) > 0,
        reduce(
            array_agg(CAST(CAST(gq_count AS decimal(38, 18)) / NULLIF(pq_count, 0) AS decimal(38, 18))),
            CAST(1 AS decimal(38, 12)),
            (s, y) -> CAST(CAST(s AS decimal(19, 18)) * CAST(y AS decimal(19, 18)) AS decimal(38, 12)),
            s -> s
        )
    ) AS rolled_throughput_yield_ratio,
    CAST(sum(sq_count) AS decimal(38, 12)) / NULLIF(sum(pq_count) FILTER (WHERE is_first), 0) AS fall_off_ratio,
    IF(min(pq_count) = 0, 'NO_OUTPUT') AS yield_null_reason,
    IF(COALESCE(sum(pq_count) FILTER (WHERE is_first), 0) = 0, 'NO_OUTPUT') AS fall_off_null_reason,
    bool_or(is_provisional) AS is_provisional,
    max(definition_version) AS definition_version,
    CAST(max(as_of) AS timestamp(6) with time zone) AS as_of,
    max(revision) AS revision
FROM machines
GROUP BY site_id, line_id, shift_date
