"""Production's Alertmanager says who is told of what, how often, what is hushed and when."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stack.production import production_files
from stack.routes import load_routes
from stack.tools import ToolSettings, find_tools

FILE = production_files().alertmanager
TREE = load_routes(FILE.read_text(), FILE.name)
SECRETS = Path("/etc/alertmanager/secrets")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def amtool():
    return find_tools(ToolSettings.from_env(), lambda _: None).amtool.command


@pytest.fixture(scope="module")
def config():
    return YAML(typ="safe").load(FILE.read_text())


def integrations(config):
    """Yield (receiver, kind, settings) of every integration."""
    for receiver in config["receivers"]:
        for kind, entries in receiver.items():
            if kind != "name":
                for entry in entries:
                    yield receiver["name"], kind, entry


def labels(severity, alert="Any"):
    return {"alertname": alert, "severity": severity, "service": "shop"}


@pytest.mark.parametrize(
    ("severity", "channels", "repeat"),
    [
        ("CRITICAL", {"pagerduty", "slack #incidents"}, HOUR),
        ("HIGH", {"slack #alerts", "email on-call"}, 4 * HOUR),
        ("MEDIUM", {"slack #alerts", "discord #ops"}, 12 * HOUR),
        ("LOW", {"email digest", "webhook ticket"}, 24 * HOUR),
        ("unheard of", {"slack #alerts"}, 4 * HOUR),
        ("", {"slack #alerts"}, 4 * HOUR),
    ],
)
def test_a_severity_decides_who_is_told_and_how_often(severity, channels, repeat):
    (route,) = TREE.route_for(labels(severity))
    assert TREE.channels[route.receiver] == channels
    assert route.repeat_interval == repeat
    assert route.group_by == ("alertname", "service")


def test_the_watchdog_goes_to_the_heartbeat_alone_whatever_its_severity():
    for severity in ("NONE", "CRITICAL", "LOW"):
        (route,) = TREE.route_for(labels(severity, "Watchdog"))
        assert TREE.channels[route.receiver] == {"webhook heartbeat"}
        assert route.repeat_interval == timedelta(minutes=5)


def test_all_integrations_but_the_heartbeat_send_resolutions(config):
    for receiver, kind, entry in integrations(config):
        assert entry["send_resolved"] is (receiver != "heartbeat"), (receiver, kind)


def test_each_channel_starts_with_its_own_writing_of_the_headline(config):
    first_line = {
        "pagerduty_configs": lambda entry: (entry["description"], "headline"),
        "slack_configs": lambda entry: (entry["title"], "slack.headline"),
        "email_configs": lambda entry: (entry["headers"]["Subject"], "email.subject"),
        "discord_configs": lambda entry: (entry["title"], "discord.headline"),
    }
    for _, kind, entry in integrations(config):
        if kind != "webhook_configs":
            written, name = first_line[kind](entry)
            assert written == f'{{{{ template "softfactory.{name}" . }}}}'


def test_secrets_are_files_in_one_folder_and_nothing_secret_stands_in_the_configuration(config):
    named = {
        Path(str(value))
        for _, _, entry in integrations(config)
        for key, value in entry.items()
        if key.endswith("_file")
    } | {Path(config["global"]["smtp_auth_password_file"])}
    assert {path.parent for path in named} == {SECRETS}
    described = FILE.read_text().partition("\nglobal:")[0]
    for path in named:
        assert f"#   {path.name} " in described
    secret_keys = {"routing_key", "service_key", "api_url", "url", "webhook_url", "auth_password"}
    for _, _, entry in integrations(config):
        assert not secret_keys & entry.keys()
    assert not {"smtp_auth_password", "slack_api_url"} & config["global"].keys()


def test_mail_requires_tls(config):
    assert config["global"]["smtp_require_tls"] is True
    for _, kind, entry in integrations(config):
        if kind == "email_configs":
            assert entry.get("require_tls", True) is True


HUSHED = [
    ("SoftFactoryDown", "HighErrorRate"),
    ("SoftFactoryDown", "AvailabilityBudgetBurnFast"),
    ("CriticalMemoryUsage", "HighMemoryUsage"),
    ("DatabaseUnhealthy", "DatabasePoolSaturated"),
    ("DatabaseUnhealthy", "ServiceNotReady"),
    ("SlowResponseTime", "EndpointSlow"),
    ("AvailabilityBudgetBurnFast", "AvailabilityBudgetBurnSlow"),
    ("LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"),
    ("SuccessBudgetBurnFast", "SuccessBudgetBurnSlow"),
]


def inhibits(source, target, service="shop"):
    one = {"alertname": source, "service": "shop"}
    other = {"alertname": target, "service": service}
    return any(rule.inhibits(one, other) for rule in TREE.inhibit_rules)


@pytest.mark.parametrize(("source", "target"), HUSHED)
def test_a_cause_hushes_its_symptom_of_the_same_service_only(source, target):
    assert inhibits(source, target)
    assert not inhibits(target, source)
    assert not inhibits(source, target, service="other")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("LatencyBudgetBurnFast", "SuccessBudgetBurnSlow"),
        ("InstanceDown", "HighErrorRate"),
        ("HighMemoryUsage", "CriticalMemoryUsage"),
        ("SoftFactoryDown", "SoftFactoryDown"),
    ],
)
def test_nothing_else_is_hushed(source, target):
    assert not inhibits(source, target)


@pytest.mark.parametrize(
    ("clock", "muted"),
    [
        ("21:59:59", False),
        ("22:00:00", True),
        ("23:59:59", True),
        ("00:00:00", True),
        ("05:59:59", True),
        ("06:00:00", False),
        ("12:00:00", False),
    ],
)
def test_low_is_muted_at_night_and_nothing_else_ever_is(clock, muted):
    at = datetime.fromisoformat(f"2026-03-29T{clock}").replace(tzinfo=UTC)
    assert TREE.muted(labels("LOW"), at) is muted
    for severity in ("CRITICAL", "HIGH", "MEDIUM", "NONE", ""):
        assert not TREE.muted(labels(severity), at)
    assert not TREE.muted(labels("LOW", "Watchdog"), at)


@pytest.mark.integration
def test_amtool_accepts_the_configuration_with_its_templates(amtool):
    checked = subprocess.run(
        [*amtool, "check-config", str(FILE)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 templates" in checked.stdout  # one pattern, for all of them
