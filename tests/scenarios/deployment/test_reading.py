"""What was asked becomes one frozen object, or one line that names what can't be meant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from scenarios.deployment.options import SETTINGS
from scenarios.deployment.reading import read_stages, read_target
from scenarios.deployment.target import AFTER, BEFORE, DeploymentTarget, PageTest
from stack.clients.server import Server
from stack.settings import SettingsError

SECRET = "s3cr3t-token-of-nobody"
HTTPS = {"target": ["https://shop.io"]}


def read(variables: Mapping[str, str] | None = None, /, **options: object) -> DeploymentTarget:
    return read_target(
        lambda option: options.get(option.lstrip("-").replace("-", "_")), variables or {}
    )


def test_an_option_wins_over_its_variable_and_an_empty_variable_is_none() -> None:
    environment = {
        "ALERTPROOF_TARGET": "https://a.shop.io/, https://b.shop.io",
        "ALERTPROOF_PROMETHEUS_URL": "https://prometheus.shop.io",
        "ALERTPROOF_SERVICE": "",
    }
    found = read(environment, prometheus_url="http://127.0.0.1:9090/")
    assert [one.url for one in found.services] == ["https://a.shop.io", "https://b.shop.io"]
    assert found.watchers == {"prometheus": Server(url="http://127.0.0.1:9090")}
    assert found.service == ""


def test_the_environment_decides_how_long_data_is_kept_and_a_number_wins() -> None:
    assert read().retention_days == 30
    assert read({"ALERTPROOF_ENVIRONMENT": "development"}).retention_days == 7
    assert read({"ALERTPROOF_ENVIRONMENT": "development"}, retention_days="14").retention_days == 14


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"target": ["shop.example"]}, "--target: 'shop.example' is no address"),
        ({"target": ["https://u:p@shop.io"]}, "--target: the address holds a user"),
        ({"target": ["https://shop.io/?a=1"]}, "--target: 'https://shop.io/?a=1' is more than"),
        ({"grafana_url": "ftp://g.io"}, "--grafana-url: 'ftp://g.io' is no address"),
        ({"metrics_path": "api"}, "--metrics-path: 'api' is no path"),
        ({**HTTPS, "ca_file": "/none/ca.pem"}, "--ca-file: can't use /none/ca.pem: No such file"),
        ({"loaded_rules": "/none.yml"}, "--loaded-rules: there is no file /none.yml"),
        ({**HTTPS, "token_file": "/none"}, "--token-file: can't read /none: No such file"),
        ({"deadline": "soon"}, "--deadline: 'soon' is no number from 5 on"),
        ({"deadline": "1"}, "--deadline: '1' is no number from 5 on"),
        ({"budget_minimum": "1"}, "--budget-minimum: '1' is no number from 0 on and below 1"),
        ({"environment": "staging"}, "--environment: unknown 'staging'; known: production, dev"),
        ({"fail_on": "warn"}, "--fail-on: unknown 'warn'; known: fail, unknown, not-applicable"),
        ({"page_test": "high"}, "--page-test: unknown 'high'; known: CRITICAL, HIGH"),
        ({"confirm": True}, "--confirm asks about a test alert: give --page-test too"),
    ],
)
def test_what_cannot_be_meant_is_one_line_that_names_the_option(
    options: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsError) as told:
        read(**options)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_a_flag_of_the_environment_is_yes_or_no() -> None:
    given = {"ALERTPROOF_PAGE_TEST": "HIGH", "ALERTPROOF_CONFIRM": "true"}
    assert read(given).page_test == PageTest(severity="HIGH", confirm=True)
    assert read({"ALERTPROOF_CONFIRM": "no"}).page_test is None
    with pytest.raises(SettingsError, match="ALERTPROOF_CONFIRM: 'maybe' is neither yes nor no"):
        read({"ALERTPROOF_CONFIRM": "maybe"})


def test_a_token_comes_from_a_file_and_is_shown_by_nothing(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    found = read(**HTTPS, token_file=str(tmp_path / "token"))
    assert [one.token for one in found.services] == [SECRET]
    assert SECRET not in repr(found)


def test_a_token_does_not_travel_in_clear_beyond_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    (here,) = read(target=["http://127.0.0.1:8000"], token_file=str(file)).services
    assert here.token == SECRET
    with pytest.raises(SettingsError, match="unencrypted; use https") as told:
        read(target=["http://shop.io"], token_file=str(file))
    assert SECRET not in str(told.value)
    with pytest.raises(SettingsError, match="--prometheus-token-file: the token would go"):
        read(prometheus_url="http://prometheus.io", prometheus_token_file=str(file))


def test_elasticsearch_is_read_as_the_logs_commands_read_it(tmp_path: Path) -> None:
    assert read().elasticsearch is None
    (tmp_path / "password").write_text("pw")
    who = {
        "ELASTICSEARCH_URL": "http://127.0.0.1:9200",
        "ELASTICSEARCH_USER": "log_reader",
        "ELASTICSEARCH_PASSWORD_FILE": str(tmp_path / "password"),
    }
    found = read(who, elasticsearch_url="http://127.0.0.1:9201").elasticsearch
    assert found
    assert found.urls == ("http://127.0.0.1:9201",)
    assert found.basic_auth == ("log_reader", "pw")
    with pytest.raises(SettingsError, match="ELASTICSEARCH_USER and"):
        read({**who, "ELASTICSEARCH_PASSWORD_FILE": ""})


def test_the_private_authority_is_elasticsearch_s_too_unless_it_has_one_of_its_own(
    tmp_path: Path,
) -> None:
    one, other = (tmp_path / name for name in ("ca.pem", "other.pem"))
    for path in (one, other):
        trustme.CA().cert_pem.write_to_path(str(path))
    asked = {"elasticsearch_url": "https://logs.io:9200", "ca_file": str(one)}
    for given, of_theirs in (({}, one), ({"ELASTICSEARCH_CA_FILE": str(other)}, other)):
        found = read(given, **asked).elasticsearch
        assert found
        assert found.ca_file == of_theirs
    found = read(elasticsearch_url="http://127.0.0.1:9200", ca_file=str(one)).elasticsearch
    assert found
    assert found.ca_file is None


def test_a_ci_job_gets_the_summary_on_its_page_by_itself(tmp_path: Path) -> None:
    page, own = tmp_path / "page.md", tmp_path / "own.md"
    found = read({"GITHUB_STEP_SUMMARY": str(page)}, summary=str(own))
    assert found.summary_files == (own, page)


def test_a_stage_chooses_its_checks() -> None:
    assert read_stages(lambda option: None, {}) == {BEFORE, AFTER}
    assert read_stages(lambda option: "deployment" if option == "--stage" else None, {}) == {AFTER}


def test_no_two_settings_have_one_name() -> None:
    names = [one.option for one in SETTINGS]
    assert len(set(names)) == len(names)
