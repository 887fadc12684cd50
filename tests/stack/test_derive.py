from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from stack import drill_files
from stack.derive import DISCOVERY_TICK, Derived, Mute, RunAddresses, derive
from stack.durations import divide
from stack.equivalence import equivalent_via_prometheus
from stack.ports import reserve
from stack.processes import Processes
from stack.production import Production, production_files
from stack.tools import Tools, ToolSettings, find_tools
from stack.waiting import wait_until
from stack.yamlfile import ConfigurationError, read_yaml

RULES = """\
groups:
  - name: g
    rules:
      - alert: Errors
        expr: rate(errors_total[5m]) / rate(requests_total[5m]) > 0.05
        for: 5m
"""
PROMETHEUS = """\
global:
  scrape_interval: 15s
  scrape_timeout: 10s
  evaluation_interval: 30s
rule_files: [alert-rules.yml, other.yml]
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers: [{static_configs: [{targets: ["am:9093"]}]}]
remote_write: [{url: "https://metrics.example/write"}]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["localhost:9100"]}]
  - job_name: prometheus
    scrape_interval: 30s
    scheme: https
    basic_auth: {username: p, password_file: /etc/prometheus/password}
    static_configs:
      - {targets: ["localhost:9090", "other:9090"], labels: {service: prometheus}}
      - {targets: ["third:9090"], labels: {service: prometheus}}
  - job_name: alertmanager
    static_configs: [{targets: ["localhost:9093"]}]
    dns_sd_configs: [{names: [am.example]}]
  - job_name: softfactory
    metrics_path: /api/metrics/prometheus
    file_sd_configs:
      - files: ["targets/*.yml"]
"""
ALERTMANAGER = """\
global:
  resolve_timeout: 5m
  pagerduty_url: https://events.pagerduty.com/v2/enqueue
  smtp_smarthost: smtp.example:587
  smtp_from: am@example.org
  smtp_auth_username: am
  smtp_auth_password_file: /etc/alertmanager/secrets/smtp_password
templates: [templates/own.tmpl]
route:
  receiver: all
  group_by: [alertname]
  routes:
    - matchers: [severity="CRITICAL"]
      receiver: all
      group_wait: 12s
      group_interval: 1m
receivers:
  - name: all
    pagerduty_configs:
      - routing_key_file: /etc/alertmanager/secrets/pagerduty_routing_key
    slack_configs:
      - &chat
        api_url_file: /etc/alertmanager/secrets/slack_url
        channel: '#a'
      - <<: *chat
        channel: '#b'
        timeout: 30s
    email_configs:
      - to: a@example.org
        smarthost: other.example:25
        tls_config: {insecure_skip_verify: false}
        auth_password_file: /etc/alertmanager/secrets/other_password
    webhook_configs:
      - url_file: /etc/alertmanager/secrets/hook_url
        http_config: {authorization: {credentials_file: /etc/alertmanager/secrets/hook_token}}
"""
RUN = RunAddresses(
    prometheus_targets_glob=Path("/run/of/mine/targets/*.json"),
    prometheus="127.0.0.1:19090",
    alertmanager="127.0.0.1:19093",
    pagerduty_url="http://127.0.0.1:18080/v2/enqueue",
    smtp_smarthost="127.0.0.1:10025",
    smtp_ca_file=Path("/run/of/mine/ca.pem"),
    secrets_directory=Path("/run/of/mine/secrets"),
)
needs_production = pytest.mark.skipif(
    not all(
        getattr(production_files(), name).exists()
        for name in ("rules", "prometheus", "alertmanager")
    ),
    reason="production files are not all there",
)


@pytest.fixture
def production(tmp_path: Path) -> Production:
    files = Production(
        rules=tmp_path / "alert-rules.yml",
        prometheus=tmp_path / "prometheus-config.yml",
        alertmanager=tmp_path / "alertmanager-config.yml",
    )
    files.rules.write_text(RULES, encoding="utf-8")
    files.prometheus.write_text(PROMETHEUS, encoding="utf-8")
    files.alertmanager.write_text(ALERTMANAGER, encoding="utf-8")
    return files


