"""Loaded routing is that of a file: by its hash, else by its meaning, less secrets and defaults."""

from __future__ import annotations

import re

import pytest

from scenarios.deployment.routing import (
    LoadedRouting,
    config_hash,
    differences,
    judge_routing,
)
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status
from stack.production import production_files

SOURCE = "alertmanager-config.yml"
OURS = """\
global: {smtp_from: a@shop.io, slack_api_url_file: /etc/slack}
templates: [templates/*.tmpl]
time_intervals:
  - {name: night, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}
route:
  receiver: all
  group_by: [alertname, service]
  repeat_interval: 4h
  routes:
    - {matchers: ['severity="LOW"'], receiver: low, mute_time_intervals: [night]}
inhibit_rules:
  - {source_matchers: [a="1"], target_matchers: [b="2"], equal: [service]}
receivers:
  - name: all
    slack_configs: [{channel: '#alerts', send_resolved: true}]
  - name: low
    webhook_configs: [{url: 'https://tickets.io/secret', max_alerts: 50}]
"""
THEIRS = """\
global:
  resolve_timeout: 5m
  smtp_from: a@shop.io
  slack_api_url_file: /etc/slack
templates: [/etc/alertmanager/templates/*.tmpl]
time_intervals:
- name: night
  time_intervals:
  - times:
    - start_time: "22:00"
      end_time: "24:00"
route:
  receiver: all
  group_by: [alertname, service]
  continue: false
  routes:
  - receiver: low
    matchers: [severity="LOW"]
    mute_time_intervals: [night]
    continue: false
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
inhibit_rules:
- source_matchers: [a="1"]
  target_matchers: [b="2"]
  equal: [service]
receivers:
- name: all
  labels: {receiver: all}
  slack_configs:
  - {send_resolved: true, channel: '#alerts', username: '{{ template "slack.default.username" . }}'}
- name: low
  webhook_configs:
  - {send_resolved: true, url: <secret>, max_alerts: 50, timeout: 0s}
"""


def told(theirs: str) -> str:
    return "\n".join(differences(OURS, theirs, SOURCE))


def verdict(theirs: str, number: float | None = None) -> Status:
    return judge_routing(LoadedRouting(text=theirs, hash=number), OURS, SOURCE).status


def test_the_same_with_defaults_and_without_secrets_is_the_same() -> None:
    assert told(THEIRS) == ""
    assert verdict(THEIRS, 1.0) is Status.PASS


def test_the_shipped_file_is_like_itself() -> None:
    text = production_files().alertmanager.read_text(encoding="utf-8")
    assert differences(text, text, SOURCE) == ()


@pytest.mark.parametrize(
    ("pattern", "other", "says"),
    [
        (r"repeat_interval: 4h", "repeat_interval: 1h", "route: repeat_interval is loaded as"),
        (r"group_wait: 30s", "group_wait: 10s", "route: group_wait is loaded as"),
        (r"- receiver: low", "- receiver: all", "route.routes[0]: receiver is loaded as all"),
        (r'severity="LOW"', 'severity="HIGH"', "route.routes[0]: matchers is loaded as"),
        (r"    mute_time_intervals: \[night\]\n", "", "mute_time_intervals is loaded as []"),
        (r"night\]\n    continue: false", "night]\n    continue: true", "continue is loaded as"),
        (r'"22:00"', '"21:00"', "time interval night differs"),
        (r'\[b="2"\]', '[b="3"]', "inhibit rule not loaded: a"),
        (r"#alerts", "#other", "receiver all: slack_configs.channel is loaded as '#other'"),
        (r"max_alerts: 50", "max_alerts: 5", "webhook_configs.max_alerts is loaded as 5"),
        (r"a@shop.io", "b@shop.io", "global.smtp_from is loaded as 'b@shop.io'"),
        (r"/etc/alertmanager/templates/", "/old/", "templates[0] is loaded as"),
        (r"\Z", "- {name: old}\n", "receiver old is loaded, and not in the repository"),
        (r"(webhook_configs:\n)", r"\1  - {url: x}\n", "2 are loaded, in the repository 1"),
    ],
)
def test_each_difference_is_told(pattern: str, other: str, says: str) -> None:
    theirs, count = re.subn(pattern, other, THEIRS, count=1)
    assert count == 1
    assert says in told(theirs)
    assert verdict(theirs) is Status.FAIL


def test_a_route_or_receiver_that_is_not_loaded_is_told() -> None:
    theirs = re.sub(r"(?s)  routes:.*?  group_wait", "  group_wait", THEIRS)
    assert "route: 0 routes are loaded below it, in the repository 1" in told(theirs)


def test_the_same_bytes_are_known_by_their_hash() -> None:
    assert verdict("route: {receiver: x}\nreceivers: [{name: x}]\n") is Status.FAIL
    seen = LoadedRouting(text="", hash=config_hash(OURS.encode()))
    assert judge_routing(seen, OURS, SOURCE).observed == "the same file, by its hash"


def test_what_was_not_seen_is_not_known() -> None:
    assert judge_routing(Missing(why="refused"), OURS, SOURCE).status is Status.UNKNOWN
