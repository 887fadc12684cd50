"""Every alert of a marked run says that it is a drill's, and the first line of a message too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stack.derive import RunAddresses, derive
from stack.production import production_files
from stack.receivers import parse_headline
from stack.rules import load_rules

RUN = RunAddresses(
    prometheus_targets_glob=Path("/run/targets/*.yml"),
    prometheus="127.0.0.1:1",
    alertmanager="127.0.0.1:2",
    pagerduty_url="http://127.0.0.1:3",
    smtp_smarthost="localhost:4",
    smtp_ca_file=Path("/run/ca.pem"),
    secrets_directory=Path("/run/secrets"),
)
MARKS = {"drill": "true", "drill_run": "gd-1"}


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_every_alert_of_a_marked_run_has_both_labels_and_nothing_else_changes(scale) -> None:
    plain = derive(production_files(), time_scale=scale, run=RUN)
    marked = derive(production_files(), time_scale=scale, run=replace(RUN, drill_run="gd-1"))
    assert len(marked.rules.alerts) == len(plain.rules.alerts)
    for before, after in zip(plain.rules.rules, marked.rules.rules, strict=True):
        expected = {**before.labels, **(MARKS if before in plain.rules.alerts else {})}
        assert after.labels == expected
        assert replace(after, labels=before.labels) == before
    assert load_rules(marked.rules_yaml, "x").alerts[0].labels.items() >= MARKS.items()
    assert set(marked.changes) - set(plain.changes)


def test_alerts_of_other_runs_are_as_they_were() -> None:
    plain = derive(production_files(), time_scale=60.0, run=RUN)
    assert not any(MARKS.keys() & rule.labels.keys() for rule in plain.rules.rules)


@pytest.mark.parametrize("name", ["two words", "a|b", "x" * 41, "-a", "gd_1"])
def test_a_name_that_no_template_would_show_as_it_is_is_refused(name) -> None:
    with pytest.raises(ValueError, match="is named by"):
        derive(production_files(), time_scale=60.0, run=replace(RUN, drill_run=name))


def test_the_first_line_of_a_drill_s_message_is_taken_apart() -> None:
    line = "HIGH SlowResponseTime on shop: P95 is 2 s | since 14:03 UTC | do: look"
    drill, earnest = (parse_headline(f"[FIRING] {mark}{line}") for mark in ("DRILL gd-1: ", ""))
    assert drill
    assert earnest
    assert (drill.drill, earnest.drill) == ("gd-1", "")
    assert replace(drill, drill="") == earnest