def prometheus_of(derived: Derived) -> object:
    return read_yaml(derived.prometheus_yaml, "derived")


def test_prometheus_scrapes_and_evaluates_k_times_as_often(production: Production) -> None:
    derived = derive(production, time_scale=60, run=RUN)
    assert derived.scrape_interval == timedelta(milliseconds=250)
    assert derived.evaluation_interval == timedelta(milliseconds=500)
    assert read_yaml(derived.prometheus_yaml, "derived")["global"] == {
        "scrape_interval": "250ms",
        "scrape_timeout": "250ms",
        "evaluation_interval": "500ms",
    }


def test_a_scrape_may_take_the_whole_interval_only_when_scaled(production: Production) -> None:
    assert derive(production, time_scale=1, run=RUN).scrape_timeout == timedelta(seconds=10)
    scaled = derive(production, time_scale=2, run=RUN)
    assert scaled.scrape_timeout == scaled.scrape_interval == timedelta(milliseconds=7500)


def test_the_scrape_interval_stops_at_its_floor(production: Production) -> None:
    assert derive(production, time_scale=300, run=RUN).scrape_interval == timedelta(
        milliseconds=250
    )


def test_a_group_with_a_longer_interval_counts_as_the_evaluation_interval(
    production: Production,
) -> None:
    production.rules.write_text(RULES.replace("- name: g", "- name: g\n    interval: 2m"))
    derived = derive(production, time_scale=60, run=RUN)
    assert derived.evaluation_interval == timedelta(seconds=2)


def test_a_group_that_is_left_out_is_nowhere_but_in_the_list_of_changes(
    production: Production,
) -> None:
    second = RULES.partition("groups:\n")[2].replace("name: g", "name: slow\n    interval: 2m")
    production.rules.write_text(RULES + second.replace("Errors", "SlowErrors"))
    derived = derive(production, time_scale=60, run=RUN, groups={"g"})
    assert [rule.name for rule in derived.rules.rules] == ["Errors"]
    assert [rule.name for rule in derived.production_rules.rules] == ["Errors"]
    assert "SlowErrors" not in derived.rules_yaml
    assert derived.evaluation_interval == timedelta(milliseconds=500)
    assert ("group slow", "SlowErrors", "") in [
        (change.where, change.production, change.drill) for change in derived.changes
    ]


def test_prometheus_watches_the_runs_targets_and_tells_the_runs_alertmanager(
    production: Production,
) -> None:
    document = read_yaml(derive(production, time_scale=60, run=RUN).prometheus_yaml, "derived")
    (job,) = (job for job in document["scrape_configs"] if job["job_name"] == "softfactory")
    assert job["file_sd_configs"] == [
        {"files": ["/run/of/mine/targets/*.json"], "refresh_interval": "5s"}
    ]
    assert document["alerting"]["alertmanagers"] == [
        {"static_configs": [{"targets": ["127.0.0.1:19093"]}]}
    ]
    assert document["alerting"]["alert_relabel_configs"]
    assert document["rule_files"] == ["alert-rules.yml"]


def test_prometheus_watches_the_runs_own_two_watchers_in_the_clear_under_their_labels(
    production: Production,
) -> None:
    document = read_yaml(derive(production, time_scale=60, run=RUN).prometheus_yaml, "derived")
    assert list(document["scrape_configs"])[:2] == [
        {
            "job_name": "prometheus",
            "scrape_interval": "500ms",
            "scrape_timeout": "500ms",
            "static_configs": [
                {"targets": ["127.0.0.1:19090"], "labels": {"service": "prometheus"}}
            ],
        },
        {"job_name": "alertmanager", "static_configs": [{"targets": ["127.0.0.1:19093"]}]},
    ]


