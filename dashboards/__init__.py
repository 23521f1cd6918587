"""What people look at: the live page, the Grafana dashboards and the session report."""
