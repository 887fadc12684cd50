"""What Alertmanager's event recorder writes is read as it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.delivery.evidence import Recorded
from scenarios.delivery.recorder import EventLog


def labels(**pairs: str) -> dict[str, object]:
    return {"labels": [{"key": key, "value": value} for key, value in pairs.items()]}


def line(**data: object) -> str:
    return json.dumps({"@timestamp": "1970-01-01T00:00:01.5Z", "instance": "here", "data": data})


NOTIFICATION = line(
    notification={
        "alerts": [{"hash": "1", "details": {"labels": labels(alertname="Down", instance="a:1")}}],
        "groupInfo": {"groupKey": "{}:{x}"},
        "reason": "NOTIFY_REASON_FIRST_NOTIFICATION",
        "flushId": "7",
        "integration": {"name": "slack"},
    }
)
INHIBITION = line(
    inhibitionMutedAlert={
        "inhibitRules": [{"sourceMatchers": [{"rendered": 'alertname="Down"'}]}],
        "mutedAlert": {"labels": labels(alertname="Errors"), "fingerprint": "2"},
    }
)
GROUPED = line(
    alertGrouped={
        "alert": {"details": {"labels": labels(alertname="Down")}},
        "groupInfo": {"groupKey": "{}:{x}"},
    }
)


def test_reasons_are_read_with_whom_they_are_about(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join([NOTIFICATION, INHIBITION, GROUPED, ""]))
    notification, inhibition, grouped = EventLog(path).events()
    assert notification == Recorded(
        at=1.5,
        kind="notification",
        alerts=("Down a:1",),
        integration="slack",
        reason="FIRST_NOTIFICATION",
        group="{}:{x}",
        flush=7,
    )
    assert (inhibition.alerts, inhibition.by) == (("Errors",), 'alertname="Down"')
    assert (grouped.alerts, grouped.group) == (("Down",), "{}:{x}")


def test_a_line_that_is_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(GROUPED + "\n" + INHIBITION[:40])
    log = EventLog(path)
    assert [one.kind for one in log.events()] == ["alertGrouped"]
    with path.open("a") as file:
        file.write(INHIBITION[40:] + "\n")
    assert [one.kind for one in log.events()] == ["alertGrouped", "inhibitionMutedAlert"]


def test_a_file_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    assert EventLog(tmp_path / "none").events() == ()


def test_an_unknown_kind_is_kept_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(line(alertmanagerStartupEvent={"version": "1"}) + "\n")
    assert [one.kind for one in EventLog(path).events()] == ["alertmanagerStartupEvent"]


@pytest.mark.parametrize("wrong", ['{"data": {}}', '{"@timestamp": "1970-01-01T00:00:01Z"}'])
def test_another_form_is_an_error_that_shows_it(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(wrong + "\n")
    with pytest.raises(ValueError, match="no event of Alertmanager's recorder"):
        EventLog(path).events()
