"""Each judge of a stack that runs finds what is wrong, and a trial leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.capabilities import COMPOSE, why_not
from stack.compose.failure import StackFailure
from stack.compose.places import Places
from stack.compose.plugin import find_compose
from stack.compose.settings import optional_variables
from stack.compose.trial import TrialFailed, TrialStack, judges
from stack.compose.trial.parts import parts_of
from stack.compose.trial.settings import environment_of, override, settings_text
from stack.images import image_of
from stack.tools.settings import ToolSettings
from stack.waiting import wait_until
from tests.stack.compose import house

ROOT = Path(__file__).resolve().parents[3]
LOOPBACK = {"HostIp": "127.0.0.1", "HostPort": "9090"}
PARTS = {part.service: part for part in parts_of(house.COMPOSE_FILE.read_text(), "compose")}


def document(**changes: Any) -> dict[str, Any]:
    """Return what `docker inspect` says of a Prometheus that is well."""
    whole: dict[str, Any] = {
        "Id": "12ab",
        "State": {"Status": "running", "Health": {"Status": "healthy"}, "ExitCode": 0},
        "RestartCount": 0,
        "Config": {"Labels": {judges.SERVICE_LABEL: "prometheus"}, "StopSignal": None},
        "HostConfig": {"PortBindings": {"9090/tcp": [LOOPBACK]}},
        "NetworkSettings": {"Ports": {"9090/tcp": [LOOPBACK], "9091/tcp": None}},
    }
    for path, value in changes.items():
        place = whole
        *way, last = path.split("__")
        for step in way:
            place = place[step]
        place[last] = value
    return whole


def inspected(**changes: Any) -> judges.Inspected:
    return judges.read_inspected(json.dumps([document(**changes)]))["prometheus"]


def test_a_container_is_read_with_what_leads_to_it() -> None:
    one = inspected()
    assert one.bound == (("127.0.0.1", 9090),)
    assert one.stop_signal == "SIGTERM"
    assert inspected(Config__StopSignal="SIGINT").stop_signal == "SIGINT"


@pytest.mark.parametrize("text", ["no JSON", "[1]", '[{"Id": "x"}]'])
def test_an_inspection_that_is_unknown_is_one_line(text: str) -> None:
    with pytest.raises(StackFailure, match="says something unknown"):
        judges.read_inspected(text)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, None),
        ({"State__Status": "restarting"}, "is restarting"),
        ({"State__Status": "exited"}, "is exited"),
        ({"State__Health": {"Status": "unhealthy"}}, "is unhealthy"),
        ({"State__Health": {"Status": "starting"}}, "is starting"),
        ({"State__Health": None}, "is not checked"),
    ],
)
def test_a_service_that_stays_is_well_only_by_its_health_check(
    changes: dict[str, Any], wrong: str | None
) -> None:
    assert judges.unwell(inspected(**changes), ends=False) == wrong


def test_what_ends_is_well_only_if_it_ended_well() -> None:
    assert judges.unwell(inspected(State__Status="exited"), ends=True) is None
    assert judges.unwell(inspected(), ends=True)
    failed = inspected(State__Status="exited", State__ExitCode=1)
    assert "exit status 1" in str(judges.unwell(failed, ends=True))
    assert judges.unwell(None, ends=True) == "is not there"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.2", ""])
@pytest.mark.parametrize("where", ["HostConfig__PortBindings", "NetworkSettings__Ports"])
def test_a_port_of_another_address_is_found(where: str, host: str) -> None:
    open_port = {"9090/tcp": [{"HostIp": host, "HostPort": "9090"}]}
    assert judges.bound_elsewhere([inspected(**{where: open_port})])
    assert judges.bound_elsewhere([inspected()]) == []


def test_a_secret_is_found_wherever_it_stands_and_named_without_its_value() -> None:
    secrets = {"a": "hunter2-hunter2", "b": 'with"quote', "c": "not there"}
    text = '{"Env": ["X=hunter2-hunter2"], "Cmd": "with\\"quote"}'
    assert judges.shown(text, secrets) == ["a", "b"]
    assert judges.shown("nothing", secrets) == []


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"storage.tsdb.retention.time": "15d", "storage.tsdb.retention.size": "0B"},
        {"storage.tsdb.retention.time": "30d", "storage.tsdb.retention.size": "1GiB"},
    ],
)
def test_data_that_goes_before_thirty_days_is_found(flags: dict[str, str]) -> None:
    assert judges.wrong_retention(flags)
    well = {"storage.tsdb.retention.time": "30d", "storage.tsdb.retention.size": "0B"}
    assert judges.wrong_retention(well) == []


def test_a_target_that_is_down_or_missing_is_found() -> None:
    assert judges.wrong_targets({"a": "up", "b": "down"}, {"a", "c"}) == [
        "c is no target",
        "b is down",
    ]
    assert judges.wrong_targets({"a": "up"}, {"a"}) == []


def test_what_was_there_and_is_not_any_more_is_lost() -> None:
    assert judges.lost([(1, 2.0), (2, 2.0)], [(2, 2.0), (3, 1.0)]) == ["(1, 2.0)"]
    assert judges.lost(["a"], ["a", "b"]) == []


@pytest.mark.parametrize("version", ["3.5.4", "3.5.30", "13.5.3", "latest"])
def test_another_version_than_the_documented_is_found(version: str) -> None:
    documented = {"prometheus": "3.5.3"}
    assert judges.wrong_versions({"prometheus": f"prom/prometheus:v{version}"}, documented)
    assert judges.wrong_versions({}, documented)
    assert judges.wrong_versions({"prometheus": "prom/prometheus:v3.5.3"}, documented) == []


def test_a_part_needs_the_images_of_all_that_it_waits_for() -> None:
    assert PARTS["prometheus"].images == {"softfactory", "alertmanager", "prometheus"}
    assert {"elasticsearch", "kibana"} <= PARTS["kibana-setup"].images
    assert "elasticsearch" in PARTS["shipper"].images
    assert "elasticsearch" not in PARTS["softfactory"].images
    assert {name for name, part in PARTS.items() if part.ends} == set(house.ROOT)


def test_nothing_that_its_owner_has_set_reaches_a_trial_but_images() -> None:
    variables = optional_variables(house.COMPOSE_FILE.read_text())
    given = {
        "PROMETHEUS_PORT": "9090",
        "STACK_SECRETS": "/home/them/secrets",
        "COMPOSE_PROJECT_NAME": "softfactory-monitoring",
        "PROMETHEUS_IMAGE": "mirror/prometheus:v3.5.3",
        "PATH": "/bin",
    }
    assert environment_of(given, variables).keys() == {"PROMETHEUS_IMAGE", "PATH"}


def test_a_trial_sets_every_published_port_and_its_own_secrets(tmp_path: Path) -> None:
    published = {name: 1000 + number for number, name in enumerate(PARTS) if PARTS[name].published}
    lines = settings_text(published, tmp_path).splitlines()
    given = dict(line.split("=", 1) for line in lines)
    ports = {name for name in optional_variables(house.COMPOSE_FILE.read_text()) if "_PORT" in name}
    assert ports <= given.keys()
    assert given["STACK_SECRETS"] == str(tmp_path)
    assert (
        given.keys() - ports - {"STACK_SECRETS"}
        <= optional_variables(house.COMPOSE_FILE.read_text()).keys()
    )


def test_a_trial_changes_nothing_of_a_service_but_how_often_it_is_asked() -> None:
    changed = json.loads(override(["b", "a"]))
    assert changed == {
        "services": {
            "a": {"healthcheck": {"interval": "1s"}},
            "b": {"healthcheck": {"interval": "1s"}},
        }
    }


@pytest.fixture
def compose() -> tuple[str, ...]:
    if reason := why_not(COMPOSE):
        pytest.skip(reason)
    return find_compose(ToolSettings.from_env(), print)


SMALL = PARTS.keys() - {"prepare", "alertmanager"}


def left(name: str) -> str:
    commands = [
        ("ps", "--all", "--quiet", "--filter", f"name={name}"),
        ("network", "ls", "--quiet", "--filter", f"name={name}"),
        ("volume", "ls", "--quiet", "--filter", f"name={name}"),
    ]
    asked = [
        subprocess.run(["docker", *each], capture_output=True, text=True, check=True)
        for each in commands
    ]
    return "".join(one.stdout for one in asked)


@pytest.mark.integration
def test_a_trial_comes_back_by_itself_and_leaves_nothing(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    with TrialStack(tmp_path, compose, leave_out=SMALL) as trial:
        assert trial.inspected().keys() == {"prepare", "alertmanager"}
        trial.end_and_wait("alertmanager")
        assert trial.inspected()["alertmanager"].restarts == 1
        assert left(trial.name)
        assert not judges.shown(trial.inspected_text(), trial.secrets)
    assert not left(trial.name)


@pytest.mark.integration
def test_a_trial_that_does_not_come_up_says_so_and_leaves_nothing(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    wrong = {**os.environ, "ALERTMANAGER_IMAGE": image_of("postgres")}
    trial = TrialStack(tmp_path, compose, leave_out=SMALL, environ=wrong)
    with pytest.raises(TrialFailed, match="alertmanager"), trial:
        pass
    assert not left(trial.name)


KILLED = """\
import os, signal, sys
from pathlib import Path
from stack.compose.trial import TrialStack
with TrialStack(Path(sys.argv[1]), sys.argv[3:], leave_out=sys.argv[2].split(",")) as trial:
    print(trial.name, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.integration
def test_a_trial_whose_run_is_killed_is_removed_by_the_reaper(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), ",".join(SMALL), *compose]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    name = done.stdout.strip()
    assert name, done.stderr
    wait_until(
        lambda: not left(name),
        what=f"{name} to be removed",
        timeout_seconds=30,
        interval_seconds=0.2,
    )


def test_the_owners_stack_is_named_otherwise() -> None:
    assert Places.here().compose_file == house.COMPOSE_FILE
    assert not house.load(house.COMPOSE_FILE.read_text())["name"].startswith("alertproof-trial-")
