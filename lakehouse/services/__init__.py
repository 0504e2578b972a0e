"""The running stack on this machine: its secrets, rendered settings, processes, and what they report.

Reading order: `secret_store` (generated once), `environment` (what each process is told), `render` (templates of `conf/` to files of
the stack), `supervisor` (process-compose's API), `processes` (this stack's own, by id), `stack` (up and down), `state` (status),
and the steps that process-compose itself runs: `provision`, `probe`.
"""
