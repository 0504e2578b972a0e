-- Each row is a failure: an element that its segments do not add up to.
WITH b AS (
    SELECT site_id, machine_id, shift_date, shift_id, element, sum(element_value) AS element_value
    FROM kpi.plant.oee_explained
    WHERE drill_level = 2 AND element IN ('apt_s', 'aust_s', 'unknown_s')
    GROUP BY site_id, machine_id, shift_date, shift_id, element
)

SELECT a.site_id, a.machine_id, a.shift_date, a.shift_id, a.element
FROM kpi.plant.oee_explained AS a
INNER JOIN b
    ON a.site_id = b.site_id AND a.machine_id = b.machine_id AND a.shift_date = b.shift_date AND a.shift_id = b.shift_id AND a.element = b.element
WHERE a.drill_level = 1 AND a.element_value <> b.element_value
