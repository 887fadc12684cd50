"""The dashboards that are shipped ask for what is there, and say all that the rules say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ruamel.yaml import YAML

from stack.grafana import problems
from stack.grafana.__main__ import texts
from stack.grafana.addresses import ALERTS_UID
from stack.grafana.dashboards import DASHBOARDS, Dashboard
from stack.logs.fields import load_fields
from stack.rules import RuleSet


def sources(provisioning: Path) -> dict[str, str]:
    path = provisioning / "datasources" / "softfactory.yml"
    return {one["uid"]: one["type"] for one in YAML(typ="safe").load(path)["datasources"]}


def test_every_subject_has_its_dashboard(dashboards: Sequence[Dashboard]) -> None:
    assert {dashboard.uid.removeprefix("softfactory-") for dashboard in dashboards} == {
        *("overview", "slo", "resources", "database", "alerts", "logs", "monitoring")
    }


def test_a_file_is_called_as_its_dashboard_is_addressed(dashboards: Sequence[Dashboard]) -> None:
    assert all(f"softfactory-{Path(each.file).stem}" == each.uid for each in dashboards)


def test_no_two_have_the_same_id_or_place(dashboards: Sequence[Dashboard]) -> None:
    assert problems.duplicates(dashboards) == []


def test_every_question_can_be_asked(dashboards: Sequence[Dashboard]) -> None:
    assert problems.not_askable(dashboards) == []


def test_every_series_and_label_is_one_that_something_exports(
    dashboards: Sequence[Dashboard], known: Mapping[str, frozenset[str]]
) -> None:
    assert problems.unknown_metrics(dashboards, known) == []


def test_every_metric_of_the_service_is_shown_somewhere(
    dashboards: Sequence[Dashboard], known: Mapping[str, frozenset[str]]
) -> None:
    told_otherwise = {
        "softfactory_backup_age_seconds",  # the same as the time of the last success
        "softfactory_cpu_percent",  # for people who read the page itself
        "softfactory_fault_memory_held_bytes",  # of drills
        "softfactory_faults_rejected_total",
        "softfactory_faults_total",
        "softfactory_up",  # 1 wherever it can be read
    }
    shown = problems.shown_metrics(dashboards)
    hidden = {
        name
        for name in known
        if name.startswith(("softfactory_", "log_shipper_"))
        and not name.endswith(("_bucket", "_sum", "_count"))
    } - shown
    assert hidden == told_otherwise


def test_every_log_field_is_one_that_records_have(dashboards: Sequence[Dashboard]) -> None:
    assert problems.unknown_fields(dashboards, load_fields()) == []


def test_every_data_source_is_provisioned(
    dashboards: Sequence[Dashboard], provisioning: Path
) -> None:
    assert problems.unknown_sources(dashboards, sources(provisioning)) == []


def test_no_threshold_is_typed_in(dashboards: Sequence[Dashboard]) -> None:
    assert problems.typed_thresholds(dashboards) == []


def test_what_belongs_to_a_service_is_asked_of_the_chosen_one(
    dashboards: Sequence[Dashboard],
) -> None:
    assert problems.not_of_the_chosen_service(dashboards) == []


def test_every_alert_has_its_panel_with_all_that_its_rule_reads_and_its_threshold_drawn(
    dashboards: Sequence[Dashboard], rules: RuleSet
) -> None:
    (alerts,) = (dashboard for dashboard in dashboards if dashboard.uid == ALERTS_UID)
    assert problems.alerts_not_shown(alerts, rules) == []


def test_they_are_alike_in_zone_version_tag_and_choice_of_service(
    dashboards: Sequence[Dashboard],
) -> None:
    assert problems.unlike_the_others(dashboards) == []


def test_every_file_is_as_the_command_writes_it() -> None:
    stale = [
        name
        for name, text in texts().items()
        if (DASHBOARDS / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, "run: python -m stack.grafana"
