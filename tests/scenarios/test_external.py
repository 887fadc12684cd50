"""What is asked of --stack=external, and what such a stack can't give, is decided beforehand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from scenarios.capabilities import INJECTION, OWN_WATCHERS
from scenarios.external import lacks_of, read_external
from scenarios.settings import EXTERNAL, Settings
from scenarios.watching import as_seen
from stack.clients.server import Server
from stack.external import External, commands
from stack.external.engine import SAMPLE_LIMIT_SERIES
from stack.external.folder import Folder
from stack.ports import reserve
from stack.rules import load_rules
from stack.settings import given_by
from stack.yamlfile import ConfigurationError
from tests.stack.external.doubles import engine

ROOT = Path(__file__).resolve().parents[2]
ONE, OTHER = "http://127.0.0.1:1", "http://127.0.0.1:2"


def collected(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "checks", "--collect-only", "-q", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_option_goes_before_the_environment() -> None:
    environment = {
        "ALERTPROOF_PROMETHEUS_URL": ONE,
        "ALERTPROOF_ALERTMANAGER_URL": ONE,
        "ALERTPROOF_EXTERNAL_FOLDER": "/folder",
    }
    found = read_external(given_by({"alertmanager_url": f"{OTHER}/"}, environment))
    assert (found.prometheus.url, found.alertmanager.url) == (ONE, OTHER)
    assert found.rules == found.prometheus
    assert found.folder is not None
    assert found.folder.path == Path("/folder")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "needs --prometheus-url URL, or ALERTPROOF_PROMETHEUS_URL"),
        ({"prometheus_url": ONE}, "needs --alertmanager-url URL"),
        ({"prometheus_url": "localhost:9090"}, "is no address; it should be like"),
    ],
)
def test_an_address_that_is_missing_or_none_is_told(given: dict[str, str], says: str) -> None:
    with pytest.raises(pytest.UsageError, match=says):
        read_external(given_by(given, {}))


@pytest.mark.parametrize(
    ("rules_url", "token"),
    [("", "of-prometheus"), (f"{ONE}/", "of-prometheus"), (OTHER, "of-the-rules")],
)
def test_what_evaluates_the_rules_is_shown_its_own_token_unless_it_is_prometheus(
    tmp_path: Path, rules_url: str, token: str
) -> None:
    files = {name: tmp_path / f"of-{name}" for name in ("prometheus", "the-rules", "alertmanager")}
    for path in files.values():
        path.write_text(path.name)
    found = read_external(
        given_by(
            {
                "prometheus_url": ONE,
                "prometheus_token_file": files["prometheus"],
                "rules_url": rules_url,
                "rules_token_file": files["the-rules"],
                "alertmanager_url": OTHER,
                "alertmanager_token_file": files["alertmanager"],
            },
            {},
        )
    )
    assert found.prometheus.token == "of-prometheus"
    assert found.rules.token == token
    assert found.alertmanager.token == "of-alertmanager"
    assert "of-" not in repr(found)


def test_options_of_an_external_stack_mean_nothing_for_another() -> None:
    done = collected(f"--rules-url={ONE}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "only with --stack=external" in done.stderr


def test_nobody_at_the_address_ends_in_one_line_and_a_status() -> None:
    with reserve() as nobody:
        url = f"http://{nobody.address}"
        done = collected(
            f"--stack={EXTERNAL}", f"--prometheus-url={url}", f"--alertmanager-url={url}"
        )
    assert done.returncode == 3
    assert f"alertproof: --prometheus-url: {url}" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_engine_behind_a_token_is_looked_at_with_it_and_refused_without(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cr3t-token-of-nobody\n")
    with engine(token=token.read_text().strip()) as server:
        asked = (
            f"--stack={EXTERNAL}",
            f"--prometheus-url={server.url}",
            f"--alertmanager-url={server.url}",
        )
        files = (f"--prometheus-token-file={token}", f"--alertmanager-token-file={token}")
        shown, refused = collected(*asked, *files), collected(*asked)
    assert "checks/external/test_targets_are_up.py" in shown.stdout
    assert refused.returncode == 3
    told = refused.stdout + refused.stderr
    assert "401" in told
    assert "Traceback" not in told
    assert "s3cr3t" not in told + shown.stdout + shown.stderr


def test_without_a_folder_it_is_looked_at_and_nothing_is_drilled() -> None:
    with engine() as server:
        done = collected(
            f"--stack={EXTERNAL}",
            f"--prometheus-url={server.url}",
            f"--alertmanager-url={server.url}",
        )
    assert server.posted == []
    assert "checks/external/test_targets_are_up.py" in done.stdout
    assert "::test_fires[" not in done.stdout


def test_with_a_folder_all_is_drilled_that_needs_no_watchers_of_the_runs_own(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path / "drills")
    folder.make()
    with engine({"/metrics": (200, 'vm_app_version{version=""} 1\n')}) as server:
        done = collected(
            f"--stack={EXTERNAL}",
            f"--prometheus-url={server.url}",
            f"--alertmanager-url={server.url}",
            f"--external-folder={folder.path}",
        )
    assert "test_fires.py::test_fires[SlowResponseTime]" in done.stdout
    for left_out in ("RuleEvaluationSlow", "AvailabilityBudgetBurn", "ScrapeNearSampleLimit"):
        assert f"test_fires[{left_out}" not in done.stdout


def test_checks_of_an_external_stack_are_none_of_another() -> None:
    assert "checks/external" not in collected().stdout


def test_a_stack_of_the_runs_own_lacks_nothing() -> None:
    assert lacks_of(Settings()) == {}


def test_an_external_stack_lacks_what_its_engine_does_and_what_is_not_the_runs() -> None:
    external = External(
        prometheus=Server(url=ONE),
        rules=Server(url=ONE),
        alertmanager=Server(url=ONE),
        lacks={SAMPLE_LIMIT_SERIES: "named otherwise"},
    )
    assert set(lacks_of(Settings(external=external))) == {
        SAMPLE_LIMIT_SERIES,
        OWN_WATCHERS,
        INJECTION,
    }


def test_samples_that_are_seen_too_late_are_refused_with_the_largest_scale_that_works() -> None:
    production = load_rules("groups: [{name: a, rules: [{alert: A, expr: 'rate(a[5m]) > 1'}]}]")
    late = External(
        prometheus=Server(url=ONE),
        rules=Server(url=ONE),
        alertmanager=Server(url=ONE),
        visible_after=timedelta(seconds=4),
    )
    derived = replace(commands.scaled(60), production_rules=production)
    assert as_seen(derived, Settings(external=late)).visible_after == timedelta(seconds=4)
    derived = replace(commands.scaled(120), production_rules=production)
    with pytest.raises(ConfigurationError, match="the largest time scale that works is 60"):
        as_seen(derived, Settings(external=late))
    assert as_seen(derived, Settings()).visible_after == timedelta(0)
