"""The command line: what it refuses in one line, what it asks, and its exit statuses."""

from __future__ import annotations

import io

import pytest

from scenarios.catalogue import drills
from scenarios.gameday import __main__ as command
from scenarios.gameday.exits import Exit, UsageError
from scenarios.gameday.options import (
    EPILOG,
    HOLD_SECONDS,
    RESPONDING_TIME_SCALE,
    TIME_SCALE,
    parse,
)

SLOW = ("--scenario", "SlowResponseTime")


def test_options_are_read() -> None:
    options = parse([*SLOW, *SLOW, "--scenario", "HighErrorRate", "--share", "0.2", "--yes"])
    assert options.scenarios == ("SlowResponseTime", "HighErrorRate")
    assert (options.share, options.yes, options.hold_seconds) == (0.2, True, 0.0)


def test_a_facilitated_fault_waits_for_its_responder() -> None:
    assert parse(["--facilitator"]).hold_seconds == HOLD_SECONDS
    assert parse(["--facilitator"]).time_scale == RESPONDING_TIME_SCALE
    assert parse(SLOW).time_scale == TIME_SCALE
    assert parse(["--facilitator", "--hold", "9"]).hold_seconds == 9.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--scenario NAME is needed"),
        ([*SLOW, "--share", "0"], "a ratio above 0 and at most 1, got '0'"),
        ([*SLOW, "--share", "20%"], "a ratio above 0 and at most 1, got '20%'"),
        ([*SLOW, "--hold", "-1"], "a number of seconds above 0"),
        ([*SLOW, "--stop-p95", "inf"], "a number of seconds above 0"),
        ([*SLOW, "--time-scale", "0.5"], "a number of 1 or more"),
        ([*SLOW, "--break-it"], "unrecognized arguments: --break-it"),
    ],
)
def test_a_wrong_option_is_refused_with_what_it_may_be(arguments, said) -> None:
    with pytest.raises(UsageError) as error:
        parse(arguments)
    assert said in str(error.value)
    assert "--help" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "SlowResponsTime"], "did you mean SlowResponseTime"),
        ([*SLOW, "--share", "0.001"], "never crosses the threshold"),
        ([*SLOW, "--nonsense"], "unrecognized"),
    ],
)
def test_what_can_not_be_used_is_one_line_and_a_status_of_its_own(arguments, said, capsys) -> None:
    assert command.main(arguments, io.StringIO()) is Exit.USAGE
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out


class Interrupted(io.StringIO):
    """Somebody at the question who presses Ctrl-C."""

    def readline(self, size: int = -1, /) -> str:
        raise KeyboardInterrupt


def test_ctrl_c_at_the_question_declines(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(SLOW, Interrupted()) is Exit.DECLINED
    assert "nothing was broken" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yesterday\n"])
def test_nothing_is_broken_unless_somebody_says_yes(answer, capsys, monkeypatch) -> None:
    monkeypatch.setattr(command, "held", None)
    assert command.main(SLOW, io.StringIO(answer)) is Exit.DECLINED
    shown = capsys.readouterr().out
    assert "14% of requests take 1.1 s" in shown
    assert shown.endswith("nothing was broken\n")


def test_what_can_not_start_has_a_status_and_a_report(tmp_path, capsys, monkeypatch) -> None:
    from stack.tools import ToolsUnavailable

    def fail(*_, **__):
        raise ToolsUnavailable("no prometheus")
        yield

    monkeypatch.setattr(command, "held", fail)
    asked = [*SLOW, "--reports", str(tmp_path)]
    assert command.main(asked, io.StringIO("y\n")) is Exit.CANNOT_START
    (report,) = tmp_path.rglob("report.md")
    assert "**could not go on: no prometheus**" in report.read_text()


def test_the_list_names_every_scenario_with_its_fault(capsys) -> None:
    assert command.main(["--list"], io.StringIO()) is Exit.AS_DECLARED
    shown = capsys.readouterr().out
    assert all(drill.id in shown and drill.fault.text in shown for drill in drills())


def test_the_help_documents_every_exit_status() -> None:
    documented = {int(line.split()[0]) for line in EPILOG.splitlines() if line[2:3].isdigit()}
    assert documented == {status.value for status in Exit}
