"""What readers meet: the KPI views of Trino (`kpi/`) and Superset's dashboards (`dashboards/`)."""
