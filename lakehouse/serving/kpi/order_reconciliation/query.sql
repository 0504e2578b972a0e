-- Question: do counter, MES and confirmation tell the same of an order in a shift, and if not, why?
-- Formula:  difference = greatest - smallest of the sources that speak; tolerated up to the site's share of the greatest, at least one piece.
-- Grain:    site, machine, shift, order.
-- Inputs:   lake.gold.order_reconciliation.
-- NULL, 0:  a source that says nothing of the order is NULL, not 0; none of the three is corrected by another.
WITH compared AS (
    SELECT
        *,
        sum(counter_count) OVER whole_order AS order_counter_count,
        sum(mes_count) OVER whole_order AS order_mes_count,
        sum(confirmation_count) OVER whole_order AS order_confirmation_count,
        abs(counter_count - mes_count) <= tolerance_count AS counter_is_mes,
        abs(counter_count - confirmation_count) <= tolerance_count AS counter_is_confirmation,
        abs(mes_count - confirmation_count) <= tolerance_count AS mes_is_confirmation
    FROM lake.gold.order_reconciliation
    WINDOW whole_order AS (PARTITION BY site_id, machine_id, order_no)
)

SELECT
    site_id,
    machine_id,
    line_id,
    shift_date,
    shift_id,
    order_no,
    counter_good_count,
    counter_scrap_count,
    counter_rework_count,
    counter_count,
    mes_good_count,
    mes_scrap_count,
    mes_rework_count,
    mes_count,
    confirmation_good_count,
    confirmation_scrap_count,
    confirmation_rework_count,
    confirmation_count,
    is_counter_reset,
    source_count,
    difference_count,
    tolerance_count,
    difference_count <= tolerance_count AS is_within_tolerance,
    CASE
        WHEN source_count = 1 THEN 'SINGLE_SOURCE'
        WHEN difference_count <= tolerance_count AND counter_scrap_count <> confirmation_scrap_count THEN 'SCRAP_SPLIT_DIFFERS'
        WHEN difference_count <= tolerance_count THEN 'AGREE'
        WHEN
            order_no IS NOT NULL
            AND abs(COALESCE(order_counter_count, order_mes_count) - COALESCE(order_confirmation_count, order_mes_count)) <= tolerance_count
            THEN 'BOOKED_IN_ANOTHER_SHIFT'
        WHEN is_counter_reset AND mes_is_confirmation THEN 'COUNTER_RESET'
        WHEN mes_is_confirmation AND counter_count < mes_count THEN 'COUNTER_MISSED_PIECES'
        WHEN mes_is_confirmation THEN 'COUNTER_COUNTED_MORE'
        WHEN counter_is_mes THEN 'CONFIRMATION_DIFFERS'
        WHEN counter_is_confirmation THEN 'MES_DIFFERS'
        WHEN source_count = 2 AND confirmation_count IS NULL THEN 'COUNTER_AND_MES_DIFFER'
        WHEN source_count = 2 AND mes_count IS NULL THEN 'COUNTER_AND_CONFIRMATION_DIFFER'
        WHEN source_count = 2 THEN 'MES_AND_CONFIRMATION_DIFFER'
        ELSE 'ALL_DIFFER'
    END AS likely_cause,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM compared
