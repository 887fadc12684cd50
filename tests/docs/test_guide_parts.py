"""What the guides say beside the five steps is run: modules in a process, servers as real ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from ruamel.yaml import YAML

from instrumentation import gunicorn_conf
from stack.ports import reserve
from stack.processes import Processes
from stack.waiting import wait_until
from tests.docs.guide import FILES, PORTS, ROOT, Project, in_a_process

START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
"""Patience with a busy machine; nothing is judged by it."""

APP = "import flask, instrumentation\napp = flask.Flask('shop')\n"
READ = (
    "one = instrumentation.instrument(app)\n"
    "def lines(): return app.test_client().get('/api/metrics/prometheus').text.splitlines()\n"
)


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A folder with the guides' files, and this environment's commands."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "secrets").mkdir(0o700)
    named = {name: reserve() for name in (*PORTS, "nobody")}
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "INSTRUMENT_", "PROMETHEUS_"))
    }
    path = (folder / "bin", Path(sys.executable).parent, os.environ.get("PATH", os.defpath))
    bench = Project(
        folder=folder,
        environment={
            **inherited,
            "PATH": os.pathsep.join(map(str, path)),
            "PYTHONPATH": str(ROOT),
            "INSTRUMENT_DRAIN_SECONDS": "0",
        },
        ports={name: reservation.port for name, reservation in named.items()},
    )
    for title in FILES:
        if "/" not in title:
            bench.write(title)
    yield bench
    for reservation in named.values():
        reservation.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as processes:
        yield processes


def answers(
    bench: Project, port: str, path: str = "/api/items", status: int = 200
) -> requests.Response:
    """Wait until the service at the port that the guide calls so answers with that status."""

    def asked() -> requests.Response | None:
        answer = requests.get(
            f"http://127.0.0.1:{bench.ports[port]}{path}",
            headers={"Connection": "close"},
            timeout=ANSWER_SECONDS,
        )
        return answer if answer.status_code == status else None

    return wait_until(
        asked,
        what=f"{path} at {port} to answer {status}",
        timeout_seconds=START_SECONDS,
        retry_on=(requests.RequestException,),
    )


def test_own_metrics_are_exposed_and_begin_at_zero(tmp_path: Path) -> None:
    said = in_a_process(
        tmp_path,
        APP + READ + "from own_metrics import ShopMetrics\n"
        "own = ShopMetrics(one)\n"
        "own.payments.labels('declined').inc()\nown.carts.inc()\n"
        "print(*[line for line in lines() if 'payment' in line or 'carts' in line], sep='\\n')\n",
    )
    assert {line for line in said.splitlines() if line[0] != "#"} == {
        'softfactory_payment_attempts_total{outcome="succeeded"} 0.0',
        'softfactory_payment_attempts_total{outcome="declined"} 1.0',
        'softfactory_payment_attempts_total{outcome="failed"} 0.0',
        "softfactory_carts_open 1.0",
    }


def test_queries_of_a_watched_engine_are_counted(tmp_path: Path) -> None:
    said = in_a_process(
        tmp_path,
        APP + READ + "import sqlalchemy, watch_queries\n"
        "engine = sqlalchemy.create_engine('sqlite://')\n"
        "watch_queries.watch_queries(one, engine)\n"
        "engine.connect().execute(sqlalchemy.text('SELECT 1'))\n"
        "print(*[line for line in lines() if '_count{' in line and 'select' in line])\n",
    )
    assert said.strip().endswith('operation="select"} 1.0')


def test_the_disk_that_the_guide_names_is_told_beside_that_of_the_log(tmp_path: Path) -> None:
    said = in_a_process(
        tmp_path,
        "from shop_with_disks import app\n"
        "text = app.test_client().get('/api/metrics/prometheus').text\n"
        "print(*[line for line in text.splitlines() if 'disk_free_bytes{' in line], sep='\\n')\n",
    )
    assert [line.partition(" ")[0] for line in said.splitlines()] == [
        'softfactory_disk_free_bytes{volume="logs"}',
        'softfactory_disk_free_bytes{volume="uploads"}',
    ]


def test_the_age_of_a_backup_is_read_from_its_file(tmp_path: Path) -> None:
    newest = tmp_path / "backup.dump"
    newest.touch()
    os.utime(newest, (1000, 1000))
    said = in_a_process(
        tmp_path,
        APP + READ + "import pathlib, watch_backups\n"
        "watch_backups.watch_backups(one, pathlib.Path('backup.dump'))\n"
        "print(*[line for line in lines() if line.startswith('softfactory_backup_last')])\n",
    )
    assert said.strip() == "softfactory_backup_last_success_timestamp_seconds 1000.0"


def test_who_asks_is_logged_and_hashed_where_there_is_a_key(tmp_path: Path) -> None:
    code = (
        "import shop_with_users\n"
        "from instrumentation.logging_config import flush_logs\n"
        "shop_with_users.app.test_client().post('/login/ann').close()\n"
        "flush_logs(shop_with_users.app)\n"
    )
    key = tmp_path / "key"
    key.write_text("a key of the tests, long enough")
    logged = []
    for name, environment in (("plain", {}), ("keyed", {"INSTRUMENT_USER_ID_KEY_FILE": str(key)})):
        folder = tmp_path / name
        folder.mkdir()
        set_them = f"import os\nos.environ.update({environment!r})\n"
        in_a_process(folder, set_them + code)
        (record,) = map(json.loads, (folder / "logs" / "app.log").read_text().splitlines())
        logged.append(record["user.id"])
    plain, hashed = logged
    assert plain == "ann"
    assert len(hashed) == 64
    assert "ann" not in hashed


def test_a_call_to_the_named_service_carries_id_and_trace(tmp_path: Path) -> None:
    said = in_a_process(
        tmp_path,
        APP + "import threading\n"
        "from wsgiref.simple_server import make_server\n"
        "from unittest import mock\n"
        "import stock_service\n"
        "from instrumentation.correlated_session import correlated_session\n"
        "stock, seen = flask.Flask('stock'), {}\n"
        "@stock.get('/stock/<int:number>')\n"
        "def left(number):\n"
        "    seen.update(flask.request.headers)\n"
        "    return {'left': number}\n"
        "server = make_server('127.0.0.1', 0, stock)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "origin = f'http://127.0.0.1:{server.server_port}'\n"
        "stock_service.ORIGIN, stock_service.session = origin, correlated_session(origin)\n"
        "instrumentation.instrument(app)\n"
        "app.add_url_rule('/', view_func=lambda: str(stock_service.units_left(3)))\n"
        "answer = app.test_client().get('/', headers={'X-Request-Id': 'guide'})\n"
        "print(answer.text, seen['X-Request-Id'], len(seen['Traceparent']))\n",
    )
    assert said.split() == ["3", "guide", "55"]


@pytest.mark.integration
def test_a_configuration_of_ones_own_with_token_and_port_serves_four_workers(
    workbench: Project, processes: Processes
) -> None:
    workbench.run("metrics-token")
    token = (workbench.folder / "secrets" / "metrics_token").read_text().strip()
    workbench.start("serve-guarded", processes)
    answers(workbench, "8001")
    address = f"http://127.0.0.1:{workbench.ports['9100']}/api/metrics/prometheus"
    for path in ("live", "ready", "health"):
        answers(workbench, "9100", f"/api/metrics/{path}")
    assert requests.get(address, timeout=ANSWER_SECONDS).status_code == 401
    wait_until(
        lambda: (
            "softfactory_workers 4.0"
            in requests.get(
                address, headers={"Authorization": f"Bearer {token}"}, timeout=ANSWER_SECONDS
            ).text.splitlines()
        ),
        what="four workers",
        timeout_seconds=START_SECONDS,
    )
    wait_until(
        lambda: workbench.log_of("serve-guarded").count("the shop is open") == 4,
        what="the hook to have run in each of the workers of gunicorn_shop.py",
        timeout_seconds=START_SECONDS,
    )


@pytest.mark.integration
def test_preloading_counts_all_workers_together(workbench: Project, processes: Processes) -> None:
    workbench.start("serve-preloaded", processes)
    answers(workbench, "8002")
    asked = 1 + sum(answers(workbench, "8002").ok for _ in range(20))
    text = answers(workbench, "8002", "/api/metrics/prometheus").text
    line = 'softfactory_requests_total{endpoint="/api/items",method="GET",status="200"} '
    assert [one for one in text.splitlines() if one.startswith(line)] == [f"{line}{asked}.0"]


@pytest.mark.integration
def test_flask_run_serves_the_same(workbench: Project, processes: Processes) -> None:
    workbench.start("flask-run", processes)
    answers(workbench, "8003")
    assert answers(workbench, "8003", "/api/metrics/ready").json()["status"] == "pass"


def serve_alone(
    bench: Project, processes: Processes, drain_seconds: int
) -> subprocess.Popen[bytes]:
    server = processes.start(
        "serve_alone",
        [sys.executable, "serve_alone.py"],
        log=bench.folder / "serve_alone.out",
        env={**bench.environment, "INSTRUMENT_DRAIN_SECONDS": str(drain_seconds)},
        cwd=bench.folder,
    )
    answers(bench, "8004", "/api/metrics/ready")
    server.send_signal(signal.SIGTERM)
    return server


@pytest.mark.integration
def test_a_server_of_one_process_says_that_it_drains_while_it_answers(
    workbench: Project, processes: Processes
) -> None:
    serve_alone(workbench, processes, drain_seconds=3600)
    answers(workbench, "8004", "/api/metrics/ready", status=503)
    answers(workbench, "8004", "/api/items")


@pytest.mark.integration
def test_a_server_of_one_process_ends_when_it_has_drained(
    workbench: Project, processes: Processes
) -> None:
    assert serve_alone(workbench, processes, drain_seconds=0).wait(START_SECONDS) == 0


@pytest.mark.integration
def test_prometheus_takes_the_scrape_configurations(workbench: Project) -> None:
    workbench.run("tools")
    workbench.run("metrics-token")  # promtool opens what the configuration names
    said = workbench.run("check-scrapes")
    assert said.count("SUCCESS") == 2
    assert all(f"{name}.yml" in said for name in ("prometheus-with-token", "prometheus-kubernetes"))


def test_the_pod_asks_paths_that_are_there_at_a_port_that_is_served() -> None:
    from flask import Flask

    from instrumentation.metrics import metrics_bp
    from instrumentation.settings import InstrumentSettings

    app = Flask("shop", static_folder=None)
    app.register_blueprint(metrics_bp)
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    pod = YAML(typ="safe").load(FILES["pod.yml"])
    (container,) = pod["containers"]
    settings = InstrumentSettings.from_env({one["name"]: one["value"] for one in container["env"]})
    assert settings.metrics_bind is not None
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports["metrics"] == settings.metrics_bind[1]
    for probe in ("livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in routes
        assert asked["port"] == settings.metrics_bind[1]
    ready = container["readinessProbe"]
    assert settings.drain_seconds > ready["periodSeconds"] * ready["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] > (
        settings.drain_seconds + gunicorn_conf.graceful_timeout
    )
    assert container["livenessProbe"]["httpGet"]["path"].endswith("/live")
    scraped = YAML(typ="safe").load(FILES["prometheus-kubernetes.yml"])["scrape_configs"][0]
    assert scraped["metrics_path"] in routes
    assert scraped["relabel_configs"][0]["regex"] in ports
