"""A drill's configuration in production's containers names what production's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.compose.credentials import CREDENTIALS
from stack.compose.derive import for_containers
from stack.derive import RunAddresses, derive
from stack.launch.composed.put_back import AUTHORITY, alertmanager_for, prometheus_for
from stack.production import production_files
from stack.yamlfile import ConfigurationError, read_yaml, write_yaml

PRODUCTION = production_files()
RUN = Path("/run/of/drills")
CHANNELS = [each.name for each in CREDENTIALS if each.kind == "channel"]
ADDRESSES = {"10.9.0.16:9090": "127.0.0.1:9090", "10.9.0.17:9093": "127.0.0.1:9093"}
DERIVED = derive(
    PRODUCTION,
    time_scale=60,
    run=RunAddresses(
        prometheus_targets_glob=RUN / "targets" / "main" / "*.yml",
        prometheus="10.9.0.16:9090",
        alertmanager="10.9.0.17:9093",
        pagerduty_url="http://10.9.0.1:1/v2/enqueue",
        smtp_smarthost="10.9.0.1:2",
        smtp_ca_file=RUN / "secrets" / "smtp_ca.pem",
        secrets_directory=RUN / "secrets",
    ),
)


def test_prometheus_is_production_s_again_but_for_durations() -> None:
    back = prometheus_for(DERIVED.prometheus_yaml, ADDRESSES, source="prometheus.yml")
    assert back.targets == RUN / "targets" / "main"
    assert str(RUN) not in back.text
    assert "10.9.0" not in back.text
    ours = read_yaml(for_containers(back.text, source="ours"), "ours")
    theirs = read_yaml(for_containers(PRODUCTION.prometheus.read_text(), source="theirs"), "theirs")
    assert ours["alerting"] == theirs["alerting"]
    assert ours["rule_files"] == theirs["rule_files"]
    for mine, its in zip(ours["scrape_configs"], theirs["scrape_configs"], strict=True):
        for discovery in (*mine.get("file_sd_configs", ()), *its.get("file_sd_configs", ())):
            del discovery["refresh_interval"]
        times = {"scrape_interval", "scrape_timeout"}
        assert {key: mine[key] for key in mine if key not in times} == {
            key: its[key] for key in its if key not in times
        }


def test_alertmanager_finds_secrets_and_templates_where_production_s_does() -> None:
    back = alertmanager_for(DERIVED.alertmanager_yaml, CHANNELS, source="alertmanager.yml")
    production = PRODUCTION.alertmanager.read_text()
    assert back.secrets == RUN / "secrets"
    assert back.templates == PRODUCTION.templates.resolve()
    assert back.authority == RUN / "secrets" / "smtp_ca.pem"
    assert str(RUN) not in back.text
    assert str(AUTHORITY) in back.text
    for name in CHANNELS:
        named = f"/etc/alertmanager/secrets/{name}"
        assert back.text.count(named) == sum(
            named in line for line in production.splitlines() if not line.startswith("#")
        )
    assert read_yaml(back.text, "ours")["templates"] == ["templates/*.tmpl"]


def test_a_secret_that_compose_does_not_give_is_refused_with_its_line() -> None:
    text = DERIVED.alertmanager_yaml.replace("discord_ops_url", "chat_url")
    with pytest.raises(ConfigurationError, match=r"^a\.yml:\d+: chat_url is a secret that"):
        alertmanager_for(text, CHANNELS, source="a.yml")


def test_targets_in_two_folders_are_refused() -> None:
    document = read_yaml(DERIVED.prometheus_yaml, "prometheus.yml")
    (job,) = (one for one in document["scrape_configs"] if "file_sd_configs" in one)
    job["file_sd_configs"][0]["files"].append("/elsewhere/*.yml")
    text = write_yaml(document)
    with pytest.raises(ConfigurationError, match="names targets in 2 folders"):
        prometheus_for(text, ADDRESSES, source="prometheus.yml")
