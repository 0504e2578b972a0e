-- Question: how fresh is what we know, and how much was refused?
-- Formula:  newest event and landing time, rows kept and rows in quarantine, as counted at the last publication.
-- Grain:    site, silver table.
-- Inputs:   lake.gold.source_health.
-- NULL, 0:  a table without a row of the site has no newest time (NULL) and counts 0; no promise has no allowed_s (NULL).
SELECT
    site_id,
    silver_table,
    CAST(newest_event_at AS timestamp(6) with time zone) AS newest_event_at,
    CAST(newest_landed_at AS timestamp(6) with time zone) AS newest_landed_at,
    kept_count,
    quarantined_count,
    promised_within_s,
    COALESCE(allowed_s, promised_within_s) AS allowed_s,
    COALESCE(is_event, false) AS is_event,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.source_health
