"""What production's containers read of a run is where they look, and can be read by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.derive import RunAddresses, derive
from stack.launch import LaunchError
from stack.launch.composed.given import Given, give
from stack.production import production_files


def given_in(run: Path) -> Given:
    derived = derive(
        production_files(),
        time_scale=60,
        run=RunAddresses(
            prometheus_targets_glob=run / "targets" / "*.yml",
            prometheus="10.9.0.16:9090",
            alertmanager="10.9.0.17:9093",
            pagerduty_url="http://10.9.0.1:1/v2/enqueue",
            smtp_smarthost="10.9.0.1:2",
            smtp_ca_file=run / "secrets" / "smtp_ca.pem",
            secrets_directory=run / "secrets",
        ),
    )
    for folder in ("secrets", "home"):
        (run / folder).mkdir(mode=0o700)
    (run / "secrets" / "smtp_ca.pem").touch(mode=0o600)
    (run / "prometheus.yml").write_text(derived.prometheus_yaml)
    (run / "alertmanager.yml").write_text(derived.alertmanager_yaml)
    (run / "alert-rules.yml").write_text(derived.rules_yaml)
    return give(run, run / "home", {})


def test_all_that_is_not_secret_can_be_read_by_another_user(tmp_path: Path) -> None:
    given = given_in(tmp_path)
    files = {**given.prepare, **given.prometheus, **given.alertmanager}
    assert sorted(files) == [
        "/etc/prometheus/targets",
        "/given/alert-rules.yml",
        "/given/alertmanager-config.yml",
        "/given/prometheus-config.yml",
        "/given/templates",
        "/run/alertproof/smtp_ca.pem",
    ]
    assert all(path.stat().st_mode & 0o004 for path in files.values())
    assert given.secrets == tmp_path / "secrets"
    assert not any(path.is_relative_to(given.secrets) for path in files.values())


def test_targets_that_prometheus_could_not_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir(mode=0o700)
    with pytest.raises(LaunchError, match=r"targets is for its owner alone \(mode 0700\)"):
        given_in(tmp_path)
