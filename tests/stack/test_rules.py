from __future__ import annotations

from datetime import timedelta

import pytest

from stack.declarations import DeclarationError
from stack.production import production_files
from stack.rules import RuleFileError, RuleSet, load_rules
from stack.yamlfile import ConfigurationError

FILE = """\
groups:
  - name: requests
    interval: 30s
    labels: {team: web, severity: LOW}
    rules:
      - record: service:requests:rate5m
        expr: sum by (service) (rate(requests_total[5m]))
      # a comment
      - alert: OldBackup
        # an explanation
        # time-scale: 86400 seconds fixed: a drill ages the file
        expr: |
          time() - backup_timestamp_seconds > 86400
        for: 5m
        keep_firing_for: 1h30m
        labels:
          severity: HIGH
        annotations:
          summary: "{{ $labels.service }} has no backup"
"""


def expression(expr: str) -> str:
    return f"groups: [{{name: g, rules: [{{alert: A, expr: '{expr}'}}]}}]"


def alert_with(expr: str) -> RuleSet:
    return load_rules(expression(expr), "rules.yml")


def test_an_alert_is_read_with_everything_that_it_says() -> None:
    rule = load_rules(FILE, "rules.yml").alert("OldBackup")
    assert rule.for_ == timedelta(minutes=5)
    assert rule.keep_firing_for == timedelta(hours=1, minutes=30)
    assert rule.labels == {"team": "web", "severity": "HIGH"}
    assert rule.annotations == {"summary": "{{ $labels.service }} has no backup"}
    assert (rule.group, rule.line) == ("requests", 9)


def test_a_declaration_above_the_expression_belongs_to_the_rule() -> None:
    (declared,) = load_rules(FILE, "rules.yml").alert("OldBackup").declarations
    assert (declared.value, declared.unit, declared.scaled) == (86400, "seconds", False)
    assert (declared.reason, declared.line) == ("a drill ages the file", 11)


def test_recording_rules_and_group_intervals_are_kept() -> None:
    rules = load_rules(FILE, "rules.yml")
    assert [rule.name for rule in rules.recordings] == ["service:requests:rate5m"]
    assert [rule.name for rule in rules.alerts] == ["OldBackup"]
    assert rules.groups[0].interval == timedelta(seconds=30)


def test_an_unknown_alert_is_answered_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match="OldBackup"):
        load_rules(FILE, "rules.yml").alert("Typo")


@pytest.mark.parametrize(
    ("expr", "window"),
    [
        ("up == 0", 0),
        ("rate(a[5m]) / rate(b[10m]) > 0.1", 600),
        ("max_over_time(rate(a[5m])[1h:1m]) > 3", 3900),
        ("rate(a[5m] offset 1d) > 1", 300),
    ],
)
def test_the_window_is_how_far_back_the_ranges_look(expr: str, window: float) -> None:
    assert alert_with(expr).alerts[0].window == timedelta(seconds=window)


@pytest.mark.parametrize(
    ("expr", "value", "comparison", "window"),
    [
        ("rate(a[5m]) / rate(b[5m]) > 0.05", 0.05, ">", 300),
        ("0.05 < rate(a[5m])", 0.05, ">", 300),
        ("memory_percent > 80", 80, ">", 0),
        ("max by (service) (up) == 0 or absent(up)", 0, "==", 0),
        ("up == 1 and rate(a[5m]) > 0.1", 0.1, ">", 300),
        ("(rate(a[5m]) > 10 / 100) and rate(b[10m]) > 7", 0.1, ">", 300),
        ("a > 1 unless rate(b[5m]) > 2", 1, ">", 0),
    ],
)
def test_the_threshold_is_the_leftmost_windowed_comparison(
    expr: str, value: float, comparison: str, window: float
) -> None:
    threshold = alert_with(expr).alerts[0].threshold
    assert threshold is not None
    assert threshold.kind == "value"
    assert (threshold.value, threshold.comparison) == (value, comparison)
    assert threshold.window == timedelta(seconds=window)


def test_a_quantile_is_crossed_by_the_share_of_requests_above_its_objective() -> None:
    threshold = (
        alert_with("histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m]))) > 1000")
        .alerts[0]
        .threshold
    )
    assert threshold is not None
    assert (threshold.kind, threshold.value, threshold.objective) == ("quantile", 0.05, 1000)


@pytest.mark.parametrize("expr", ["absent(up)", "a > b", "up"])
def test_no_comparison_with_a_number_is_no_threshold(expr: str) -> None:
    assert alert_with(expr).alerts[0].threshold is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups:\n  - {name: g\n", "rules.yml:"),
        ("- a\n", "rules.yml:1: expected a mapping"),
        ("groups:\n  - rules: []\n", "rules.yml:2: a rule group needs a name"),
        (
            "groups:\n  - name: g\n    rules:\n      - expr: up\n",
            "rules.yml:4: a rule needs either",
        ),
        (
            "groups:\n  - name: g\n    rules:\n      - alert: A\n        for: 5m\n",
            "rules.yml:4: A has no `expr:`",
        ),
        (
            "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up ==\n",
            "rules.yml:5: A: not valid PromQL",
        ),
        (
            "groups:\n  - name: g\n    rules:\n      - {alert: A, expr: up,\n         for: 5x}\n",
            "rules.yml:5: `for:` '5x' is not",
        ),
    ],
)
def test_a_bad_file_is_refused_at_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_rules(text, "rules.yml")
    assert str(refused.value).startswith(message)


def test_a_bad_rule_is_a_rule_file_error() -> None:
    with pytest.raises(RuleFileError):
        load_rules("groups: 5", "rules.yml")


@pytest.mark.parametrize(
    "comment",
    [
        "# time-scale: 86400 seconds",
        "# time-scale: 86400 seconds fixed",
        "# time-scale: 86400 seconds fixed:",
        "# time-scale: 86400 hours fixed: because",
        "# time-scale: many count fixed: because",
        "# time-scale: 86400 seconds maybe: because",
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused_at_its_line(comment: str) -> None:
    text = FILE.replace("# time-scale: 86400 seconds fixed: a drill ages the file", comment)
    with pytest.raises(DeclarationError, match=r"^rules\.yml:11: .*write `# time-scale:"):
        load_rules(text, "rules.yml")


def test_a_declaration_that_stands_elsewhere_is_refused_rather_than_ignored() -> None:
    text = FILE.replace("      # a comment", "      # time-scale: 3 count scaled: lost")
    with pytest.raises(DeclarationError, match=r"^rules\.yml:8: this declaration belongs to no"):
        load_rules(text, "rules.yml")


@pytest.mark.skipif(not production_files().rules.exists(), reason="no production rules")
def test_the_production_rules_are_read_whole() -> None:
    path = production_files().rules
    rules = load_rules(path.read_text(encoding="utf-8"), path.name)
    assert len({rule.name for rule in rules.alerts}) == len(rules.alerts) >= 9
    at_once = {rule.name for rule in rules.alerts if not rule.for_}
    assert at_once == {"RestartLoop", "Watchdog"}