def test_the_pace_of_a_watchers_own_job_is_not_taken_for_the_services(
    production: Production,
) -> None:
    derived = derive(production, time_scale=60, run=RUN)
    assert derived.scrape_interval == derived.scrape_timeout == timedelta(milliseconds=250)


def test_no_other_job_is_left_and_none_reaches_production(production: Production) -> None:
    derived = derive(production, time_scale=1, run=RUN)
    names = [job["job_name"] for job in read_yaml(derived.prometheus_yaml, "d")["scrape_configs"]]
    assert names == ["prometheus", "alertmanager", "softfactory"]
    for gone in ("localhost:", "other:9090", "third:9090", "am.example", "/etc/prometheus"):
        assert gone not in derived.prometheus_yaml


def test_a_watchers_job_without_a_static_target_is_taken_out(production: Production) -> None:
    production.prometheus.write_text(
        PROMETHEUS.replace('static_configs: [{targets: ["localhost:9093"]}]', "honor_labels: true")
    )
    derived = derive(production, time_scale=60, run=RUN)
    assert "am.example" not in derived.prometheus_yaml
    assert "job_name: alertmanager" not in derived.prometheus_yaml


def test_the_services_sample_limit_stays(production: Production) -> None:
    limited = PROMETHEUS.replace(
        "    file_sd_configs:", "    sample_limit: 5000\n    file_sd_configs:"
    )
    production.prometheus.write_text(limited)
    text = derive(production, time_scale=60, run=RUN).prometheus_yaml
    (job,) = (j for j in read_yaml(text, "d")["scrape_configs"] if j["job_name"] == "softfactory")
    assert job["sample_limit"] == 5000


def test_nothing_is_written_to_productions_storage(production: Production) -> None:
    assert "remote_write" not in derive(production, time_scale=1, run=RUN).prometheus_yaml


def test_a_configuration_without_a_place_for_targets_is_refused(production: Production) -> None:
    production.prometheus.write_text(PROMETHEUS.replace("file_sd_configs", "dns_sd_configs"))
    with pytest.raises(ConfigurationError, match=r"exactly one job with `file_sd_configs:`"):
        derive(production, time_scale=60, run=RUN)


def test_alertmanager_waits_a_kth_of_the_time(production: Production) -> None:
    derived = derive(production, time_scale=60, run=RUN)
    (route,) = derived.route_tree.route_for({"severity": "CRITICAL"})
    assert (route.group_wait, route.group_interval, route.repeat_interval) == (
        timedelta(milliseconds=200),
        timedelta(seconds=1),
        timedelta(minutes=4),
    )


def test_times_that_production_leaves_to_alertmanager_are_scaled_too(
    production: Production,
) -> None:
    derived = derive(production, time_scale=60, run=RUN)
    (route,) = derived.route_tree.route_for({})
    assert (route.group_wait, route.group_interval, route.repeat_interval) == (
        timedelta(milliseconds=500),
        timedelta(seconds=5),
        timedelta(minutes=4),
    )


def test_routes_point_at_the_lines_of_the_production_file(production: Production) -> None:
    (route,) = derive(production, time_scale=60, run=RUN).route_tree.route_for(
        {"severity": "CRITICAL"}
    )
    line = ALERTMANAGER.splitlines().index('    - matchers: [severity="CRITICAL"]') + 1
    assert route.line == line


def test_rules_point_at_the_lines_of_the_production_file(production: Production) -> None:
    two = RULES + RULES.partition("rules:\n")[2].replace("Errors", "Again")
    production.rules.write_text(two.replace("rate(errors_total", "\n          rate(errors_total"))
    derived = derive(production, time_scale=60, run=RUN)
    lines = [rule.line for rule in derived.rules.alerts]
    assert lines == [rule.line for rule in derived.production_rules.alerts]


