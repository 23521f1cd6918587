"""Grafana: dashboards and alerts as code, pushing and annotating.

Nothing here runs with a room. ``python -m readroom.dashboards.grafana`` writes the files that
deploy/ ships; ``readroom grafana`` pushes the same dashboards, and a session's markers and moments,
into a running Grafana. docs/grafana.md tells what each panel shows, and how it was checked.
"""
