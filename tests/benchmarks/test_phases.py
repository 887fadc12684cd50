"""Whether drills were late, on evidence written by hand."""

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import phases

MINIMUM_SECONDS = 10.0
ON_TIME_SECONDS = phases.ALLOWED_RATIO * MINIMUM_SECONDS + phases.ALLOWED_SECONDS


def evidence(**detection_seconds):
    parts = {"crossing": 1.0, "pending": 2.0, "notifying": 3.0}
    return {
        "phases_seconds": {"drills": 60.0},
        "drills": {
            name: {
                "measured_seconds": {**parts, "detection": seconds},
                "bounds_seconds": {"minimum": MINIMUM_SECONDS},
            }
            for name, seconds in detection_seconds.items()
        },
    }


def test_detections_near_their_minimum_and_drills_that_stay_quiet_are_in_time():
    assert phases.report("all", 60.0, evidence(a=ON_TIME_SECONDS, quiet=None))


def test_one_late_detection_is_told_and_misses(capsys):
    assert not phases.report("all", 60.0, evidence(late=ON_TIME_SECONDS + 0.1, good=9.0))
    late, good = capsys.readouterr().out.splitlines()[-2:]
    assert "above 1.2 x minimum" in late
    assert "above" not in good


def test_a_run_that_detected_nothing_proves_nothing():
    assert not phases.report("all", 60.0, evidence(quiet=None))


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--strict",), 1)])
def test_a_late_drill_fails_the_command_when_it_is_strict(monkeypatch, options, status):
    told = evidence(late=ON_TIME_SECONDS + 0.1)
    monkeypatch.setattr(phases, "measure", lambda name: phases.report(name, 60.0, told))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "one", *options])
    assert command.main() == status