def test_receivers_deliver_to_the_runs_doubles(production: Production) -> None:
    document = read_yaml(derive(production, time_scale=60, run=RUN).alertmanager_yaml, "derived")
    settings, (receiver,) = document["global"], document["receivers"]
    secrets = "/run/of/mine/secrets"
    assert settings["pagerduty_url"] == RUN.pagerduty_url
    assert settings["smtp_smarthost"] == RUN.smtp_smarthost
    assert settings["smtp_auth_password_file"] == f"{secrets}/smtp_password"
    assert settings["smtp_tls_config"] == {"ca_file": "/run/of/mine/ca.pem"}
    assert settings["resolve_timeout"] == "5s"
    assert receiver["pagerduty_configs"][0]["routing_key_file"] == (
        f"{secrets}/pagerduty_routing_key"
    )
    assert [each["api_url_file"] for each in receiver["slack_configs"]] == [
        f"{secrets}/slack_url"
    ] * 2
    (mail,) = receiver["email_configs"]
    assert mail["smarthost"] == RUN.smtp_smarthost
    assert mail["tls_config"]["ca_file"] == "/run/of/mine/ca.pem"
    assert mail["auth_password_file"] == f"{secrets}/other_password"
    (hook,) = receiver["webhook_configs"]
    assert hook["url_file"] == f"{secrets}/hook_url"
    assert hook["http_config"]["authorization"]["credentials_file"] == f"{secrets}/hook_token"


def test_a_receivers_timeout_keeps_a_second(production: Production) -> None:
    document = read_yaml(derive(production, time_scale=60, run=RUN).alertmanager_yaml, "derived")
    assert document["receivers"][0]["slack_configs"][1]["timeout"] == "1s"


def test_no_address_of_production_is_left(production: Production) -> None:
    text = derive(production, time_scale=1, run=RUN).alertmanager_yaml
    assert "example:" not in text
    assert "pagerduty.com" not in text
    assert "/etc/alertmanager" not in text


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (
            "api_url_file: /etc/alertmanager/secrets/slack_url",
            "api_url: https://hooks.slack.example/x",
            "`api_url:`",
        ),
        (
            "url_file: /etc/alertmanager/secrets/hook_url",
            "url: https://hook.example/x",
            "`url:`",
        ),
        (
            "routing_key_file: /etc/alertmanager/secrets/pagerduty_routing_key",
            "routing_key: 0123456789abcdef0123456789abcdef",
            "`routing_key:`",
        ),
        ("resolve_timeout: 5m", "slack_api_url: https://hooks.slack.example/x", "`slack_api_url:`"),
        ("webhook_configs:", "opsgenie_configs:", "no double for opsgenie_configs"),
    ],
    ids=["slack", "webhook", "pagerduty", "global slack", "unknown integration"],
)
def test_a_destination_that_cannot_be_moved_is_refused_at_its_line(
    production: Production, old: str, new: str, key: str
) -> None:
    text = ALERTMANAGER.replace(old, new)
    production.alertmanager.write_text(text)
    line = next(n for n, each in enumerate(text.splitlines(), start=1) if new in each)
    with pytest.raises(ConfigurationError) as refused:
        derive(production, time_scale=60, run=RUN)
    assert f"alertmanager-config.yml:{line}: " in str(refused.value)
    assert key in str(refused.value)


MUTED = (
    ALERTMANAGER.replace(
        "      group_wait: 12s\n", "      mute_time_intervals: [night]\n      group_wait: 12s\n"
    )
    + """
time_intervals:
  - name: night
    time_intervals:
      - times: [{start_time: '22:00', end_time: '24:00'}]
"""
)


@pytest.mark.parametrize("k", [1, 60])
@pytest.mark.parametrize(("mute", "muted"), [("never", False), ("always", True)])
def test_a_drill_is_muted_at_no_hour_or_at_every_one(
    production: Production, k: float, mute: Mute, muted: bool
) -> None:
    production.alertmanager.write_text(MUTED)
    derived = derive(production, time_scale=k, run=RUN, mute=mute)
    for hour in range(24):
        at = datetime(2026, 1, 1, hour, tzinfo=UTC)
        assert derived.route_tree.muted({"severity": "CRITICAL"}, at) is muted
        assert not derived.route_tree.muted({}, at)
    (change,) = [each for each in derived.changes if "time_intervals" in each.where]
    assert change.where == "time_intervals[night].time_intervals"
    assert "22:00" in change.production


