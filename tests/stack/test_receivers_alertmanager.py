"""The real Alertmanager posts to all three doubles, and its counters show each refusal."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests

from stack.ports import reserve
from stack.processes import Processes
from stack.receivers import Receivers
from stack.tools import ToolSettings, find_tools
from stack.waiting import NotYet, wait_until

pytestmark = pytest.mark.integration

HEADLINE = (
    "[{{ .Status | toUpper }}] {{ .CommonLabels.severity }} {{ .CommonLabels.alertname }} "
    "on {{ .CommonLabels.service }}: {{ .CommonAnnotations.summary }}"
)
RUNBOOK = "{{ .CommonAnnotations.runbook_url }}"
SUMMARY = "größer als 1 s & wächst"
URL = "https://runbooks.example/SlowResponseTime?a=1&b=2"


@pytest.fixture(scope="module")
def alertmanager_command():
    return find_tools(ToolSettings.from_env(), lambda _: None).alertmanager.command


@pytest.fixture
def secrets_directory(tmp_path):
    return tmp_path / "secrets"


@pytest.fixture
def receivers(secrets_directory):
    with Receivers(secrets_directory, lambda _: None) as running:
        yield running


def configuration(receivers, secrets):
    return f"""
global:
  pagerduty_url: {receivers.pagerduty_url}
  smtp_smarthost: {receivers.smtp_smarthost}
  smtp_from: {receivers.smtp_username}
  smtp_auth_username: {receivers.smtp_username}
  smtp_auth_password_file: {secrets}/smtp_password
  smtp_tls_config:
    ca_file: {receivers.smtp_ca_file}
route:
  receiver: everyone
  group_by: [alertname, service]
  group_wait: 10ms
  group_interval: 200ms
  repeat_interval: 1h
receivers:
  - name: everyone
    pagerduty_configs:
      - routing_key_file: {secrets}/pagerduty_routing_key
        description: '{HEADLINE}'
        severity: error
        details: {{runbook_url: '{RUNBOOK}'}}
    slack_configs:
      - api_url_file: {secrets}/slack_alerts_url
        send_resolved: true
        title: '{HEADLINE}'
        text: '{RUNBOOK}'
      - api_url_file: {secrets}/slack_incidents_url
        send_resolved: true
        title: '{HEADLINE}'
        text: '{RUNBOOK}'
    email_configs:
      - to: oncall@softfactory.example
        send_resolved: true
        headers: {{Subject: '{HEADLINE}'}}
        html: '<p><a href="{RUNBOOK}">Runbook</a></p>'
"""


@pytest.fixture
def alertmanager(tmp_path, receivers, secrets_directory, alertmanager_command):
    """Start Alertmanager, and return its URL."""
    config = tmp_path / "alertmanager.yml"
    config.write_text(configuration(receivers, secrets_directory))
    with reserve() as reservation, Processes() as processes:
        address = f"127.0.0.1:{reservation.port}"
        processes.start(
            "alertmanager",
            [
                *alertmanager_command,
                f"--config.file={config}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            log=tmp_path / "alertmanager.log",
        )
        wait_until(
            lambda: requests.get(f"http://{address}/-/ready", timeout=5).ok,
            what="Alertmanager to be ready",
            timeout_seconds=20,
            retry_on=(requests.ConnectionError,),
        )
        yield f"http://{address}"


def send(alertmanager, *, resolved=False):
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": "SlowResponseTime", "severity": "HIGH", "service": "shop-1"},
        "annotations": {"summary": SUMMARY, "runbook_url": URL},
        "startsAt": (now - timedelta(seconds=60)).isoformat(),
        "endsAt": (now if resolved else now + timedelta(minutes=5)).isoformat(),
    }
    requests.post(f"{alertmanager}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()


def failed(alertmanager):
    """Return the notifications that failed, by integration, from Alertmanager's own counters."""
    page = requests.get(f"{alertmanager}/metrics", timeout=5).text
    counts = {}
    for integration, value in re.findall(
        r'^alertmanager_notifications_failed_total\{.*?integration="(\w+)".*?\} (\S+)$', page, re.M
    ):
        counts[integration] = counts.get(integration, 0) + float(value)
    return {integration: count for integration, count in counts.items() if count}


def wait_for(receivers, expected):
    """Wait until `expected` deliveries have arrived; return all that have."""

    def arrived():
        deliveries = receivers.deliveries
        if len(deliveries) < expected:
            raise NotYet(str([delivery.receiver for delivery in deliveries]))
        return deliveries

    return wait_until(arrived, what=f"{expected} deliveries", timeout_seconds=20)


def test_all_three_receive_what_fires_and_what_resolves(alertmanager, receivers):
    everyone = {"pagerduty", "slack #alerts", "slack #incidents", "email on-call"}
    for round_, status in enumerate(["firing", "resolved"], start=1):
        send(alertmanager, resolved=status == "resolved")
        deliveries = wait_for(receivers, 4 * round_)[-4:]
        assert {delivery.receiver for delivery in deliveries} == everyone
        for delivery in deliveries:
            assert (delivery.accepted, delivery.refusal, delivery.problem) == (True, None, None)
            assert delivery.status == status
            assert (delivery.severity, delivery.alert) == ("HIGH", "SlowResponseTime")
            assert delivery.service == "shop-1"
            assert delivery.headline.endswith(SUMMARY)
            assert URL in delivery.text
    assert failed(alertmanager) == {}


def test_wrong_secrets_are_refused_and_counted(alertmanager, receivers, secrets_directory):
    (secrets_directory / "pagerduty_routing_key").write_text("f" * 32)
    (secrets_directory / "smtp_password").write_text("wrong")
    for name in ("slack_alerts_url", "slack_incidents_url"):
        url = (secrets_directory / name).read_text()
        (secrets_directory / name).write_text(url + "x")
    send(alertmanager)

    def all_counted():
        counts = failed(alertmanager)
        if set(counts) != {"pagerduty", "slack", "email"}:
            raise NotYet(str(counts))
        return counts

    # A refused login is tried again until the notification times out, after ten seconds at least.
    counts = wait_until(all_counted, what="refusals in the counters", timeout_seconds=40)
    assert counts["slack"] >= 2
    deliveries = receivers.deliveries
    assert not any(delivery.accepted for delivery in deliveries)
    assert {(delivery.receiver, delivery.refusal) for delivery in deliveries} == {
        ("pagerduty", "Invalid routing key"),
        ("slack <unknown>", "invalid_token"),
        ("email <unknown>", "535 5.7.8 Authentication credentials invalid"),
    }
