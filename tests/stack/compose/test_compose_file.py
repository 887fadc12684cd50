"""The compose file keeps the rules of the house, and each rule refuses what breaks it."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack.compose.credentials import CREDENTIALS
from stack.compose.failure import StackFailure
from stack.compose.places import Places
from stack.compose.plugin import find_compose
from stack.compose.project import read_project
from stack.compose.settings import SECRETS_VARIABLE, make_all, optional_variables
from stack.compose.shares import DEMO, MONITORING
from stack.production import production_files
from stack.rules import load_rules
from stack.tools.settings import ToolSettings
from tests.stack.compose import house

TEXT = house.COMPOSE_FILE.read_text()
COMPOSE = house.load(TEXT)
SERVICES = COMPOSE["services"]
BASE = {"prometheus", "alertmanager", "grafana", "elasticsearch", "kibana", "logstash"}
PORTS = {
    "prometheus": 9090,
    "grafana": 3000,
    "alertmanager": 9093,
    "elasticsearch": 9200,
    "logstash": 5000,
    "kibana": 5601,
    "softfactory": 8000,
}
WRITABLE = ["elasticsearch", "logstash"]

RULES: dict[str, Callable[[house.Compose], list[str]]] = {
    "health": house.health,
    "order": house.order,
    "limits": house.limits,
    "logs": house.logs,
    "privileges": house.privileges,
    "restarts": house.restarts,
    "images": house.images,
    "ports": house.ports,
    "told": house.told,
    "retention": house.retention,
    "anonymous": house.anonymous,
    "read twice": house.read_twice,
    "chained": house.chained,
    "far": house.far,
    "undeclared": house.undeclared,
}


def change(path: str, value: Any) -> Callable[[house.Compose], None]:
    def apply(compose: house.Compose) -> None:
        *way, last = (int(step) if step.isdecimal() else step for step in path.split("/"))
        place: Any = compose
        for step in way:
            place = place[step]
        if value is None:
            place.pop(last)
        else:
            place[last] = value

    return apply


BROKEN = [
    ("health", change("services/prometheus/healthcheck", None)),
    ("health", change("services/grafana/healthcheck", {"disable": True})),
    ("order", change("services/kibana/depends_on/prepare/condition", "service_started")),
    ("order", change("services/grafana/depends_on/prometheus/condition", "service_started")),
    ("limits", change("services/kibana/deploy/resources/limits", {"memory": "1g"})),
    ("logs", change("services/kibana/logging", {"driver": "json-file"})),
    ("privileges", change("services/kibana/security_opt", [])),
    ("privileges", change("services/kibana/cap_add", ["NET_ADMIN"])),
    ("privileges", change("services/kibana/user", "0:0")),
    ("privileges", change("services/kibana/user", None)),
    ("privileges", change("services/kibana/privileged", True)),
    ("restarts", change("services/kibana/restart", None)),
    ("restarts", change("services/prepare/restart", "unless-stopped")),
    ("images", change("services/kibana/image", "docker.elastic.co/kibana/kibana:8.19.5")),
    ("images", change("services/kibana/image", "${KIBANA_IMAGE:-kibana:latest}")),
    ("images", change("services/kibana/image", "${KIBANA_IMAGE:-kibana}")),
    ("ports", change("services/kibana/ports", ["5601:5601"])),
    ("ports", change("services/kibana/ports", ["0.0.0.0:${KIBANA_PORT:-5601}:5601"])),
    ("ports", change("services/kibana/ports", ["127.0.0.1:5601:5601"])),
    ("told", change("services/grafana/environment/GF_SECURITY_ADMIN_PASSWORD", "admin")),
    ("told", change("services/softfactory/environment/DATABASE_URL", "postgresql://a:b@c/d")),
    ("told", change("services/kibana/command", ["--elasticsearch.password=x"])),
    ("retention", change("services/prometheus/command", ["--storage.tsdb.retention.time=15d"])),
    ("retention", change("services/prometheus/command/5", "--enable-feature=exemplar-storage")),
    ("anonymous", change("services/elasticsearch/environment/xpack.security.enabled", "false")),
    ("anonymous", change("services/elasticsearch/environment/ELASTIC_PASSWORD_FILE", None)),
    ("anonymous", change("services/grafana/environment/GF_AUTH_ANONYMOUS_ENABLED", "true")),
    ("read twice", change("services/logstash/volumes", ["softfactory-logs:/var/log/app:ro"])),
    ("chained", change("services/shipper/depends_on/logstash", {"condition": "service_healthy"})),
    ("far", change("services/prometheus/extra_hosts", None)),
    ("undeclared", change("volumes/kibana-data", None)),
    ("undeclared", change("volumes/forgotten", {})),
]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_service_keeps_the_rule(rule: Callable[[house.Compose], list[str]]) -> None:
    assert rule(COMPOSE) == []


@pytest.mark.parametrize(("rule", "breaks"), BROKEN)
def test_a_service_that_breaks_a_rule_is_found(
    rule: str, breaks: Callable[[house.Compose], None]
) -> None:
    broken = copy.deepcopy(COMPOSE)
    breaks(broken)
    assert RULES[rule](broken) != []


def test_only_what_can_not_be_read_only_is_writable_and_says_why() -> None:
    assert house.writable(COMPOSE) == WRITABLE
    assert house.unexplained(TEXT) == []
    assert house.unexplained("  a:\n    user: x\n    read_only: false\n") == ["line 3"]


def test_no_password_has_a_default() -> None:
    assert house.defaults(TEXT) == []
    assert house.defaults("x: ${ELASTIC_PASSWORD:-changeme}") == ["ELASTIC_PASSWORD"]


def test_every_variable_that_is_required_is_one_that_up_sets() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert required == {SECRETS_VARIABLE}


def test_every_other_variable_has_a_default_and_so_a_line_in_the_env_file() -> None:
    code = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", code))
    assert used == {SECRETS_VARIABLE, *optional_variables(TEXT)}


def test_the_ports_are_those_that_people_know() -> None:
    found = {
        name: int(port.rpartition(":")[2])
        for name, service in SERVICES.items()
        for port in service.get("ports", ())
    }
    assert found == PORTS


def test_everything_is_there_without_a_profile_but_the_demo() -> None:
    demo = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert {"softfactory", "postgres", "shipper"} <= demo
    assert SERVICES.keys() - demo >= BASE
    assert all(service.get("profiles") in (None, ["demo"]) for service in SERVICES.values())
    assert not any(demo & SERVICES[name]["depends_on"].keys() for name in BASE)


def test_elasticsearch_has_a_gigabyte_of_heap_unless_told_otherwise() -> None:
    assert optional_variables(TEXT)["ELASTICSEARCH_HEAP"] == "1g"


def test_every_job_that_a_rule_reads_is_scraped() -> None:
    rules = production_files().rules
    read = {
        word
        for rule in load_rules(rules.read_text(), rules.name).alerts
        for found in re.findall(r'job=~?"([^"]+)"', rule.expr)
        for word in found.split("|")
    }
    scraped = set(re.findall(r"job_name: (\S+)", production_files().prometheus.read_text()))
    demo = (house.COMPOSE_FILE.parent / "compose/demo/targets/softfactory.yml").read_text()
    assert read <= scraped | set(re.findall(r"job: (\S+)", demo))


def test_a_service_on_the_host_is_reached_through_its_gateway() -> None:
    targets = (house.COMPOSE_FILE.parent / "compose/targets/softfactory.yml").read_text()
    assert '"host.docker.internal:8000"' in targets


@pytest.mark.parametrize("shared", MONITORING + DEMO, ids=lambda shared: shared.volume)
def test_a_volume_belongs_to_the_user_of_the_container_that_has_it(shared: Any) -> None:
    preparing = "prepare" if shared in MONITORING else "prepare-demo"
    assert (shared.volume, f"/volumes/{shared.volume}") in house.mounts(SERVICES[preparing])
    users = {
        int(service["user"].partition(":")[0])
        for name, service in SERVICES.items()
        if name not in house.ROOT
        for source, _ in house.mounts(service)
        if source == shared.volume
    }
    assert shared.owner.user in users
    if not shared.holds_data:
        assert users == {shared.owner.user}


def test_every_secret_that_a_container_names_is_in_its_volume() -> None:
    given = {one.volume: {*one.secrets, *one.made} for one in MONITORING + DEMO}
    for name, service in SERVICES.items():
        named = set(re.findall(r"/run/secrets/([\w.]+)", json.dumps(service)))
        has = {
            file
            for source, target in house.mounts(service)
            if target == "/run/secrets"
            for file in given[source]
        }
        assert named <= has, name


def compose_config(
    compose: tuple[str, ...], directory: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    file = directory / house.COMPOSE_FILE.name
    shutil.copy(house.COMPOSE_FILE, file)
    command = [*compose, "--file", str(file), *arguments]
    environment = {key: text for key, text in os.environ.items() if key != SECRETS_VARIABLE}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def compose() -> tuple[str, ...]:
    if shutil.which("docker") is None:
        pytest.skip("docker is not on PATH")
    try:
        return find_compose(ToolSettings.from_env(), print)
    except StackFailure as failure:
        pytest.skip(str(failure))


def test_compose_takes_the_file_with_what_up_made_and_shows_no_secret(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    places = Places.of(tmp_path)
    (tmp_path / "compose").mkdir()
    shutil.copy(house.COMPOSE_FILE, places.compose_file)
    make_all(places)
    done = compose_config(compose, tmp_path, "--profile", "demo", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    random = [each.name for each in CREDENTIALS if each.kind != "channel"]
    assert not any((places.secrets / name).read_text().strip() in done.stdout for name in random)
    project = read_project(json.loads(done.stdout))
    assert project.services.keys() == SERVICES.keys()
    assert {name: one for name in PORTS if (one := project.port(name))} == PORTS
    assert project.services["shipper"].demo


def test_compose_refuses_the_file_without_env_and_names_the_command(
    compose: tuple[str, ...], tmp_path: Path
) -> None:
    done = compose_config(compose, tmp_path, "config")
    assert done.returncode != 0
    assert "nox -s stack -- up" in done.stderr
