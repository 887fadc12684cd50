import signal
import time

import pytest
from flask import Flask
from prometheus_client import Gauge
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.parser import text_string_to_metric_families

from instrumentation import InstrumentSettings, instrument
from instrumentation.faults.contract import HEADER
from instrumentation.logging_config import configure_logging, request_logging_middleware
from instrumentation.metrics import metrics_bp, register_metrics_middleware
from instrumentation.recent_ring import LAST_ERRORS
from instrumentation.settings import SettingsError
from stack.waiting import wait_until
from tests.instrumentation.served import gunicorn

ENDPOINTS = ("health", "live", "ready", "summary", "errors", "prometheus")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_answers_in_the_two_step_form(clean_up, ask, tmp_path, endpoint):
    app = Flask("two-step", static_folder=None)
    clean_up(app)
    configure_logging(app, log_file=str(tmp_path / "logs" / "app.log"), debug=False)
    request_logging_middleware(app)
    app.register_blueprint(metrics_bp)
    register_metrics_middleware(app)
    assert ask(app, f"/api/metrics/{endpoint}").status_code == 200


def test_the_exposition_is_served_with_the_type_that_prometheus_expects(make_app, ask):
    response = ask(make_app(), "/api/metrics/prometheus")
    assert response.content_type == CONTENT_TYPE_PLAIN_0_0_4
    assert "softfactory_up" in {f.name for f in text_string_to_metric_families(response.text)}


def test_the_prefix_is_the_teams_own(make_app, ask):
    text = ask(make_app(prefix="shop"), "/api/metrics/prometheus").text
    assert {line.split("_")[0] for line in text.splitlines() if line[0] != "#"} == {"shop"}


def test_the_summary_says_which_limits_are_in_force(make_app, ask):
    app = make_app(memory_limit_bytes=512 << 20, cpu_limit_cores=0.2)
    ask(app, "/ok")
    ask(app, "/boom")
    summary = ask(app, "/api/metrics/summary").json
    assert summary["limits"]["memory"]["in_force"] == "configured"
    assert summary["limits"]["memory"]["bytes"] == 512 << 20
    assert "host" in summary["limits"]["memory"]["considered"]
    assert summary["limits"]["cpu"] == summary["limits"]["cpu"] | {
        "cores": 0.2,
        "in_force": "configured",
    }
    assert summary["memory"]["measured_as"] == "pss"
    assert summary["requests"] == {"total": 2, "errors": 1, "by_status": {"200": 1, "500": 1}}
    assert summary["latency_ms"]["count"] == 2
    assert "resources" in summary["background"]


def test_error_rates_are_told_for_three_windows(make_app, ask):
    app = make_app()
    for path in ("/ok", "/ok", "/ok", "/boom"):
        ask(app, path)
    body = ask(app, "/api/metrics/errors").json
    assert {name: window["seconds"] for name, window in body["windows"].items()} == {
        "1m": 60,
        "5m": 300,
        "15m": 900,
    }
    assert body["windows"]["5m"]["error_ratio"] == 0.25
    assert body["since_start"] == [{"type": "KeyError", "endpoint": "/boom", "count": 1}]