def test_a_drill_is_never_muted_unless_asked(production: Production) -> None:
    production.alertmanager.write_text(MUTED)
    assert derive(production, time_scale=1, run=RUN) == derive(
        production, time_scale=1, run=RUN, mute="never"
    )


def test_the_calendar_can_stay_as_written(production: Production) -> None:
    production.alertmanager.write_text(MUTED)
    tree = derive(production, time_scale=60, run=RUN, mute="as written").route_tree
    evening = datetime(2026, 1, 1, 22, tzinfo=UTC)
    assert tree.muted({"severity": "CRITICAL"}, evening)
    assert not tree.muted({"severity": "CRITICAL"}, evening - timedelta(minutes=1))


def test_never_muted_means_always_active(production: Production) -> None:
    production.alertmanager.write_text(
        MUTED.replace("mute_time_intervals", "active_time_intervals")
    )
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert not derive(production, time_scale=60, run=RUN).route_tree.muted(
        {"severity": "CRITICAL"}, at
    )


def test_an_interval_that_mutes_here_and_activates_there_is_refused(production: Production) -> None:
    both = MUTED.replace(
        "  routes:\n", "  routes:\n    - {matchers: [a=b], active_time_intervals: [night]}\n"
    )
    production.alertmanager.write_text(both)
    with pytest.raises(ConfigurationError, match="define it twice"):
        derive(production, time_scale=60, run=RUN)


def test_templates_are_found_from_anywhere(production: Production) -> None:
    document = read_yaml(derive(production, time_scale=60, run=RUN).alertmanager_yaml, "derived")
    expected = production.alertmanager.parent.resolve() / "templates" / "own.tmpl"
    assert document["templates"] == [str(expected)]


def test_flags_are_scaled_and_retention_is_not(production: Production) -> None:
    derived = derive(production, time_scale=60, run=RUN)
    assert derived.prometheus_flags == (
        "--storage.tsdb.retention.time=30d",
        "--enable-feature=extra-scrape-metrics",
        "--rules.alert.resend-delay=1s",
        "--rules.alert.for-grace-period=10s",
        "--rules.alert.for-outage-tolerance=1m",
        "--query.lookback-delta=5s",
    )
    assert "--cluster.peer-timeout=250ms" in derived.alertmanager_flags
    assert "--data.maintenance-interval=15s" in derived.alertmanager_flags


def test_the_lookback_always_reaches_over_several_scrapes(production: Production) -> None:
    production.rules.write_text(RULES.replace("[5m]", "[2h]"))
    derived = derive(production, time_scale=1000, run=RUN)
    assert "--query.lookback-delta=1s" in derived.prometheus_flags


def test_discovery_keeps_its_own_pace(production: Production) -> None:
    assert derive(production, time_scale=60, run=RUN).discovery_tick == DISCOVERY_TICK
    assert timedelta(seconds=5) == DISCOVERY_TICK


def test_real_time_changes_addresses_and_no_duration(production: Production) -> None:
    derived = derive(production, time_scale=1, run=RUN)
    assert derived.rules_yaml == RULES
    assert derived.rules == derived.production_rules
    document = read_yaml(derived.prometheus_yaml, "derived")
    assert document["global"] == read_yaml(PROMETHEUS, "production")["global"]
    routes = read_yaml(ALERTMANAGER, "production")["route"]
    assert read_yaml(derived.alertmanager_yaml, "derived")["route"] == routes
    assert "--rules.alert.resend-delay=1m" in derived.prometheus_flags


