"""Production's compose file serves a run: configured anew, reached, and gone with it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from scenarios.capabilities import COMPOSE, why_not
from stack.clients import PrometheusClient
from stack.compose.plugin import find_compose
from stack.derive import Derived, RunAddresses, derive
from stack.images import image_of
from stack.launch import MonitoringStack, Setup
from stack.launch.composed import Composed
from stack.launch.containers.premises import LABEL
from stack.processes import Processes
from stack.production import production_files
from stack.receivers import Receivers
from stack.tools import ToolSettings
from stack.waiting import wait_until
from tests.stack.ended_runs import end_run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(why_not(COMPOSE)), reason=why_not(COMPOSE) or "there is compose"),
]

READY_SECONDS = 60.0
NO_RULES = "groups: []\n"


class Ground:
    """A stack of production's compose file that runs, and what it tells."""

    def __init__(self, directory: Path, premises: Composed, receivers: Receivers) -> None:
        places = [premises.place("prometheus", 9090), premises.place("alertmanager", 9093)]
        self.premises = premises
        self.receivers = receivers
        self.derived: Derived = derive(
            production_files(),
            time_scale=60,
            run=RunAddresses(
                prometheus_targets_glob=directory / "targets" / "*.yml",
                prometheus=places[0].address,
                alertmanager=places[1].address,
                pagerduty_url=receivers.pagerduty_url,
                smtp_smarthost=receivers.smtp_smarthost,
                smtp_ca_file=receivers.smtp_ca_file,
                secrets_directory=directory / "secrets",
            ),
        )
        self.stack = MonitoringStack(
            premises,
            Setup(
                prometheus_yaml=self.derived.prometheus_yaml,
                rules_yaml=NO_RULES,
                alertmanager_yaml=self.derived.alertmanager_yaml,
                prometheus_flags=self.derived.prometheus_flags,
                alertmanager_flags=self.derived.alertmanager_flags,
                directory=directory / "main",
                prometheus_place=places[0],
                alertmanager_place=places[1],
            ),
        )
        self.prometheus = PrometheusClient(self.stack.endpoints.prometheus_url)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp("composed")
    compose = find_compose(ToolSettings.from_env(), print)
    with (
        Processes() as processes,
        Composed(
            processes, directory, lambda _: image_of("softfactory"), compose, print
        ) as premises,
        Receivers(directory / "secrets", lambda _: None, host=premises.outside) as receivers,
    ):
        ground = Ground(directory, premises, receivers)
        with ground.stack as stack:
            stack.start_both()
            stack.wait_ready(READY_SECONDS)
            yield ground


def inspected(ground: Ground, service: str) -> dict[str, object]:
    name = f"alertproof-{ground.premises.run}-{service}-1"
    done = subprocess.run(["docker", "inspect", name], capture_output=True, check=True)
    (found,) = json.loads(done.stdout)
    return dict(found)


def test_rules_that_are_loaded_later_reach_the_running_prometheus(ground: Ground) -> None:
    assert ground.prometheus.rules().rules == ()
    ground.stack.load_rules(ground.derived.rules_yaml)
    wait_until(
        lambda: len(ground.prometheus.rules().rules) or None,
        what="Prometheus to have the rules",
        timeout_seconds=READY_SECONDS,
    )
    wait_until(
        lambda: ground.prometheus.active_alertmanagers() or None,
        what="Prometheus to know production's Alertmanager",
        timeout_seconds=READY_SECONDS,
    )


def test_flags_are_production_s_and_behind_them_a_drills(ground: Ground) -> None:
    url = f"{ground.stack.endpoints.prometheus_url}/api/v1/status/flags"
    flags = requests.get(url, timeout=10).json()["data"]
    assert flags["storage.tsdb.retention.time"] == "30d"
    assert flags["config.file"] == "/etc/prometheus/prometheus-config.yml"
    assert flags["rules.alert.resend-delay"] == "1s"


def test_a_notification_arrives_by_the_secrets_of_the_run(ground: Ground) -> None:
    labels = {
        "alertname": "Tried",
        "severity": "HIGH",
        "service": "tried",  # not one whose absence fires meanwhile, and inhibits this
        "category": "tried",
    }
    answer = requests.post(
        f"{ground.stack.endpoints.alertmanager_url}/api/v2/alerts",
        json=[{"labels": labels, "annotations": {"summary": "tried"}}],
        timeout=10,
    )
    assert answer.ok, answer.text

    def arrived() -> set[str]:
        return {one.receiver for one in ground.receivers.deliveries if one.accepted}

    wait_until(
        lambda: {"slack #alerts", "email on-call"} <= arrived() or None,
        what="both receivers to be told",
        timeout_seconds=READY_SECONDS,
    )


def test_a_watcher_is_what_production_s_file_makes_of_it(ground: Ground) -> None:
    found = inspected(ground, "prometheus")
    config, host = found["Config"], found["HostConfig"]
    assert isinstance(config, dict)
    assert isinstance(host, dict)
    assert config["User"] == "65534:65534"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["Memory"] == 1 << 30
    assert {one["HostIp"] for ports in host["PortBindings"].values() for one in ports} == {
        "127.0.0.1"
    }
    assert config["Labels"][LABEL] == ground.premises.run
    told = {one.where for one in ground.premises.changes}
    assert any("resend-delay" in where for where in told)


OWNER = """
import signal, sys, time
from pathlib import Path
from stack.compose.plugin import find_compose
from stack.images import image_of
from stack.launch.composed import Composed
from stack.launch.composed.override import Served
from stack.processes import Processes
from stack.tools import ToolSettings

signal.signal(signal.SIGINT, signal.default_int_handler)
compose = find_compose(ToolSettings.from_env(), lambda line: None)
directory = Path(sys.argv[1])
with Processes() as processes, Composed(
    processes, directory, lambda _: image_of("softfactory"), compose, lambda line: None
) as premises:
    premises._project.keep_secrets(directory)
    premises._project.change({"prepare": Served()})
    premises._project.up("prepare")
    print(premises.run, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_nothing_of_it_is_left_when_the_run_is_ended(tmp_path: Path, number: int) -> None:
    made = end_run(OWNER, tmp_path, number)
    assert len(made) > len(("a container", "a network")), made