def test_the_last_errors_lead_to_their_log_lines_and_name_nobody(make_app, ask):
    app = make_app()
    identity = {"X-Request-Id": "r-1", "X-User-Id": "alice"}
    trace = "ab" * 16
    ask(
        app,
        "/boom?password=hunter2",
        headers={**identity, "traceparent": f"00-{trace}-{'cd' * 8}-01"},
    )
    (error,) = ask(app, "/api/metrics/errors").json["last"]
    assert error.pop("time").endswith("Z")
    assert error.pop("timestamp_seconds") > 0
    assert error == {
        "status": 500,
        "request_id": "r-1",
        "trace_id": trace,
        "method": "GET",
        "route": "/boom",
        "error_type": "KeyError",
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_head_gives_the_headers_alone(make_app, ask, endpoint):
    answer = ask(make_app(), f"/api/metrics/{endpoint}", "HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_application_that_handles_every_exception_changes_nothing(make_app, ask, endpoint):
    app = make_app()

    @app.errorhandler(Exception)
    def any_exception(_error):
        return "handled", 418

    assert ask(app, f"/api/metrics/{endpoint}").status_code == 200


def test_the_summary_tells_readiness_without_running_a_check(make_app, ask):
    app = make_app(service_version="1.2", instance_id="shop-1", environment="staging")
    app.testing = True  # no background work, which would run the check
    one, runs = app.extensions["instrumentation"], []
    one.ready_check("database")(lambda: runs.append(1))
    summary = ask(app, "/api/metrics/summary").json
    assert summary["readiness"] == {
        "status": "unknown",
        "draining": False,
        "checks": {"database": None},
    }
    assert runs == []
    ask(app, "/api/metrics/ready")
    readiness = ask(app, "/api/metrics/summary").json["readiness"]
    assert (readiness["status"], readiness["checks"]["database"]["status"]) == ("pass", "pass")
    assert (summary["version"], summary["instance"]) == ("1.2", "shop-1")
    assert summary["environment"] == "staging"


def test_the_summary_tells_the_age_of_the_last_backup(make_app, ask):
    app = make_app()
    gauge = Gauge(
        "softfactory_backup_last_success_timestamp_seconds",
        "When.",
        registry=app.extensions["instrumentation"].registry,
    )
    gauge.set(time.time() - 100)
    backup = ask(app, "/api/metrics/summary").json["last_success"]["backup"]
    assert backup["age_seconds"] >= 100


def test_endpoints_without_their_metrics_say_what_is_missing(ask):
    app = Flask("half", static_folder=None)
    app.register_blueprint(metrics_bp)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(RuntimeError, match="register_metrics_middleware"):
        ask(app, "/api/metrics/summary")


def test_an_application_is_instrumented_once(make_app):
    with pytest.raises(RuntimeError, match="already"):
        register_metrics_middleware(make_app(), settings=InstrumentSettings())


def test_a_directory_for_workers_that_comes_too_late_is_refused(clean_up, tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    app = Flask("many", static_folder=None)
    clean_up(app)
    with pytest.raises(SettingsError, match="before Python starts"):
        instrument(app, settings=InstrumentSettings(), log_file=tmp_path / "app.log")


def test_settings_come_from_the_environment_when_none_are_given(clean_up, tmp_path, monkeypatch):
    monkeypatch.setenv("INSTRUMENT_LOG_FILE", str(tmp_path / "from-env.log"))
    monkeypatch.setenv("INSTRUMENT_SAMPLE_SECONDS", "7")
    app = Flask("env", static_folder=None)
    clean_up(app)
    assert instrument(app).settings.sample_seconds == 7
    assert (tmp_path / "from-env.log").exists()


@pytest.mark.parametrize(
    ("environment", "enabled", "why_not"),
    [("staging", True, None), ("production", False, "means production")],
)
def test_the_summary_says_whether_faults_are_armed_and_why_not(
    make_app, ask, secret_file, environment, enabled, why_not
):
    app = make_app(fault_secret_file=secret_file, environment=environment, instance_id="shop-1")
    ask(app, "/ok", headers={HEADER: "forged"})
    faults = ask(app, "/api/metrics/summary").json["fault_injection"]
    assert (faults["enabled"], faults["instance"]) == (enabled, "shop-1")
    assert faults["why_not"] is None if why_not is None else why_not in faults["why_not"]
    assert sum(faults["rejected"].values()) == int(enabled)
    assert (faults["applied"], faults["memory_held_bytes"]) == ({}, 0)


def test_without_a_secret_the_summary_says_so(make_app, ask):
    faults = ask(make_app(), "/api/metrics/summary").json["fault_injection"]
    assert (faults["enabled"], "names no secret" in faults["why_not"]) == (False, True)


def errors_of(served):
    return served.get("/api/metrics/errors").json()["windows"]["15m"]["errors"]


@pytest.mark.integration
def test_errors_and_summary_cover_all_workers_and_those_that_were_replaced(tmp_path):
    requests_each_round, rounds = 12, 3
    with gunicorn(tmp_path, "--workers", "3", "--threads", "2") as served:
        for number in range(rounds):
            for _ in range(requests_each_round):
                assert served.get("/boom").status_code == 500
            seen = requests_each_round * (number + 1)
            wait_until(  # a request is over a moment after its client has the answer
                lambda seen=seen: errors_of(served) == seen,
                what="the round's errors are counted",
                timeout_seconds=60,
            )
            victim, *_ = served.workers()
            served.kill_worker(victim, signal.SIGKILL)
            wait_until(
                lambda victim=victim: (
                    victim.pid not in {worker.pid for worker in served.workers()}
                    and len(served.workers()) == 3
                ),
                what="the worker is replaced",
                timeout_seconds=60,
            )
        total = requests_each_round * rounds
        for _ in range(6):  # whichever worker answers
            errors = served.get("/api/metrics/errors").json()
            assert errors["windows"]["15m"]["errors"] == total
            assert sum(one["count"] for one in errors["since_start"]) == total
            assert len(errors["last"]) == LAST_ERRORS
            summary = served.get("/api/metrics/summary").json()
            assert summary["requests"]["by_status"] == {"500": total}
            assert summary["latency_ms"]["count"] == total
        wait_until(
            lambda: served.get("/api/metrics/summary").json()["workers"] == 3,
            what="the last worker has loaded its application",
            timeout_seconds=60,
        )
