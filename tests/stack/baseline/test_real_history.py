"""A real Prometheus with a past of known crossings is read, and every one of them is counted."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stack.baseline.command import main
from stack.ports import reserve
from stack.processes import Processes
from stack.production import production_files
from stack.tools import ToolSettings, find_tools
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

MINUTE, HOUR, DAY = 60, 3_600, 86_400
PAST_SECONDS = 3 * DAY
GAP_AT, GAP_SECONDS = 30 * HOUR, HOUR
LABELS = 'job="softfactory",service="shop",instance="a:8000"'
# Hours after the start at which memory rises to 87 %: HighMemoryUsage (above 80 % for 5 minutes)
# fires for the long ones, of 15 minutes, and CriticalMemoryUsage never.
LONG_RISES = (5, 11, 17, 23, 41, 53, 65)
SHORT_RISES = (8, 20)


def memory(after: int) -> float:
    long = any(0 <= after - hour * HOUR < 15 * MINUTE for hour in LONG_RISES)
    short = any(0 <= after - hour * HOUR < 4 * MINUTE for hour in SHORT_RISES)
    return 87.0 if long or short else 60.0


def exposition(start: int) -> Iterator[str]:
    series = {
        f"up{{{LABELS}}}": lambda after: 1,
        f"softfactory_memory_percent{{{LABELS}}}": memory,
        f'softfactory_requests_total{{{LABELS},endpoint="/",status="200"}}': lambda after: (
            10 * after
        ),
        f'softfactory_requests_total{{{LABELS},endpoint="/",status="500"}}': lambda after: (
            after / 100
        ),
        f'softfactory_payment_attempts_total{{{LABELS},outcome="succeeded"}}': lambda after: after,
    }
    for name, value in series.items():
        for after in range(0, PAST_SECONDS, MINUTE):
            if not GAP_AT <= after < GAP_AT + GAP_SECONDS:
                yield f"{name} {value(after)} {start + after}\n"
    yield "# EOF\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes nothing, and remembers three days."""
    folder = tmp_path_factory.mktemp("prometheus")
    tools = find_tools(ToolSettings.from_env(), lambda _: None)
    start = (int(time.time()) - PAST_SECONDS) // MINUTE * MINUTE
    (folder / "past.om").write_text("".join(exposition(start)))
    subprocess.run(
        [
            *tools.promtool.command,
            *("tsdb", "create-blocks-from", "openmetrics", "--quiet"),
            *(str(folder / "past.om"), str(folder / "data")),
        ],
        check=True,
        timeout=120,
    )
    (folder / "prometheus.yml").write_text("global: {evaluation_interval: 1m}\n")
    with reserve() as port, Processes() as processes:
        address = f"http://127.0.0.1:{port.port}"
        processes.start(
            "prometheus",
            [
                *tools.prometheus.command,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={port.address}",
            ],
            log=folder / "log",
        )
        wait_until(
            lambda: requests.get(f"{address}/-/ready", timeout=1).ok,
            what=f"Prometheus at {address}, log {folder / 'log'}",
            timeout_seconds=20,
            retry_on=(requests.RequestException,),
        )
        yield address


@pytest.fixture(scope="module")
def report(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, str, str]:
    """The exit status, standard output, standard error, and the patch of one run over all rules."""
    folder = tmp_path_factory.mktemp("baseline")
    patch = folder / "thresholds.patch"
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(production_files().rules.parents[1])
        out, err = _Kept(), _Kept()
        patched.setattr("sys.stdout", out)
        patched.setattr("sys.stderr", err)
        status = main(["--days", "7", "--prometheus-url", url, "--patch", str(patch)])
    return status, out.text, err.text, patch.read_text()


class _Kept:
    """A stream that is no terminal and keeps what was written."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return False


def row(report: tuple[int, str, str, str], alert: str) -> list[str]:
    (line,) = re.findall(rf"^{alert} .*$", report[1], re.M)
    return re.split(r" {2,}", line)


def test_every_crossing_of_the_past_is_counted(report: tuple[int, str, str, str]) -> None:
    cells = row(report, "HighMemoryUsage")
    assert cells[1:5] == ["> 80", "87", "87", "109%"]
    assert cells[7] == str(len(LONG_RISES))
    assert cells[9] == "NOISY"
    assert row(report, "CriticalMemoryUsage")[7] == "0"
    assert row(report, "CriticalMemoryUsage")[9] == "NEAR"


def test_the_condition_is_said_to_have_held_for_as_long_as_it_did(report) -> None:
    held_minutes = int(row(report, "HighMemoryUsage")[5].removesuffix(" min"))
    lookback_minutes = 5
    assert 14 <= held_minutes <= 14 + lookback_minutes


def test_how_far_normal_is_from_a_threshold_is_a_ratio_of_what_was_served(report) -> None:
    cells = row(report, "HighErrorRate")
    assert float(cells[3]) == pytest.approx(0.001, rel=0.02)
    assert cells[4] == "2%"
    assert cells[9] == "FAR"


def test_what_has_no_data_is_dead_or_unknown_by_name_and_never_zero(report) -> None:
    for alert in ("LogRecordsLost", "CertificateExpiring", "SuccessBudgetBurnFast"):
        assert row(report, alert)[6:][1:] == ["?", "?", "DEAD"]
        assert re.search(rf"^  {alert}: no such metric: ", report[1], re.M)
    assert row(report, "FailedPayments")[7:] == ["?", "?", "UNKNOWN"]
    assert (
        'no series like softfactory_payment_attempts_total{job="softfactory",outcome="failed"}'
        in (report[1])
    )


def test_a_past_that_is_shorter_than_asked_and_its_gap_are_said(report) -> None:
    assert "the history begins 3 d ago, not 7 d" in report[2]
    assert re.search(r"for 5\d min of it nothing was scraped", report[2])
    assert row(report, "SoftFactoryDown")[7] == "0", "nobody evaluated a rule in the gap"


def test_the_noisy_rule_gets_a_patch_that_git_takes(report, tmp_path: Path) -> None:
    assert (
        "proposed: threshold:memory_high:percent 80 -> 90, 0.0 HighMemoryUsage a month" in report[1]
    )
    assert report[0] == 1
    patch = tmp_path / "thresholds.patch"
    patch.write_text(report[3])
    done = subprocess.run(
        ["git", "apply", "--check", str(patch)],
        cwd=production_files().rules.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "+        expr: vector(90)" in report[3]


def test_a_past_that_is_too_short_to_tell_is_unknown_with_a_status_of_its_own(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--prometheus-url", url, "--alert", "HighMemoryUsage", "--least-hours", "100"])
    assert status == 3
    told = capsys.readouterr().out
    assert "UNKNOWN" in told
    assert "--least-hours" in told


def test_a_deadline_that_is_over_leaves_the_rest_unknown(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--prometheus-url", url, "--deadline-seconds", "0.000001"])
    assert status == 3
    assert "took longer than 1e-06 s" in capsys.readouterr().err
