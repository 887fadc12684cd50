"""What evaluates the rules knows an Alertmanager, and the one that is named here answers."""

from scenarios.external_claims import alertmanager_known
from scenarios.verdict import Judging
from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.prometheus import PrometheusClient


def test_alerts_reach_an_alertmanager(
    prometheus: PrometheusClient, alertmanager: AlertmanagerClient, judge: Judging
) -> None:
    active = prometheus.active_alertmanagers()
    judge(alertmanager_known(active, alertmanager.status().config_yaml))
