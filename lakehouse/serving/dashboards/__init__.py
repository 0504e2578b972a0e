"""Superset's dashboards as code.

`bundle/` holds what people edit: short YAML files for the database, the datasets (metrics only; their columns come from the views'
kpi.yaml), the charts and the dashboards. `bundle.py` completes them to Superset's own format with `query_context.py` and `layout.py`,
`import_bundle.py` puts the result into Superset and takes away what was dropped, `roles.py` makes the read-only viewer.

Everything here runs in Superset's environment too: the standard library, PyYAML and, in the last two, superset.
"""