def test_every_difference_from_production_is_listed(production: Production) -> None:
    derived = derive(production, time_scale=60, run=RUN)
    wheres = [change.where for change in derived.changes]
    assert len(wheres) == len(set(wheres))
    for expected in (
        "Errors: for",
        "Errors: durations in expr",
        "global.scrape_interval",
        "remote_write",
        "scrape_configs[0]",
        "scrape_configs[prometheus].scrape_interval",
        "scrape_configs[prometheus].scheme",
        "scrape_configs[prometheus].static_configs",
        "scrape_configs[alertmanager].static_configs",
        "scrape_configs[alertmanager].dns_sd_configs",
        "scrape_configs[softfactory].file_sd_configs[0].files",
        "route.group_wait",
        "route.routes[0].group_interval",
        "receivers[all].slack_configs[1].timeout",
        "alertmanager.templates",
        "--query.lookback-delta",
        "--cluster.peer-timeout",
    ):
        assert expected in wheres
    assert all(change.production != change.drill for change in derived.changes)


def test_the_production_files_are_never_written(production: Production) -> None:
    derive(production, time_scale=60, run=RUN)
    assert production.rules.read_text(encoding="utf-8") == RULES
    assert production.prometheus.read_text(encoding="utf-8") == PROMETHEUS
    assert production.alertmanager.read_text(encoding="utf-8") == ALERTMANAGER


@needs_production
@pytest.mark.parametrize("k", [1, 2, 60, 300])
def test_the_real_production_files_derive(k: float) -> None:
    derived = derive(production_files(), time_scale=k, run=RUN)
    for ours, theirs in zip(derived.production_rules.alerts, derived.rules.alerts, strict=True):
        assert theirs.for_ == divide(ours.for_, k)
    assert "pagerduty.com" not in derived.alertmanager_yaml
    assert "/etc/alertmanager/secrets/" not in "".join(
        line for line in derived.alertmanager_yaml.splitlines() if not line.startswith("#")
    )


# --- against the real programs ---


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools(ToolSettings.from_env(), lambda line: None)


@pytest.fixture(scope="module")
def prometheus_url(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("prometheus")
    with reserve() as port, Processes() as processes:
        run = dataclasses.replace(
            RUN,
            prometheus_targets_glob=directory / "targets-*.json",
            prometheus=f"127.0.0.1:{port.port}",
        )
        derived = derive(production_files(), time_scale=60, run=run)
        (directory / "prometheus.yml").write_text(derived.prometheus_yaml, encoding="utf-8")
        (directory / "alert-rules.yml").write_text(derived.rules_yaml, encoding="utf-8")
        url = f"http://127.0.0.1:{port.port}"
        processes.start(
            "prometheus",
            [
                *tools.prometheus.command,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port.port}",
                *derived.prometheus_flags,
            ],
            log=directory / "log",
        )
        wait_until(
            lambda: requests.get(f"{url}/-/ready", timeout=1).ok,
            what=f"Prometheus at {url}, log {directory / 'log'}",
            timeout_seconds=20,
            retry_on=(requests.RequestException,),
        )
        yield url


