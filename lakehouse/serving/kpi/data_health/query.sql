-- Question: how fresh is what we know, and how much was refused?
-- Formula:  newest event and landing time, rows kept and rows in quarantine, as counted at the last publication.
-- Grain:    site, silver table.
-- Inputs:   lake.gold.source_health.
-- NULL, 0:  a table without a row of the site has no newest time (NULL) and counts 0.
SELECT
    site_id,
    silver_table,
    CAST(newest_event_at AS timestamp(6) with time zone) AS newest_event_at,
    CAST(newest_landed_at AS timestamp(6) with time zone) AS newest_landed_at,
    kept_count,
    quarantined_count,
    promised_within_s,
    CAST(as_of AS timestamp(6) with time zone) AS as_of,
    revision
FROM lake.gold.source_health
