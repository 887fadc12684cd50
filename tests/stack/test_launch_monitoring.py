"""A real Prometheus and a real Alertmanager start, are read, end, and survive nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.clients import AlertmanagerClient, PrometheusClient
from stack.launch import LaunchError, MonitoringStack, Setup, check_configs
from stack.launch.local import Local
from stack.ports import Reservation, reserve
from stack.processes import Processes
from stack.tools import Tools, ToolSettings, find_tools
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

PROMETHEUS_YAML = """\
global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}
rule_files: [alert-rules.yml]
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ['127.0.0.1:{prometheus}']}}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]
"""
RULES_YAML = """\
groups:
  - name: one
    rules:
      - {alert: Always, expr: vector(1), labels: {service: itself}}
"""
ALERTMANAGER_YAML = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
"""


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools(ToolSettings.from_env(), print)


class Ground:
    """Two reserved ports, a directory, and a stack on them with what a test replaces."""

    def __init__(self, tools: Tools, directory: Path, processes: Processes) -> None:
        self.tools = tools
        self.directory = directory
        self.processes = processes
        self.ports: tuple[Reservation, Reservation] = (reserve(), reserve())

    def stack(
        self,
        *,
        prometheus_yaml: str = PROMETHEUS_YAML,
        rules_yaml: str = RULES_YAML,
        alertmanager_yaml: str = ALERTMANAGER_YAML,
        prometheus_flags: tuple[str, ...] = ("--storage.tsdb.retention.time=1h",),
    ) -> MonitoringStack:
        prometheus, alertmanager = self.ports
        return MonitoringStack(
            Local.of(self.processes, self.tools),
            Setup(
                prometheus_yaml=prometheus_yaml.format(
                    prometheus=prometheus.port, alertmanager=alertmanager.port
                ),
                rules_yaml=rules_yaml,
                alertmanager_yaml=alertmanager_yaml,
                prometheus_flags=prometheus_flags,
                directory=self.directory,
                prometheus_place=prometheus,
                alertmanager_place=alertmanager,
            ),
        )


@pytest.fixture
def ground(tools: Tools, tmp_path: Path):  # type: ignore[no-untyped-def]  # pytest's generator
    with Processes() as processes:
        ground = Ground(tools, tmp_path / "run", processes)
        yield ground
    for reservation in ground.ports:
        reservation.close()


def test_both_become_ready_and_an_alert_travels_from_one_to_the_other(ground: Ground) -> None:
    with ground.stack() as stack:
        assert check_configs(ground.tools, stack.directory) == ()
        stack.start_prometheus()
        stack.start_alertmanager()
        stack.wait_ready(20)
        prometheus = PrometheusClient(stack.endpoints.prometheus_url)
        alertmanager = AlertmanagerClient(stack.endpoints.alertmanager_url)

        def always_fires() -> bool:
            return [alert.state for alert in prometheus.rules().active_alerts()] == ["firing"]

        wait_until(always_fires, what="Always to fire", timeout_seconds=20)
        wait_until(
            lambda: prometheus.active_alertmanagers() or None,
            what="Prometheus to discover its Alertmanager",
            timeout_seconds=20,
        )
        (target,) = wait_until(
            lambda: [t for t in prometheus.targets() if t.health == "up"] or None,
            what="Prometheus to scrape itself",
            timeout_seconds=20,
        )
        assert target.labels["job"] == "itself"
        assert [sample.value for sample in prometheus.query('up{job="itself"}')] == [1.0]
        assert prometheus.query_raw('up{job="itself"}[1m]')[0].points
        assert prometheus.build_info().version == ground.tools.prometheus.version
        assert alertmanager.status().version == ground.tools.alertmanager.version
        assert alertmanager.status().cluster == "disabled"
        assert alertmanager.notification_counters().attempted["slack"] == 0
        assert isinstance(alertmanager.alerts(), tuple)
    assert ground.processes.exited().keys() == {"prometheus", "alertmanager"}


def test_starting_waits_for_nothing(ground: Ground) -> None:
    with ground.stack() as stack:
        started = time.monotonic()
        stack.start_prometheus()
        stack.start_alertmanager()
        assert time.monotonic() - started < 1.0
        stack.wait_ready(20)


def test_a_killed_prometheus_starts_again_on_its_port_and_its_data(ground: Ground) -> None:
    with ground.stack() as stack:
        process = stack.start_prometheus()
        stack.wait_ready(20)
        process.kill()
        process.wait()
        assert stack.start_prometheus().pid != process.pid
        stack.wait_ready(20)


