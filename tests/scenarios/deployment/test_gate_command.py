"""What a person meets who asks for a gate: one line for what can't be meant, and an end in time."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.deployment.options import SETTINGS
from stack.settings import variable
from tests.scenarios.deployment.house import ROOT, gate

NOBODY = (
    "--target=http://127.0.0.1:1",
    "--prometheus-url=http://127.0.0.1:2",
    "--alertmanager-url=http://127.0.0.1:3",
)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "the gate needs --target and --prometheus-url and --alertmanager-url, or"),
        (NOBODY[:1], "the gate needs --prometheus-url and --alertmanager-url, or ALERTPROOF_PROM"),
        ((*NOBODY, "--deadline=never"), "--deadline: 'never' is no number"),
        ((*NOBODY, "--page-test=HIGH", "--confirm"), "--confirm asks a person, and this is no ter"),
        ((*NOBODY, "--require=telepathy"), "to the gate: target, prometheus-url"),
    ],
)
def test_what_cannot_be_meant_ends_at_once_in_one_line(
    options: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    done = gate(tmp_path, *options)
    assert done.status == 4
    assert says in done.output
    assert "Traceback" not in done.output


def test_a_gate_before_a_deploy_needs_no_service(tmp_path: Path) -> None:
    done = gate(tmp_path, *NOBODY[1:], "--stage=pre-deployment")
    assert done.status == 1
    assert "service_is_alive" not in done.verdicts()
    assert "samples_are_kept" in done.verdicts()


def test_a_dead_deployment_fails_with_every_reason_and_says_nothing_of_what_it_did_not_see(
    tmp_path: Path,
) -> None:
    page = tmp_path / "page.md"
    done = gate(tmp_path, *NOBODY, environment={"GITHUB_STEP_SUMMARY": str(page)})
    assert done.status == 1
    verdicts = done.verdicts()
    for dead in ("service_is_alive", "service_is_ready", "prometheus_is_ready"):
        assert verdicts[dead] == "FAIL"
        assert "connection refused" in done.observed(dead)
    for unseen in ("targets_are_up", "no_alert_fires", "rules_are_evaluated", "metrics_are_there"):
        assert verdicts[unseen] == "UNKNOWN"
    assert page.read_text().startswith("## Gate: FAIL")
    assert "Traceback" not in done.output


def test_silence_ends_with_the_deadline_and_is_told_as_silence(tmp_path: Path, silent: str) -> None:
    deadline = 12.0
    done = gate(
        tmp_path,
        *(f"--target={silent}", f"--prometheus-url={silent}", f"--alertmanager-url={silent}"),
        *(f"--deadline={deadline:g}", "--request-timeout=60"),
    )
    assert done.status == 1
    assert done.found["seconds"] <= deadline
    assert "no answer within" in done.observed("service_is_alive")
    assert done.verdicts()["targets_are_up"] == "UNKNOWN"
    assert "waiting for" in done.output


def test_what_is_required_and_not_named_is_no_pass(tmp_path: Path) -> None:
    done = gate(tmp_path, *NOBODY, "--require=kibana-url", "-k", "kibana")
    assert done.status == 1
    assert "kibana-url is required: no --kibana-url is given" in done.output
    assert done.verdicts() == {"kibana_is_ready": "UNKNOWN"}


def test_the_environment_says_the_same_as_the_options_and_a_status_that_never_fails_tells_all(
    tmp_path: Path,
) -> None:
    environment = {
        variable(option): value for option, value in (one.split("=", 1) for one in NOBODY)
    }
    environment[variable("--fail-on")] = "never"
    done = gate(tmp_path, "-k", "service_is_alive", environment=environment)
    assert done.found["targets"] == ["http://127.0.0.1:1"]
    assert (done.status, done.found["verdict"]) == (0, "FAIL")


def test_a_person_at_a_terminal_is_not_asked_about_what_was_not_sent(tmp_path: Path) -> None:
    done = gate(
        tmp_path,
        *(*NOBODY, "--page-test=HIGH", "--confirm", "-k", "test_alert_is"),
        typed="y\n",
    )
    assert done.verdicts() == {"test_alert_is_taken": "UNKNOWN", "test_alert_is_seen": "UNKNOWN"}
    assert "Did GateTest" not in done.output


def test_a_token_is_never_told(tmp_path: Path, silent: str) -> None:
    (tmp_path / "token").write_text("s3cr3t-token-of-nobody")
    done = gate(
        tmp_path,
        *(f"--target={silent}", *NOBODY[1:], f"--token-file={tmp_path / 'token'}"),
        *("--request-timeout=0.5", "-k", "service_is_alive"),
    )
    assert done.verdicts() == {"service_is_alive": "FAIL"}
    assert "no answer within 0.5 s" in done.observed("service_is_alive")
    told = done.output + "".join(
        path.read_text() for path in tmp_path.rglob("reports-*/*") if path.is_file()
    )
    assert "s3cr3t" not in told


def test_help_teaches_every_setting_and_its_variable(tmp_path: Path) -> None:
    text = re.sub(r"\s+", " ", gate(tmp_path, "--help").output)
    for one in SETTINGS:
        assert f"{one.option}" in text
        assert variable(one.option) in text


def test_the_session_runs_what_is_tested_here() -> None:
    session = (ROOT / "noxfile.py").read_text().partition("def gate(")[2]
    assert '"pytest", "-q", "checks/deployment", "--reports=reports/gate"' in session


def test_a_drilling_run_leaves_the_gate_alone() -> None:
    noxfile = (ROOT / "noxfile.py").read_text()
    drilling = noxfile.count('"pytest", "checks", ')
    assert drilling == noxfile.count('"pytest", "checks", *APART') > 0
    assert "--ignore=checks/deployment" in noxfile
