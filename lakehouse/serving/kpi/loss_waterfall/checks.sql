-- Each row is a failure: losses that do not add up.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.loss_waterfall
GROUP BY site_id, machine_id, shift_date, shift_id
HAVING sum(loss_s) <> max(pbt_s) - max(earned_good_s) AND max(loss_null_reason) IS NULL
