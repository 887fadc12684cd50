"""Prometheus starts with a past, and its rules over days see it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from stack.backfill import BackfillError, PastSeries, backfill
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import Tools, ToolSettings, find_tools
from stack.waiting import wait_until

SECOND = timedelta(seconds=1)
PAST = [
    PastSeries(name="service:bad:rate", labels={"service": "shop", "slo": "latency"}, value=0.0),
    PastSeries(name="requests_total", labels={"path": 'a"b\\c'}, value=5.0, per_second=2.0),
]


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools(ToolSettings.from_env(), lambda _: None)


@pytest.fixture(scope="module")
def end() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def url(tools: Tools, end: datetime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes itself, and begins with three hours of PAST."""
    folder = tmp_path_factory.mktemp("prometheus")
    written = backfill(
        tools.promtool.command,
        PAST,
        data=folder / "data",
        start=end - timedelta(hours=3),
        end=end,
        step=15 * SECOND,
    )
    assert written == 2 * 720
    with reserve() as port, Processes() as processes:
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\n"
            "scrape_configs:\n"
            "  - job_name: itself\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{port.port}']}}]\n"
        )
        processes.start(
            "prometheus",
            [
                *tools.prometheus.command,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port.port}",
            ],
            log=folder / "log",
        )
        address = f"http://127.0.0.1:{port.port}"
        wait_until(
            lambda: requests.get(f"{address}/-/ready", timeout=1).ok,
            what=f"Prometheus at {address}, log {folder / 'log'}",
            timeout_seconds=20,
            retry_on=(requests.RequestException,),
        )
        yield address


def ask(url: str, query: str, at: datetime) -> list[tuple[dict[str, str], float]]:
    answer = requests.get(
        f"{url}/api/v1/query", params={"query": query, "time": str(at.timestamp())}, timeout=5
    ).json()
    assert answer["status"] == "success", answer
    return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]


@pytest.mark.integration
def test_a_window_over_hours_is_full_from_the_start(url: str, end: datetime) -> None:
    query = "count_over_time(service:bad:rate[3h])"
    ((labels, count),) = ask(url, query, end)
    assert labels == {"service": "shop", "slo": "latency"}
    assert count >= 719


@pytest.mark.integration
def test_a_counter_grows_at_its_rate_and_keeps_its_labels(url: str, end: datetime) -> None:
    ((labels, rate),) = ask(url, "rate(requests_total[2h])", end)
    assert labels == {"path": 'a"b\\c'}
    assert rate == pytest.approx(2.0)


@pytest.mark.integration
def test_what_is_scraped_from_then_on_is_stored_beside_the_past(url: str) -> None:
    wait_until(
        lambda: bool(ask(url, 'up{job="itself"} == 1', datetime.now(UTC))),
        what="the first scrape after a backfilled past",
        timeout_seconds=20,
    )


@pytest.mark.integration
def test_what_promtool_refuses_is_said_in_its_words(tools: Tools, tmp_path: Path) -> None:
    bad = PastSeries(name="no such name", labels={}, value=0.0)
    now = datetime.now(UTC)
    with pytest.raises(BackfillError, match="create-blocks-from openmetrics"):
        backfill(
            tools.promtool.command, [bad], data=tmp_path, start=now - SECOND, end=now, step=SECOND
        )


def test_a_past_without_samples_is_refused(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with pytest.raises(BackfillError, match="nothing to write"):
        backfill(("promtool",), PAST, data=tmp_path, start=now, end=now, step=SECOND)