@needs_production
@pytest.mark.integration
@pytest.mark.parametrize("k", [1, 60, 300])
def test_promtool_and_amtool_accept_what_is_derived(tools: Tools, tmp_path: Path, k: float) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    run = dataclasses.replace(
        RUN,
        prometheus_targets_glob=tmp_path / "*.json",
        smtp_ca_file=tmp_path / "ca.pem",
        secrets_directory=secrets,
    )
    derived = derive(production_files(), time_scale=k, run=run)
    (tmp_path / "alert-rules.yml").write_text(derived.rules_yaml, encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(derived.prometheus_yaml, encoding="utf-8")
    (tmp_path / "alertmanager.yml").write_text(derived.alertmanager_yaml, encoding="utf-8")
    for command in (
        [*tools.promtool.command, "check", "config", str(tmp_path / "prometheus.yml")],
        [*tools.promtool.command, "check", "rules", str(tmp_path / "alert-rules.yml")],
        [*tools.amtool.command, "check-config", str(tmp_path / "alertmanager.yml")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@needs_production
@pytest.mark.integration
def test_alertmanager_knows_every_flag_that_is_derived(tools: Tools) -> None:
    flags = derive(production_files(), time_scale=60, run=RUN).alertmanager_flags
    command = [*tools.alertmanager.command, *flags, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    unknown = [*tools.alertmanager.command, "--no-such.flag=1s", "--version"]
    done = subprocess.run(unknown, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0


@needs_production
@pytest.mark.integration
def test_prometheus_scrapes_itself_and_tells_the_limits_that_its_rules_read(
    prometheus_url: str,
) -> None:
    def told(query: str) -> float:
        answer = requests.get(f"{prometheus_url}/api/v1/query", params={"query": query}, timeout=5)
        (one,) = answer.json()["data"]["result"]  # ValueError until there is a first scrape
        return float(one["value"][1])

    itself = '{job="prometheus",service="prometheus"}'
    wait_until(
        lambda: told(f"up{itself}") == 1,
        what=f"Prometheus at {prometheus_url} to have scraped itself",
        timeout_seconds=20,
        retry_on=(ValueError,),
    )
    assert told(f"scrape_timeout_seconds{itself}") == 0.5  # half as often as services
    assert told(f"scrape_sample_limit{itself}") == 0


@needs_production
@pytest.mark.integration
@pytest.mark.parametrize("k", [7, 60, 300])
def test_prometheus_itself_sees_no_difference_but_durations_and_declared_numbers(
    prometheus_url: str, k: float
) -> None:
    derived = derive(production_files(), time_scale=k, run=RUN)
    pairs = zip(derived.production_rules.rules, derived.rules.rules, strict=True)
    for ours, theirs in pairs:
        found = equivalent_via_prometheus(ours.expr, theirs.expr, k=k, url=prometheus_url)
        declared = [each for each in ours.declarations if each.scaled]
        assert len(found) == len(declared), found
        for difference, number in zip(found, declared, strict=True):
            assert f"'{number.value:g}' became" in difference


@needs_production
@pytest.mark.integration
@pytest.mark.parametrize(
    "scaled",
    [
        'rate(a{b="c"}[6s] offset 1s) > 0.05',
        'rate(a{b="c"}[5s] offset 2s) > 0.05',
        'rate(a{b="d"}[5s] offset 1s) > 0.05',
        'rate(a{b="c"}[5s] offset 1s) > 0.06',
        'irate(a{b="c"}[5s] offset 1s) > 0.05',
        'rate(a{b="c"}[5s] offset 1s) >= 0.05',
    ],
)
def test_prometheus_itself_sees_every_other_difference(prometheus_url: str, scaled: str) -> None:
    original = 'rate(a{b="c"}[5m] offset 1m) > 0.05'
    assert equivalent_via_prometheus(original, scaled, k=60, url=prometheus_url)


def test_an_application_s_own_metrics_are_renamed_by_the_drill_s_job_alone(
    production: Production,
) -> None:
    step = {"source_labels": ["__name__"], "regex": "a", "target_label": "__name__"}
    files = dataclasses.replace(production, relabel=(step,))
    derived = derive(files, time_scale=60, run=RUN)
    jobs = read_yaml(derived.prometheus_yaml, "d")["scrape_configs"]
    renaming = [job["job_name"] for job in jobs if "metric_relabel_configs" in job]
    assert renaming == ["softfactory"]
    changed = [change.where for change in derived.changes]
    assert "scrape_configs[softfactory].metric_relabel_configs" in changed


def test_rules_are_loaded_by_one_name_whatever_production_s_file_is_called(
    production: Production, tmp_path: Path
) -> None:
    theirs = production.rules.rename(tmp_path / "their.yml")
    derived = derive(dataclasses.replace(production, rules=theirs), time_scale=60, run=RUN)
    assert read_yaml(derived.prometheus_yaml, "d")["rule_files"] == [drill_files.RULES]
