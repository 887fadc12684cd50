"""A deployed service: what is refused before anything is broken, and a whole game day on one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from scenarios.campaign import Campaign
from scenarios.catalogue import drills
from scenarios.gameday.deployment import Deployment, borne, looked_at
from scenarios.gameday.exits import Exit, UsageError
from scenarios.gameday.judgement import labelled
from scenarios.gameday.marks import are_marked, snippet
from scenarios.gameday.options import parse
from scenarios.history import Event, Kind
from scenarios.settings import Settings
from scenarios.verdict import Status
from stack.clients.server import Server
from stack.derive import Derived
from stack.yamlfile import read_yaml, write_yaml

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = {drill.id: drill for drill in drills()}
LONG_SECONDS = 200.0
RUN = "gd-shop"
NOWHERE = Server(url="http://127.0.0.1:9")
CONFIGURATION, ALERTS = "/api/v1/status/config", "/api/v2/alerts"
GLOBAL = "global:\n  external_labels: {cluster: a}\n"


def deployment(**changed: object) -> Deployment:
    one = Deployment(
        target=NOWHERE,
        service="shop",
        secret_file=Path("secret"),
        prometheus=NOWHERE,
        alertmanager=NOWHERE,
        requests={},
    )
    return replace(one, **changed)


# --- marks


def test_the_snippet_that_is_asked_for_marks_the_service_and_no_other() -> None:
    configuration = GLOBAL + snippet(service="shop", run=RUN)
    assert are_marked(configuration, service="shop", run=RUN)
    assert not are_marked(configuration, service="shop-2", run=RUN)
    assert not are_marked(configuration, service="shop", run="gd-other")


def test_external_labels_mark_every_service() -> None:
    labels = f'global:\n  external_labels: {{drill: "true", drill_run: {RUN}}}\n'
    assert are_marked(labels, service="shop", run=RUN)


@pytest.mark.parametrize(
    "rules",
    [
        "[]",
        '[{target_label: drill, replacement: "true"}]',
        '[{source_labels: [service], regex: other, target_label: drill, replacement: "true"}]',
        "[{action: drop, source_labels: [service], regex: shop}]",
        '[{regex: "(?P<x>", target_label: drill, replacement: "true"}]',
    ],
)
def test_a_configuration_that_does_not_mark_is_told_from_one_that_does(rules: str) -> None:
    configuration = f"alerting:\n  alert_relabel_configs: {rules}\n"
    assert not are_marked(configuration, service="shop", run=RUN)
    assert not are_marked("global: {}\n", service="shop", run=RUN)


# --- what is refused


def test_it_is_drilled_under_its_own_name_with_its_own_requests() -> None:
    (drill,) = borne(
        [CATALOGUE["HighErrorRate"]], deployment(requests={"GET /cart": 1, "POST /cart": 1})
    )
    assert (drill.id, drill.label, drill.name) == ("shop", "shop", "HighErrorRate")
    assert drill.load.journey == {"GET /cart": 1, "POST /cart": 1}
    assert borne([CATALOGUE["HighErrorRate"]], deployment())[0].load.journey


@pytest.mark.parametrize(
    "name", ["SoftFactoryDown-killed", "HighMemoryUsage", "SoftFactoryDown-inhibits"]
)
def test_what_breaks_more_than_requests_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="take one whose fault is a delay or an error"):
        borne([CATALOGUE[name]], deployment())


def test_one_service_bears_one_fault_at_a_time() -> None:
    with pytest.raises(UsageError, match="name one --scenario"):
        borne([CATALOGUE["HighErrorRate"], CATALOGUE["SlowResponseTime"]], deployment())


def test_a_fault_of_requests_that_the_load_does_not_send_is_refused() -> None:
    with pytest.raises(UsageError, match="add --request"):
        borne([CATALOGUE["EndpointSlow"]], deployment(requests={"GET /cart": 1}))


COMPLETE = {
    "--target": "http://127.0.0.1:8000/",
    "--service": "shop",
    "--fault-secret-file": "secret",
    "--prometheus-url": "http://127.0.0.1:9090",
    "--alertmanager-url": "http://127.0.0.1:9093",
}


def words(options: dict[str, str], *more: str) -> list[str]:
    return [*(word for pair in options.items() for word in pair), *more]


def test_a_deployed_service_runs_in_real_time_unless_its_rules_are_scaled() -> None:
    asked = words(COMPLETE, "--external", "--scenario", "HighErrorRate", "--request", "GET /cart")
    options = parse(asked)
    assert options.deployment
    assert options.deployment.target.url == "http://127.0.0.1:8000"
    assert options.deployment.requests == {"GET /cart": 1}
    assert options.time_scale == 1.0
    assert parse([*asked, "--time-scale", "60"]).time_scale == 60.0


@pytest.mark.parametrize("missing", COMPLETE)
def test_each_part_of_its_description_is_asked_for_by_name(missing: str) -> None:
    rest = {name: value for name, value in COMPLETE.items() if name != missing}
    with pytest.raises(UsageError, match=f"--external needs {missing}"):
        parse(words(rest, "--external", "--scenario", "HighErrorRate"), {})


def test_who_watches_may_be_said_in_the_environment_and_what_is_broken_is_named(
    tmp_path: Path,
) -> None:
    for name in ("prometheus", "alertmanager"):
        (tmp_path / name).write_text(f"of-{name}\n")
    environment = {
        "ALERTPROOF_PROMETHEUS_URL": "https://prometheus.shop.io",
        "ALERTPROOF_PROMETHEUS_TOKEN_FILE": str(tmp_path / "prometheus"),
        "ALERTPROOF_ALERTMANAGER_URL": "https://elsewhere.io",
        "ALERTPROOF_ALERTMANAGER_TOKEN_FILE": str(tmp_path / "alertmanager"),
        "ALERTPROOF_TARGET": "https://of-the-gate.io",
    }
    named = {name: value for name, value in COMPLETE.items() if name != "--prometheus-url"}
    asked = words(named, "--external", "--scenario", "HighErrorRate")
    found = parse(asked, environment).deployment
    assert found
    assert found.prometheus == Server(url="https://prometheus.shop.io", token="of-prometheus")
    assert found.alertmanager == Server(url="http://127.0.0.1:9093", token="of-alertmanager")
    assert found.target == Server(url="http://127.0.0.1:8000")
    assert "of-prometheus" not in repr(found)
    del named["--target"]
    with pytest.raises(UsageError, match="--external needs --target"):
        parse(words(named, "--external", "--scenario", "HighErrorRate"), environment)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (words(COMPLETE, "--scenario", "x"), "only with --external"),
        (words(COMPLETE, "--external", "--facilitator"), "--external needs a --scenario"),
        (words({**COMPLETE, "--target": "shop:80"}, "--external", "--scenario", "x"), "no address"),
        (
            words(
                {**COMPLETE, "--prometheus-url": "http://a:b@c"}, "--external", "--scenario", "x"
            ),
            "tokens are files",
        ),
        (words(COMPLETE, "--external", "--scenario", "x", "--request", "/cart"), "METHOD /path"),
        (words({"--ca-file": "ca.pem"}, "--scenario", "x"), "--ca-file: only with --external"),
        (
            words({**COMPLETE, "--ca-file": "/none"}, "--external", "--scenario", "x"),
            "--ca-file: can't use /none: No such file",
        ),
        (
            words({**COMPLETE, "--prometheus-token-file": "/none"}, "--external", "--scenario=x"),
            "--prometheus-token-file: can't read /none: No such file",
        ),
        (words(COMPLETE, "--external", "--scenario", "x", "--run", "a b"), "letters, digits"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(arguments)
    assert said in str(error.value)


@pytest.fixture
def answering() -> Iterator[SimpleNamespace]:
    """A service, a Prometheus and an Alertmanager, as they answer to who shows their token."""
    says = SimpleNamespace(
        faults={"enabled": True, "why_not": None, "instance": "shop-1"},
        configuration=GLOBAL + snippet(service="shop", run=RUN),
        tokens={},
    )

    def answers() -> dict[str, object]:
        return {
            "/api/metrics/summary": {"fault_injection": says.faults},
            CONFIGURATION: {"status": "success", "data": {"yaml": says.configuration}},
            ALERTS: [],
        }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            token = says.tokens.get(path)
            let_in = not token or self.headers["Authorization"] == f"Bearer {token}"
            text = json.dumps(answers()[path]).encode() if let_in else b"who is asking?"
            self.send_response(200 if let_in else 401)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    says.url = f"http://127.0.0.1:{server.server_port}"
    yield says
    server.shutdown()
    server.server_close()


@pytest.fixture
def asked(answering, tmp_path: Path) -> Deployment:
    secret = tmp_path / "secret"
    secret.write_text("a secret of the tests, long enough")
    here = Server(url=answering.url)
    return deployment(target=here, prometheus=here, alertmanager=here, secret_file=secret)


def test_the_instance_is_asked_for_its_name(asked: Deployment) -> None:
    assert looked_at(asked, RUN) == replace(asked, instance="shop-1")


def test_without_the_marks_it_is_refused_with_what_to_load(asked, answering) -> None:
    answering.configuration = GLOBAL
    with pytest.raises(UsageError) as error:
        looked_at(asked, RUN)
    assert snippet(service="shop", run=RUN) in str(error.value)
    assert f"--run {RUN}" in str(error.value)


def test_a_service_that_accepts_no_faults_is_refused_with_its_own_reason(asked, answering) -> None:
    answering.faults = {"enabled": False, "why_not": "off: no secret"}
    with pytest.raises(UsageError, match="accepts no faults: off: no secret"):
        looked_at(asked, RUN)


def test_whatever_does_not_answer_is_named(asked: Deployment) -> None:
    with pytest.raises(UsageError, match=r"--target: http://127\.0\.0\.1:9/api/metrics/summary"):
        looked_at(replace(asked, target=NOWHERE), RUN)
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:9/api/v1/status/config"):
        looked_at(replace(asked, prometheus=NOWHERE), RUN)
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:9/api/v2/alerts"):
        looked_at(replace(asked, alertmanager=NOWHERE), RUN)
    with pytest.raises(UsageError, match="there is no file"):
        looked_at(replace(asked, secret_file=Path("nowhere")), RUN)


def test_who_watches_is_shown_its_own_token_and_refused_without_it_before_anything_breaks(
    asked: Deployment, answering: SimpleNamespace
) -> None:
    answering.tokens = {CONFIGURATION: "of-prometheus", ALERTS: "of-alertmanager"}
    prometheus = replace(asked.prometheus, token="of-prometheus")
    alertmanager = replace(asked.alertmanager, token="of-alertmanager")
    shown = replace(asked, prometheus=prometheus, alertmanager=alertmanager)
    assert looked_at(shown, RUN).instance == "shop-1"
    for without, path in (
        (replace(shown, prometheus=alertmanager), CONFIGURATION),
        (replace(shown, alertmanager=asked.alertmanager), ALERTS),
    ):
        with pytest.raises(UsageError, match=f"{path} .*401.*a file gives its token") as told:
            looked_at(without, RUN)
        assert "of-" not in str(told.value)


def test_an_alert_without_its_labels_fails(went) -> None:
    def had(**labels: str) -> Event:
        detail = {"receiver": "alertmanager", "status": "firing", "routed": "page", **labels}
        return Event(at=1.0, kind=Kind.DELIVERED, alert="HighErrorRate", detail=detail)

    marked = had(drill="true", drill_run=RUN)
    assert labelled(went(marked), "HighErrorRate", RUN).status is Status.PASS
    assert labelled(went(marked, had()), "HighErrorRate", RUN).status is Status.FAIL
    assert labelled(went(marked), "HighErrorRate", "gd-2").status is Status.FAIL
    assert labelled(went(), "HighErrorRate", RUN).status is Status.UNKNOWN


# --- a whole game day


def marking(derived: Derived) -> Derived:
    """Do to a Prometheus what its operator is asked to do."""
    document = read_yaml(derived.prometheus_yaml, "prometheus")
    asked = read_yaml(snippet(service="control", run=RUN), "snippet")
    document["alerting"]["alert_relabel_configs"] = asked["alerting"]["alert_relabel_configs"]
    return replace(derived, prometheus_yaml=write_yaml(document))


@pytest.mark.integration
def test_a_deployed_service_is_drilled_and_nothing_else_of_its_stack_is_touched(
    tmp_path: Path,
) -> None:
    theirs = Campaign(
        Settings(), [], directory=tmp_path / "theirs", say=lambda line: None, tamper=marking
    )
    with theirs:
        service = theirs.control.instance
        described = {
            "--target": service.url,
            "--service": "control",
            "--fault-secret-file": service.environment["INSTRUMENT_FAULT_SECRET_FILE"],
            "--prometheus-url": theirs.endpoints.prometheus_url,
            "--alertmanager-url": theirs.endpoints.alertmanager_url,
            "--scenario": "HighErrorRate",
            "--time-scale": "60",
            "--run": RUN,
            "--reports": str(tmp_path / "reports"),
        }
        done = subprocess.run(
            [
                *(sys.executable, "-m", "scenarios.gameday"),
                *words(described, "--external", "--yes"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LONG_SECONDS,
            check=False,
        )
        told = theirs.recorders["control"].snapshot().all(Kind.DELIVERED, "HighErrorRate")
    assert done.returncode == Exit.AS_DECLARED, done.stdout + done.stderr
    report = json.loads((tmp_path / "reports" / "gameday" / RUN / "report.json").read_text())
    (drill,) = report["drills"]
    assert (drill["name"], drill["shown_as"]) == ("HighErrorRate", "control")
    assert told
    assert all(f"DRILL {RUN}: " in one.detail["headline"] for one in told)