def test_a_rejected_configuration_ends_the_wait_with_prometheus_words(ground: Ground) -> None:
    with ground.stack(prometheus_yaml="global: {{scrape_interval: soon}}\n") as stack:
        stack.start_prometheus()
        with pytest.raises(LaunchError, match="not a valid duration") as told:
            stack.wait_ready(20)
    assert "prometheus did not become ready: ended with status 2" in str(told.value)
    assert f"look  tail -n 50 {ground.directory / 'prometheus.log'}" in str(told.value)


def test_an_unknown_flag_ends_the_wait_with_the_flag(ground: Ground) -> None:
    with ground.stack(prometheus_flags=("--no.such.flag",)) as stack:
        stack.start_prometheus()
        with pytest.raises(LaunchError, match=r"no\.such\.flag"):
            stack.wait_ready(20)


@pytest.mark.parametrize(
    ("replaced", "file", "words"),
    [
        pytest.param(
            {"prometheus_yaml": "global: {{scrape_interval: soon}}\n"},
            "prometheus.yml",
            "not a valid duration",
            id="prometheus.yml",
        ),
        pytest.param(
            {"rules_yaml": RULES_YAML.replace("vector(1)", "'sum('")},
            "alert-rules.yml",
            "parse error",
            id="alert-rules.yml",
        ),
        pytest.param(
            {"alertmanager_yaml": "route: {receiver: typo}\nreceivers: [{name: nobody}]\n"},
            "alertmanager.yml",
            "undefined receiver",
            id="alertmanager.yml",
        ),
    ],
)
def test_a_broken_file_is_a_problem_with_its_words_and_a_command(
    ground: Ground, replaced: dict[str, str], file: str, words: str
) -> None:
    stack = ground.stack(**replaced)
    stack.write_configs()
    problems = [
        one for one in check_configs(ground.tools, ground.directory) if one.file.name == file
    ]
    assert len(problems) == 1
    assert words in problems[0].message
    again = subprocess.run(problems[0].look, shell=True, capture_output=True, check=False)
    assert again.returncode != 0


def test_a_configuration_with_templates_passes_the_check(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "own.tmpl").write_text('{{ define "own" }}{{ .Status }}{{ end }}')
    stack = ground.stack(alertmanager_yaml=f"templates: ['{tmp_path}/*.tmpl']\n{ALERTMANAGER_YAML}")
    stack.write_configs()
    assert check_configs(ground.tools, ground.directory) == ()


OWNER = """
import signal, sys
from pathlib import Path
from stack.launch import MonitoringStack, Setup
from stack.launch.local import Local
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings, find_tools

tools = find_tools(ToolSettings.from_env(), lambda line: None)
prometheus, alertmanager = reserve(), reserve()
processes = Processes()
stack = MonitoringStack(
    Local.of(processes, tools),
    Setup(
        prometheus_yaml="global: {}",
        rules_yaml="groups: []",
        alertmanager_yaml=sys.argv[2],
        directory=Path(sys.argv[1]),
        prometheus_place=prometheus,
        alertmanager_place=alertmanager,
    ),
)
stack.write_configs()
pids = [stack.start_prometheus().pid, stack.start_alertmanager().pid]
if sys.argv[3] == "ready":
    stack.wait_ready(20)
print(*pids, flush=True)
signal.pause()
"""


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize("moment", ["starting", "ready"])
def test_kill_9_of_the_owner_leaves_no_process_within_5_seconds(
    tools: Tools, tmp_path: Path, moment: str
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), ALERTMANAGER_YAML, moment],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert len(pids) == 2
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(
        lambda: not any(lives(pid) for pid in pids), what=f"{pids} to be gone", timeout_seconds=5
    )


def test_the_servers_survive_the_thread_that_started_them(ground: Ground) -> None:
    with ground.stack() as stack:
        starts: tuple[Callable[[], object], ...] = (
            stack.start_prometheus,
            stack.start_alertmanager,
        )
        for start in starts:
            thread = threading.Thread(target=start)
            thread.start()
            thread.join()
        stack.wait_ready(20)
        assert ground.processes.exited() == {}


def test_sigterm_reaches_alertmanager_through_whatever_runs_it(ground: Ground) -> None:
    with ground.stack() as stack:
        process = stack.start_alertmanager()
        stack.wait_ready(20)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=10) == 0  # Alertmanager's own answer: it ended in order
