-- Each row is a failure: time that is lost between the categories, or a ratio outside 0 to 1.
SELECT site_id, machine_id, shift_date, shift_id
FROM kpi.plant.availability_by_shift
WHERE
    pbt_s <> apt_s + aust_s + adet_s + adot_s + unknown_s
    OR availability_ratio NOT BETWEEN 0 AND 1
    OR availability_upper_ratio NOT BETWEEN availability_iso22400_ratio AND 1
    OR (availability_ratio IS NULL) <> (availability_null_reason IS NOT NULL)
