"""What Prometheus and Alertmanager answer becomes typed; what they should not answer, one error."""

from __future__ import annotations

import http.server
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from stack.clients import (
    AlertmanagerClient,
    AlertmanagerError,
    PrometheusClient,
    PrometheusError,
)
from stack.clients.timestamps import epoch_seconds
from stack.ports import reserve


@contextmanager
def answering(answers: dict[str, tuple[int, object]]) -> Iterator[str]:
    """Serve fixed answers by path: status, and text as it is or anything else as JSON."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            status, answer = answers[urlsplit(self.path).path]
            body = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def success(data: object) -> tuple[int, object]:
    return 200, {"status": "success", "data": data}


RULE = {
    "state": "firing",
    "name": "SlowResponseTime",
    "query": "up",
    "duration": 5,
    "labels": {"severity": "HIGH"},
    "annotations": {},
    "alerts": [
        {
            "labels": {"alertname": "SlowResponseTime", "service": "a"},
            "annotations": {},
            "state": "firing",
            "activeAt": "2026-11-24T08:00:00.123456789Z",
            "value": "1.5e+00",
        },
        {
            "labels": {"alertname": "SlowResponseTime", "service": "b"},
            "annotations": {},
            "state": "pending",
            "activeAt": "2026-11-24T08:00:01Z",
            "value": "NaN",
        },
    ],
    "health": "ok",
    "evaluationTime": 0.000318,
    "lastEvaluation": "2026-11-24T08:00:02.5Z",
    "type": "alerting",
}
NEVER_EVALUATED = RULE | {
    "name": "HighErrorRate",
    "alerts": [],
    "health": "err",
    "lastError": "many-to-many matching",
    "lastEvaluation": "0001-01-01T00:00:00Z",
}


def test_rules_carry_their_health_and_their_active_alerts() -> None:
    data = {"groups": [{"name": "drill", "interval": 15, "rules": [RULE, NEVER_EVALUATED]}]}
    with answering({"/api/v1/rules": success(data)}) as url:
        snapshot = PrometheusClient(url).rules()
    slow, errors = snapshot.rules
    assert (slow.group, slow.name, slow.health, slow.last_error) == (
        "drill",
        "SlowResponseTime",
        "ok",
        "",
    )
    assert (slow.every_seconds, slow.evaluation_seconds) == (15.0, 0.000318)
    first, second = snapshot.active_alerts()
    assert (first.state, first.value, first.labels["service"]) == ("firing", 1.5, "a")
    assert slow.last_evaluation - first.active_at == pytest.approx(2.376544, abs=1e-6)
    assert second.state == "pending"
    assert math.isnan(second.value)
    assert (errors.health, errors.last_error) == ("err", "many-to-many matching")
    assert errors.last_evaluation == 0.0
    assert snapshot.named("HighErrorRate") == (errors,)


def test_targets_are_the_active_ones() -> None:
    target = {
        "labels": {"job": "softfactory", "service": "a"},
        "scrapeUrl": "http://127.0.0.1:1/api/metrics/prometheus",
        "lastError": "connection refused",
        "lastScrape": "2026-11-24T08:00:00Z",
        "health": "down",
    }
    with answering({"/api/v1/targets": success({"activeTargets": [target]})}) as url:
        (read,) = PrometheusClient(url).targets()
    assert (read.health, read.last_error) == ("down", "connection refused")
    assert read.last_scrape == epoch_seconds("2026-11-24T09:00:00+01:00")


def test_queries_give_samples_scalars_and_raw_series() -> None:
    vector = {"result": [{"metric": {"service": "a"}, "value": [1.5, "2"]}]}
    with answering({"/api/v1/query": success(vector)}) as url:
        (sample,) = PrometheusClient(url).query("up")
    assert (sample.labels, sample.value, sample.at) == ({"service": "a"}, 2.0, 1.5)
    with answering({"/api/v1/query": success({"result": [3, "+Inf"]})}) as url:
        (scalar,) = PrometheusClient(url).query("scalar(up)")
    assert (scalar.labels, scalar.value, scalar.at) == ({}, math.inf, 3.0)
    matrix = {"result": [{"metric": {}, "values": [[1, "0"], [2, "1"]]}]}
    with answering({"/api/v1/query": success(matrix)}) as url:
        (series,) = PrometheusClient(url).query_raw("up[1m]")
    assert series.points == ((1.0, 0.0), (2.0, 1.0))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((503, "starting"), id="status"),
        pytest.param((200, "<html>"), id="no JSON"),
        pytest.param((200, {"status": "error", "error": "no"}), id="error"),
        pytest.param(success({"groups": [{"name": "g"}]}), id="form"),
    ],
)
def test_every_other_answer_is_an_error_with_the_url(answer: tuple[int, object]) -> None:
    with answering({"/api/v1/rules": answer}) as url:
        with pytest.raises(PrometheusError) as told:
            PrometheusClient(url).rules()
        assert url in str(told.value)


def test_a_query_over_a_time_is_one_series_a_set_of_labels() -> None:
    found = {"result": [{"metric": {"service": "a"}, "values": [[1.25, "3"], [1.5, "NaN"]]}]}
    with answering({"/api/v1/query_range": success(found)}) as url:
        (series,) = PrometheusClient(url).query_range("up", start=1.25, end=1.5, step_seconds=0.25)
    assert series.labels == {"service": "a"}
    assert series.points[0] == (1.25, 3.0)
    assert math.isnan(series.points[1][1])


def test_a_rejected_query_is_an_error_with_prometheus_words() -> None:
    answer = (400, {"status": "error", "error": "parse error: unexpected end"})
    with answering({"/api/v1/query": answer}) as url:
        with pytest.raises(PrometheusError, match="unexpected end") as told:
            PrometheusClient(url).query("sum(")
        assert url in str(told.value)
        assert "sum(" in str(told.value)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda url: PrometheusClient(url).rules(), id="rules"),
        pytest.param(lambda url: PrometheusClient(url).query("up"), id="query"),
        pytest.param(lambda url: AlertmanagerClient(url).alerts(), id="alerts"),
        pytest.param(lambda url: AlertmanagerClient(url).notification_counters(), id="counters"),
    ],
)
def test_nobody_there_is_an_error_with_the_url(ask: Callable[[str], object]) -> None:
    with reserve() as reservation:
        url = f"http://127.0.0.1:{reservation.port}"
        with pytest.raises((PrometheusError, AlertmanagerError), match=url):
            ask(url)


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        reserve() as nobody,
        answering(
            {
                "/api/v1/alertmanagers": success({"activeAlertmanagers": [{}]}),
                "/api/v1/query": success({"result": []}),
            }
        ) as url,
    ):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{nobody.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        client = PrometheusClient(url)
        assert client.active_alertmanagers() == 1
        assert client.query("up") == []


def test_an_inhibited_alert_names_what_inhibits_it() -> None:
    alert = {
        "labels": {"alertname": "HighErrorRate", "service": "a"},
        "annotations": {},
        "fingerprint": "f1",
        "startsAt": "2026-11-24T08:00:00.000Z",
        "endsAt": "2026-11-24T08:04:00.000Z",
        "updatedAt": "2026-11-24T08:00:00.000Z",
        "generatorURL": "",
        "receivers": [{"name": "high"}],
        "status": {"inhibitedBy": ["f2"], "mutedBy": [], "silencedBy": [], "state": "suppressed"},
    }
    with answering({"/api/v2/alerts": (200, [alert])}) as url:
        (read,) = AlertmanagerClient(url).alerts()
    assert (read.state, read.inhibited_by, read.silenced_by) == ("suppressed", ("f2",), ())
    assert read.receivers == ("high",)
    assert read.ends_at - read.starts_at == 240


COUNTERS = """\
# TYPE alertmanager_notifications_total counter
alertmanager_notifications_total{integration="slack"} 5
alertmanager_notifications_total{integration="email"} 0
# TYPE alertmanager_notification_requests_total counter
alertmanager_notification_requests_total{integration="slack"} 3
alertmanager_notification_requests_total{integration="email"} 4
# TYPE alertmanager_notifications_suppressed_total counter
alertmanager_notifications_suppressed_total{reason="inhibition"} 7
# TYPE alertmanager_notifications_failed_total counter
alertmanager_notifications_failed_total{integration="slack",reason="clientError"} 2
alertmanager_notifications_failed_total{integration="slack",reason="serverError"} 1
alertmanager_notifications_failed_total{integration="email",reason="other"} 0
"""


def test_accepted_notifications_are_the_attempted_less_the_failed() -> None:
    with answering({"/metrics": (200, COUNTERS)}) as url:
        counters = AlertmanagerClient(url).notification_counters()
    assert counters.attempted == {"slack": 5, "email": 0}
    assert counters.suppressed == {"inhibition": 7}
    assert counters.failed == {"slack": 3, "email": 0}
    assert counters.accepted("slack") == 2
    assert counters.on_their_way == 2  # the mail that was tried again is none of Slack's
    assert counters.accepted("pagerduty") == 0
    assert [(one.integration, one.reason, one.count) for one in counters.failures] == [
        ("slack", "clientError", 2),
        ("slack", "serverError", 1),
    ]


def test_another_servers_metrics_are_an_error() -> None:
    with (
        answering({"/metrics": (200, "up 1\n")}) as url,
        pytest.raises(AlertmanagerError, match="unknown form"),
    ):
        AlertmanagerClient(url).notification_counters()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:01.25+01:00", 1.25),
        ("1970-01-01T00:00:00.123456789Z", 0.123456),
        ("0001-01-01T00:00:00Z", 0.0),
    ],
)
def test_timestamps_are_epoch_seconds_and_never_is_zero(written: str, seconds: float) -> None:
    assert epoch_seconds(written) == pytest.approx(seconds, abs=1e-9)


def test_a_timestamp_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        epoch_seconds("2026-11-24T08:00:00")


def test_vmalert_tells_its_alertmanagers_under_another_name() -> None:
    targets = [{"address": "http://127.0.0.1:9093/api/v2/alerts"}]
    told = success({"notifiers": [{"kind": "static", "targets": targets}]})
    unknown = {"/api/v1/alertmanagers": (400, "unsupported path")}
    with answering({**unknown, "/api/v1/notifiers": told}) as rules_url:
        client = PrometheusClient("http://127.0.0.1:1", rules=rules_url)
        assert client.active_alertmanagers() == 1


def test_a_prometheus_that_does_not_tell_its_alertmanagers_is_asked_nothing_else() -> None:
    with answering({"/api/v1/alertmanagers": (503, "busy")}) as url, pytest.raises(PrometheusError):
        PrometheusClient(url).active_alertmanagers()


def test_rules_are_read_from_what_evaluates_them() -> None:
    with answering({"/api/v1/rules": success({"groups": []})}) as rules_url:
        assert PrometheusClient("http://127.0.0.1:1", rules=rules_url).rules().rules == ()


def test_a_rule_without_alerts_may_leave_them_out() -> None:
    rule = {name: value for name, value in RULE.items() if name != "alerts"}
    told = success({"groups": [{"name": "a", "interval": 15, "rules": [rule]}]})
    with answering({"/api/v1/rules": told}) as url:
        assert PrometheusClient(url).rules().rules[0].alerts == ()


def test_the_mark_of_a_series_that_ended_is_no_sample() -> None:
    series = {"metric": {"job": "a"}, "values": [[1.0, "1"], [2.5, "NaN"]]}
    told = success({"resultType": "matrix", "result": [series]})
    with answering({"/api/v1/query": told}) as url:
        assert PrometheusClient(url).query_raw("up[5s]")[0].points == ((1.0, 1.0),)


@pytest.mark.parametrize(("status", "answer"), [(200, "busy"), (200, {"id": "1"}), (503, "busy")])
def test_a_silence_that_was_not_taken_is_an_error(status: int, answer: object) -> None:
    with (
        answering({"/api/v2/silences": (status, answer)}) as url,
        pytest.raises(AlertmanagerError, match="/api/v2/silences"),
    ):
        AlertmanagerClient(url).silence({"service": "a"}, for_=timedelta(seconds=1), comment="gone")
