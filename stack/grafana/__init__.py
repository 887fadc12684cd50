"""Grafana's dashboards: read, judged, and that of the alerts made from the rules."""
