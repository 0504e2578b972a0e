"""HOW: session, schema, ddl, write, progress. Nothing here knows what a table means."""
