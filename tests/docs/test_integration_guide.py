"""The guide for a team's own Flask app is followed to the letter, in a folder beside a clone.

What its later parts say of production is run by `test_guide_parts.py`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stack.clients import AlertmanagerClient, PrometheusClient
from stack.ports import reserve
from stack.processes import Processes
from stack.production import production_files
from stack.readiness import NOT_ANSWERING, answers_ready
from stack.rules import load_rules
from stack.waiting import NotYet, wait_until
from tests.docs.guide import COMMANDS, FILES, GUIDE, PORTS, PRODUCTION, ROOT, Project, in_a_process

RULES = load_rules(production_files().rules.read_text(encoding="utf-8"), "alert-rules.yml")
NOT_IN_A_CLONE = shutil.ignore_patterns(
    *(".git", ".*_cache", ".hypothesis", ".nox", ".venv", "__pycache__", "reports", "var")
)
INSTALL_SECONDS = 300.0
START_SECONDS = 30.0
PROVE_SECONDS = 300.0
"""Patience with one drill of half a minute, and with another run that drills meanwhile."""
SCRAPED_SECONDS = 30.0
"""Patience with the first scrape, which comes after a tick of 5 s and an interval of up to 15 s."""
NOT_RUN = "clone prove-all"
"""The clone is a copy here, and CI runs `nox -s verify` in full."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Step 1: beside a clone, the project's virtual environment with alertproof in it."""
    folder = tmp_path_factory.mktemp("guide") / "shop"
    folder.mkdir()
    shutil.copytree(ROOT, folder.parent / "alertproof", ignore=NOT_IN_A_CLONE)
    named = {name: reserve() for name in (*PORTS, "nobody")}
    ours = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("PYTEST", "INSTRUMENT_"))
    }
    path = [str(folder / "bin"), str(folder / ".venv" / "bin"), inherited.get("PATH", os.defpath)]
    project = Project(
        folder=folder,
        environment={
            **inherited,
            "PATH": os.pathsep.join(path),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",  # most of what is installed is never imported here
        },
        ports={name: reservation.port for name, reservation in named.items()},
    )
    project.run("install", timeout=INSTALL_SECONDS)
    for title in FILES:
        project.write(title)
    watched = folder.parent / "alertproof" / "stack" / "prometheus-config.yml"
    watched.write_text(project.adapted(watched.read_text()))
    yield project
    for reservation in named.values():
        reservation.close()
    shutil.rmtree(folder / ".venv")  # 200 MB, which pytest would keep for three runs


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as processes:
        yield processes


@pytest.fixture(scope="module")
def shop(project: Project, processes: Processes) -> str:
    """Step 3: the guide's app under gunicorn; its URL."""
    url = f"http://127.0.0.1:{project.ports['8000']}"
    project.start("serve", processes)

    def answers() -> bool:
        if "serve" in processes.exited():
            pytest.fail(f"gunicorn ended:\n{project.log_of('serve')}")
        return requests.get(f"{url}/api/metrics/live", timeout=2).ok

    wait_until(
        answers,
        what="the guide's app to answer",
        timeout_seconds=START_SECONDS,
        retry_on=(requests.RequestException,),
    )
    return url


@pytest.fixture(scope="module")
def checked(project: Project) -> str:
    """Step 4 until before the start: what the checks of the configuration said."""
    for command in ("tools", "only-mine", "addresses", "secrets"):
        project.run(command)
    return project.run("check")


@pytest.fixture(scope="module")
def watched(project: Project, processes: Processes, shop: str, checked: str) -> str:
    """Step 4: Prometheus and Alertmanager watch the app; what the guide's last look says."""
    assert requests.get(f"{shop}/api/items/1", timeout=5).json() == {"name": "lamp"}
    ports = {"alertmanager": project.ports["9093"], "prometheus": project.ports["9090"]}
    for command in ports:
        project.start(command, processes)
    for command, port in ports.items():

        def ready(command: str = command, port: int = port) -> bool:
            if command in processes.exited():
                pytest.fail(f"{command} ended:\n{project.log_of(command)}")
            return answers_ready(port)

        wait_until(
            ready,
            what=f"{command} to be ready",
            timeout_seconds=START_SECONDS,
            retry_on=NOT_ANSWERING,
        )

    def scraped() -> str:
        said = project.run("look")
        if "=> 1 " not in said:
            raise NotYet(said or "no such series")
        return said

    return wait_until(
        scraped,
        what="Prometheus to scrape the guide's app",
        timeout_seconds=SCRAPED_SECONDS,
        interval_seconds=0.5,
    )


