-- Question: what lies in the warehouse on a day, since when, and what is it worth?
-- Formula:  first in, first out: what is left of each receipt; age = as_of_date - received_date; value = remaining x unit cost.
-- Grain:    site, as_of_date (the parameter), item, day of receipt.
-- Inputs:   lake.gold.inventory_age.
-- NULL, 0:  value NULL with a reason where the ERP has no cost, or several; an item below zero has a row with its flag.
SELECT
    site_id,
    as_of_date,
    item_no,
    received_date,
    received_qty,
    remaining_qty,
    age_d,
    unit_cost,
    stock_value,
    value_null_reason,
    flags,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.inventory_age
