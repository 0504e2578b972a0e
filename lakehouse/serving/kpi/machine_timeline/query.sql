-- Question: what did each machine do, when, and who says so?
-- Formula:  one row a segment of the ledger, by declared precedence.
-- Grain:    site, machine, shift, segment.
-- Inputs:   lake.gold.time_segment.
-- NULL, 0:  silence is category unknown, never running; time outside shifts is shown (shift_id off).
SELECT
    site_id,
    line_id,
    machine_id,
    shift_date,
    shift_id,
    CAST(segment_start_at AS timestamp(6) with time zone) AS segment_start_at,
    CAST(segment_end_at AS timestamp(6) with time zone) AS segment_end_at,
    CAST(segment_start_local AS timestamp(6)) AS segment_start_local,
    CAST(segment_start_local + (segment_end_at - segment_start_at) AS timestamp(6)) AS segment_end_local,
    duration_s,
    category,
    stop_class,
    reason_code,
    reason_text,
    is_failure,
    is_overrun,
    order_no,
    array_join(also_active, ', ') AS also_active,
    CAST(event_start_at AS timestamp(6) with time zone) AS event_start_at,
    CAST(event_end_at AS timestamp(6) with time zone) AS event_end_at,
    is_event_start,
    source_table,
    source_key,
    source_ref,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.time_segment