@pytest.mark.integration
def test_step_1_installs_the_clone(project: Project) -> None:
    said = project.shell("python -c 'import instrumentation; print(instrumentation.__file__)'")
    assert said.strip() == str(project.folder.parent / "alertproof/instrumentation/__init__.py")


@pytest.mark.integration
def test_step_3_serves_the_six_endpoints_as_the_table_says(shop: str) -> None:
    rows = re.findall(
        r"^\| <http://127.0.0.1:8000(/\S+)> \|.*\| `(\S+)` \|$", GUIDE.read_text(), re.M
    )
    assert len(rows) == 6
    for path, content_type in rows:
        answer = requests.get(shop + path, timeout=5)
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (
            *(200, content_type),
        ), path


@pytest.mark.integration
def test_step_3_writes_the_log_where_the_guide_says(project: Project, shop: str) -> None:
    requests.get(f"{shop}/api/items", headers={"X-Request-Id": "guide"}, timeout=5)

    def logged() -> list[dict[str, object]] | None:
        lines = (project.folder / "logs" / "app.log").read_text().splitlines()
        return [
            one for line in lines if (one := json.loads(line)).get("request_id") == "guide"
        ] or None

    (record,) = wait_until(logged, what="the request's record", timeout_seconds=5)
    assert (record["url.path"], record["http.response.status_code"]) == ("/api/items", 200)


@pytest.mark.integration
def test_step_3_counts_in_four_workers_as_in_one(project: Project, shop: str) -> None:
    def all_loaded() -> bool:
        return (
            "softfactory_workers 4.0"
            in requests.get(f"{shop}/api/metrics/prometheus", timeout=5).text.splitlines()
        )

    wait_until(all_loaded, what="four workers", timeout_seconds=START_SECONDS)


@pytest.mark.integration
def test_step_4_finds_the_configuration_valid(checked: str) -> None:
    assert f"{len(RULES.rules)} rules found" in checked
    assert "FAILED" not in checked
    assert "receiver=critical\n" in f"{checked}\n" or "\ncritical\n" in checked
    assert "\nhigh\n" in checked


@pytest.mark.integration
def test_step_4_keeps_the_secrets_to_their_owner(project: Project, checked: str) -> None:
    secrets = project.folder / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    named = (ROOT / "stack" / "alertmanager-config.yml").read_text()
    assert {path.name for path in secrets.iterdir()} == set(
        re.findall(r": /etc/alertmanager/secrets/(\w+)", named)
    )
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets.iterdir())
    assert len((secrets / "pagerduty_routing_key").read_text()) == 32


@pytest.mark.integration
def test_step_4_scrapes_the_app_as_a_service_of_its_own(project: Project, watched: str) -> None:
    address = f"127.0.0.1:{project.ports['8000']}"
    assert f'instance="{address}", job="softfactory", service="shop"' in watched
    prometheus = PrometheusClient(f"http://127.0.0.1:{project.ports['9090']}")

    def all_scraped() -> set[str]:
        targets = prometheus.targets()
        waiting = [one.labels["service"] for one in targets if one.health != "up"]
        if waiting:
            raise NotYet(f"not scraped yet: {', '.join(waiting)}")
        return {one.labels["service"] for one in targets}

    scraped = wait_until(all_scraped, what="every target", timeout_seconds=SCRAPED_SECONDS)
    assert scraped == {"shop", "prometheus", "alertmanager"}
    counted = prometheus.query(
        'softfactory_requests_total{service="shop", status="200", method="GET"}'
    )
    assert {sample.labels["endpoint"]: sample.value for sample in counted}[
        "/api/items/<int:number>"
    ] == 1.0


@pytest.mark.integration
def test_step_4_keeps_exemplars_that_name_a_requests_trace(
    project: Project, shop: str, watched: str
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    requests.get(
        f"{shop}/api/items", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}, timeout=5
    )

    def kept() -> bool:
        answer = requests.get(
            f"http://127.0.0.1:{project.ports['9090']}/api/v1/query_exemplars",
            params={"query": "softfactory_request_latency_ms_bucket", "start": "0", "end": "9e9"},
            timeout=5,
        ).json()
        return any(
            exemplar["labels"]["trace_id"] == trace
            for series in answer["data"]
            for exemplar in series["exemplars"]
        )

    wait_until(kept, what="the exemplar", timeout_seconds=SCRAPED_SECONDS)


