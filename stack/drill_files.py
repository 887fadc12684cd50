"""What a drill's configuration files are called, whatever production's are.

Design rule: whoever writes, checks or reads one takes its name from here; the rules lie beside
Prometheus' configuration, which refers to them by this name.
"""

from __future__ import annotations

__all__ = ["ALERTMANAGER_CONFIG", "PROMETHEUS_CONFIG", "RULES"]

PROMETHEUS_CONFIG = "prometheus.yml"
RULES = "alert-rules.yml"
ALERTMANAGER_CONFIG = "alertmanager.yml"
