"""The whole gate, as a person or a CI job runs it, against a deployment of real parts."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme

from scenarios.capabilities import ELASTICSEARCH, why_not
from scenarios.deployment.endpoints import judge_endpoints, liveness, readiness
from scenarios.deployment.exposition import expositions, judge_format
from scenarios.deployment.page_test import judge_page, page
from scenarios.deployment.routing import judge_routing, loaded_routing
from scenarios.deployment.rules import judge_loaded, loaded_rules
from scenarios.deployment.target import DeploymentTarget, PageTest
from scenarios.verdict import Status
from stack.clients.server import Server
from stack.ports import reserve
from stack.receivers.delivery import PAGERDUTY, SLACK_INCIDENTS
from stack.receivers.trouble import Trouble
from stack.rules import load_rules
from stack.tools import Tools
from stack.waiting import wait_until
from tests.scenarios.deployment.house import (
    KEPT,
    ROOT,
    House,
    a_house,
    gate,
    real_secrets,
    visit,
    wait_settled,
    with_logs,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def elasticsearch(house: House) -> Iterator[str]:
    """An Elasticsearch to which the service's log is shipped."""
    if reason := why_not(ELASTICSEARCH):
        pytest.skip(reason)
    with with_logs(house) as url:
        yield url


def test_a_healthy_deployment_passes_with_nothing_left_out_that_was_named(
    house: House, elasticsearch: str, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    done = gate(
        tmp_path,
        *house.options(elasticsearch_url=elasticsearch),
        f"--summary={summary}",
    )
    assert set(done.verdicts().values()) == {"PASS"}, done.output
    assert len(done.verdicts()) == len(list((ROOT / "checks/deployment").glob("test_*.py"))) - 7
    assert done.status == 0
    assert summary.read_text().startswith("## Gate: PASS")
    assert done.observed("routing_is_that_of_the_repository") == "the same file, by its hash"
    assert "NOT APPLICABLE" in done.output


def test_a_service_that_is_gone_fails_while_what_watches_it_passes(
    house: House, tmp_path: Path
) -> None:
    done = gate(tmp_path, *house.options(target="http://127.0.0.1:1"), "--stage=deployment")
    verdicts = done.verdicts()
    assert done.status == 1
    assert verdicts["service_is_alive"] == verdicts["service_is_ready"] == "FAIL"
    assert verdicts["targets_are_up"] == verdicts["alerts_get_through"] == "PASS"


def test_a_service_that_answers_after_the_time_out_fails_in_time(
    house: House, tmp_path: Path
) -> None:
    with stopped(house):
        done = gate(
            tmp_path,
            *house.options(),
            *("--request-timeout=1", "--deadline=30", "--stage=deployment"),
        )
    wait_settled(house, up=3)
    assert done.status == 1
    assert done.found["seconds"] < 30
    assert "no answer within 1 s" in done.observed("service_is_alive")
    assert done.verdicts()["service_is_ready"] == "FAIL"
    assert done.verdicts()["prometheus_is_ready"] == "PASS"


@contextmanager
def stopped(house: House) -> Iterator[None]:
    """Stop the service's processes, so that it takes connections and says nothing."""
    found = psutil.Process(house.service_pid)
    family = [found, *found.children(recursive=True)]
    for one in family:
        one.suspend()
    try:
        yield
    finally:
        for one in family:
            one.resume()


def test_half_a_service_down_and_too_short_a_retention_fail_by_their_names(
    own_tools: Tools, tmp_path: Path
) -> None:
    short = KEPT.replace("30d", "15d")
    with a_house(tmp_path / "half", own_tools, down=1, retention=short) as half:
        done = gate(tmp_path, *half.options(), "-k", "targets or samples or alive")
        assert done.status == 1
        assert done.verdicts() == {
            "service_is_alive": "PASS",
            "targets_are_up": "FAIL",
            "samples_are_kept": "FAIL",
        }
        assert "is DOWN" in done.observed("targets_are_up")
        assert "15d" in done.observed("samples_are_kept")


def test_rules_that_differ_from_those_in_force_are_told(house: House) -> None:
    seen = loaded_rules(visit(looked_at(house)))
    rules = house.rules.read_text()
    assert judge_loaded(seen, load_rules(rules)).status is Status.PASS
    for before, after, says in (
        ("expr: vector(0.05)", "expr: vector(0.5)", "threshold:failed_requests:ratio: expr"),
        ("severity: CRITICAL", "severity: HIGH", "label severity"),
        ("for: 2m", "for: 3m", "for is loaded as 2m, in the repository 3m"),
        ("- alert: InstanceDown", "- alert: InstanceGone", "InstanceGone not loaded"),
    ):
        assert before in rules
        found = judge_loaded(seen, load_rules(rules.replace(before, after, 1)))
        assert found.status is Status.FAIL
        assert says in found.observed


def test_routing_that_differs_from_that_in_force_is_told_and_a_comment_is_no_difference(
    house: House,
) -> None:
    text = house.routing.read_text()
    seen = loaded_routing(visit(looked_at(house)))
    assert judge_routing(seen, text, "here").observed == "the same file, by its hash"
    commented = judge_routing(seen, f"# another\n{text}", "here")
    assert commented.observed == "another file that says the same"
    assert commented.status is Status.PASS
    wrong = judge_routing(seen, text.replace("'#incidents'", "'#other'"), "here")
    assert wrong.status is Status.FAIL
    assert "slack_configs[0].channel" in wrong.observed or "#other" in wrong.observed


def test_an_example_among_the_secrets_fails_and_is_not_shown(house: House, tmp_path: Path) -> None:
    real_secrets(tmp_path / "secrets")
    example = f"https://hooks.slack.com/services/T00000000/B00000000/{'X' * 24}"
    (tmp_path / "secrets" / "slack_alerts_url").write_text(example)
    (tmp_path / "secrets" / "smtp_password").chmod(0o644)
    done = gate(tmp_path, *house.options(secrets=str(tmp_path / "secrets")), "-k", "secrets")
    assert done.verdicts() == {"secrets_are_set": "FAIL", "secrets_are_readable_by_few": "FAIL"}
    assert "slack_alerts_url is an example" in done.observed("secrets_are_set")
    assert example not in done.output


def looked_at(house: House) -> DeploymentTarget:
    return DeploymentTarget(
        services=(Server(url=house.service_url),),
        watchers={
            "prometheus": Server(url=house.prometheus_url),
            "alertmanager": Server(url=house.alertmanager_url),
        },
    )


@pytest.fixture(scope="module")
def guarded(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeploymentTarget]:
    """The same service behind TLS of a private authority, which asks for a bearer token."""
    directory = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(directory / "key.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(directory / "cert.pem"), append=True)
    (directory / "token").write_text("a-token-of-this-run-alone")
    with reserve() as place:
        house.processes.start(
            "guarded",
            [
                *(sys.executable, "-m", "gunicorn", "-c", "python:instrumentation.gunicorn_conf"),
                *("--certfile", str(directory / "cert.pem"), "--keyfile"),
                *(str(directory / "key.pem"), "--workers", "1", "--bind", place.address),
                "instrumentation.demo:create_app()",
            ],
            log=directory / "gunicorn.log",
            cwd=directory,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "DATABASE_URL": f"sqlite:///{house.directory / 'softfactory.sqlite3'}",
                "INSTRUMENT_LOG_FILE": str(directory / "logs" / "app.log"),
                "INSTRUMENT_METRICS_TOKEN_FILE": str(directory / "token"),
            },
        )
        service = Server(
            url=f"https://{place.address}",
            token=(directory / "token").read_text(),
            ca_file=directory / "ca.pem",
        )
        target = DeploymentTarget(services=(service,))

        def answers() -> bool:
            return judge_endpoints("it answers", liveness(visit(target))).status is Status.PASS

        wait_until(answers, what="the guarded service", timeout_seconds=30, interval_seconds=0.2)
        yield target
        house.processes.stop("guarded")


def asked(guarded: DeploymentTarget, **otherwise: Any) -> DeploymentTarget:
    """Return the same deployment, asked otherwise."""
    (service,) = guarded.services
    return replace(guarded, services=(replace(service, **otherwise),))


def test_a_private_authority_and_a_token_are_borne(guarded: DeploymentTarget) -> None:
    assert judge_endpoints("it answers", liveness(visit(guarded))).status is Status.PASS
    assert judge_format(expositions(visit(guarded))).status is Status.PASS


def test_without_the_authority_nothing_is_known_and_the_option_is_named(
    guarded: DeploymentTarget,
) -> None:
    found = judge_endpoints("ready", readiness(visit(asked(guarded, ca_file=None))))
    assert found.status is Status.UNKNOWN
    assert "can't be trusted" in found.observed
    assert "--ca-file" in found.look


@pytest.mark.parametrize("token", ["", "another"])
def test_without_the_token_nothing_is_known_and_the_option_is_named(
    guarded: DeploymentTarget, token: str
) -> None:
    without = asked(guarded, token=token)
    assert judge_endpoints("ready", readiness(visit(without))).status is Status.PASS  # for all
    found = judge_endpoints("it answers", liveness(visit(without)))
    assert found.status is Status.UNKNOWN
    assert "401" in found.observed
    assert "--token-file" in found.look


def test_a_certificate_of_another_name_is_the_servers_failure(
    guarded: DeploymentTarget,
) -> None:
    elsewhere = guarded.services[0].url.replace("127.0.0.1", "localhost")
    found = judge_endpoints("ready", readiness(visit(asked(guarded, url=elsewhere))))
    assert found.status is Status.FAIL


def test_the_test_alert_comes_marked_and_is_ended(house: House, tmp_path: Path) -> None:
    before = len(house.receivers.deliveries)
    done = gate(
        tmp_path,
        *(*house.options(), "--page-test=CRITICAL", "--confirm", "-k", "test_alert_is"),
        typed="y\n",
    )
    assert done.verdicts() == {"test_alert_is_taken": "PASS", "test_alert_is_seen": "PASS"}
    assert "Did GateTest" in done.output
    assert "pagerduty" in done.observed("test_alert_is_taken")
    ours = [one for one in house.receivers.deliveries[before:] if "GateTest" in one.headline]
    assert {one.receiver for one in ours} == {PAGERDUTY, SLACK_INCIDENTS}
    for one in ours:
        assert re.fullmatch(
            rf"\[\w+\] DRILL {done.found['run']}: CRITICAL GateTest\w+ on softfactory: "
            rf"TEST by {done.found['run']}: .*",
            one.headline,
        )

    def resolved() -> bool:
        told = {one.receiver for one in house.receivers.deliveries if one.status == "resolved"}
        return {PAGERDUTY, SLACK_INCIDENTS} <= told

    wait_until(resolved, what="the resolution of the test alert", timeout_seconds=30)


def test_a_provider_that_refuses_the_test_alert_is_named(house: House) -> None:
    target = replace(looked_at(house), page_test=PageTest(severity="CRITICAL"))
    with house.receivers.failing(SLACK_INCIDENTS, Trouble.SERVER_ERROR):
        found = judge_page(page(visit(target, 40.0)))
    assert found.status is Status.FAIL
    assert "slack: " in found.observed
    assert "pagerduty" not in found.observed


def test_a_test_alert_that_cannot_be_seen_through_is_not_sent(house: House) -> None:
    before = len(house.receivers.deliveries)
    target = replace(looked_at(house), page_test=PageTest(severity="CRITICAL"))
    with ExitStack() as stack:
        told = stack.enter_context(pytest.raises(Exception, match="nothing was sent"))
        page(visit(target, 3.0))
    assert "--deadline" in told.value.missing.look  # type: ignore[attr-defined]  # NotSeen has it
    assert not [one for one in house.receivers.deliveries[before:] if "Gate" in one.headline]
