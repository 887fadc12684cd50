"""What evaluates the rules knows an Alertmanager, and the one that is named here answers."""

from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.prometheus import PrometheusClient


def test_alerts_reach_an_alertmanager(
    prometheus: PrometheusClient, alertmanager: AlertmanagerClient
) -> None:
    known = prometheus.active_alertmanagers()
    assert known, "expected at least one Alertmanager that alerts are sent to, observed none"
    assert alertmanager.status().config_yaml, f"{alertmanager.url} tells no configuration"
