"""What can't be told ends in one line, and in a status that says which kind it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.baseline.command import main
from stack.ports import reserve


def test_a_prometheus_that_does_not_answer_is_unknown_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with reserve() as port:  # reserved, and nobody listens
        status = main(["--prometheus-url", f"http://{port.address}", "--timeout-seconds", "1"])
    told = capsys.readouterr()
    assert status == 3
    assert told.out == ""
    (line,) = [one for one in told.err.splitlines() if "UNKNOWN" in one]
    assert line.startswith(f"baseline: UNKNOWN: http://{port.address} did not answer")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--days", "0"],
        ["--days", "x"],
        ["--most-a-month", "-1"],
        ["--prometheus-url", "127.0.0.1:9090"],
        ["--no-such-option"],
    ],
)
def test_a_wrong_command_line_is_refused(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(wrong)
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_alert_that_is_not_there_names_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--alert", "NoSuchAlert"]) == 2
    assert "known: AlertDeliveryFailing" in capsys.readouterr().err


def test_a_rules_file_that_is_none_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: 'a >'\n")
    assert main(["--rules", str(rules)]) == 2
    assert f"{rules}:5" in capsys.readouterr().err
    assert main(["--rules", str(tmp_path / "none.yml")]) == 2
    assert "none.yml" in capsys.readouterr().err


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for word in ("examples:", "exit status:", "NOISY", "git apply"):
        assert word in told