@pytest.mark.integration
def test_step_4_loads_the_rules_and_finds_the_alertmanager(project: Project, watched: str) -> None:
    prometheus = PrometheusClient(f"http://127.0.0.1:{project.ports['9090']}")
    rules = prometheus.rules()
    assert {rule.name for rule in rules.rules} == {rule.name for rule in RULES.alerts}
    assert {rule.last_error for rule in rules.rules} == {""}
    # SoftFactoryDown is pending until the first scrape: at the start nothing is there yet
    firing = [alert for alert in rules.active_alerts() if alert.state == "firing"]
    assert [alert.labels["alertname"] for alert in firing] == ["Watchdog"]
    found = wait_until(
        prometheus.active_alertmanagers,
        what="Prometheus to discover the guide's Alertmanager",
        timeout_seconds=SCRAPED_SECONDS,
    )
    assert found == 1


@pytest.mark.integration
def test_step_5_proves_the_alert_with_the_changed_clone(
    project: Project, processes: Processes, checked: str
) -> None:
    status = project.start("prove", processes).wait(PROVE_SECONDS)
    said = project.log_of("prove")
    assert status == 0, said
    assert re.search(r"^SlowResponseTime .* PASS ", said, re.MULTILINE), said


@pytest.mark.integration
def test_step_5_hands_alertmanager_an_alert_by_hand(project: Project, watched: str) -> None:
    project.run("by-hand")
    alertmanager = AlertmanagerClient(f"http://127.0.0.1:{project.ports['9093']}")
    alerts = {(one.labels["alertname"], one.labels["service"]) for one in alertmanager.alerts()}
    assert alerts - {("Watchdog", "monitoring")} == {("Hello", "shop")}


def test_the_two_step_form_serves_the_same_endpoints(tmp_path: Path) -> None:
    said = in_a_process(
        tmp_path,
        "import shop, shop_in_steps\n"
        "for app in (shop.create_app(), shop_in_steps.app):\n"
        "    paths = {r.rule for r in app.url_map.iter_rules() if '/metrics/' in r.rule}\n"
        "    print(sorted((p, app.test_client().get(p).status_code) for p in paths))\n",
    )
    one_call, in_steps = said.splitlines()
    assert one_call == in_steps
    assert one_call.count("200") == 6


def test_the_database_gauge_follows_its_check(tmp_path: Path) -> None:
    said = in_a_process(
        tmp_path,
        "import flask, instrumentation, watch_database\n"
        "from stack.waiting import wait_until\n"
        "def broken(): raise OSError('gone')\n"
        "def fine(): pass\n"
        "for check, up in ((fine, '1.0'), (broken, '0.0')):\n"
        "    app = flask.Flask('shop')\n"
        "    one = instrumentation.instrument(app)\n"
        "    watch_database.watch_my_database(one, check)\n"
        "    one.start()\n"
        "    client = app.test_client()\n"
        "    read = lambda: client.get('/api/metrics/prometheus').text.splitlines()\n"
        "    sample = 'softfactory_database_up{database=\"default\"} ' + up\n"
        "    wait_until(lambda: sample in read() or None,\n"
        "               what='the gauge', timeout_seconds=10)\n"
        "    print(up)\n",
    )
    assert said.split() == ["1.0", "0.0"]


def test_the_guides_have_no_block_that_is_not_run() -> None:
    fences = re.findall(r"^```\w.*$", GUIDE.read_text() + PRODUCTION.read_text(), re.M)
    assert len(fences) == len(FILES) + len(COMMANDS)
    here = Path(__file__).parent
    source = "".join(
        (here / name).read_text() for name in ("test_integration_guide.py", "test_guide_parts.py")
    )
    unused = [name for name in COMMANDS if f'"{name}"' not in source]
    assert " ".join(unused) == NOT_RUN
    modules = [Path(title).stem for title in FILES if title.endswith(".py")]
    assert [name for name in modules if name not in source] == []
    assert [title for title in FILES if "/" not in title and Path(title).stem not in source] == []
