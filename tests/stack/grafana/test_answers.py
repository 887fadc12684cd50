"""A real Prometheus is asked over the whole of a run, and what holds no number is no answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from stack.clients.prometheus import PrometheusClient, PrometheusError, Sample
from stack.grafana.answers import Asked, ask, longest_offset, question
from stack.grafana.dashboards import Query
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings, find_tools
from stack.waiting import wait_until

CONFIG = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["{address}"]}}]
"""


def promql(text: str) -> Query:
    return Query(ref_id="A", source="prometheus", kind="prometheus", text=text)


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def test_durations_are_divided_and_variables_are_everything() -> None:
    query = promql('rate(x{service=~"$service"}[5m] offset 10m)')
    assert question(query, time_scale=60, lasted=timedelta(seconds=60)) == (
        'max_over_time((rate(x{service=~".+"}[5s] offset 10s))[1m:500ms])'
    )


def test_a_short_run_is_looked_at_no_oftener_than_it_is_scraped() -> None:
    text = question(promql("up"), time_scale=60, lasted=timedelta(seconds=6))
    assert text == "max_over_time((up)[6s:250ms])"


@pytest.mark.parametrize("scalar", ["scalar(a)", "(scalar(a) * -scalar(b))", "2 * 3", "time()"])
def test_a_scalar_which_has_no_past_becomes_a_vector(scalar: str) -> None:
    text = question(promql(scalar), time_scale=60, lasted=timedelta(seconds=60))
    assert on_one_line(text).startswith("max_over_time((vector(")


def test_how_far_a_question_looks_past_what_is_new_is_its_longest_offset() -> None:
    text = "rate(a[5m] offset 10m) / rate(b[1h] offset 1h) - c"
    assert longest_offset(promql(text)) == timedelta(hours=1)
    assert longest_offset(promql("rate(a[5m])")) == timedelta(0)


def answering(*samples: Sample) -> Asked:
    return Asked(query=lambda _: list(samples), time_scale=60, began=time.monotonic() - 60)


def failing(_: str) -> Sequence[Sample]:
    raise PrometheusError("http://127.0.0.1:9 did not answer")


ONE = Sample(labels={}, value=1.0, at=0.0)
NO_NUMBER = Sample(labels={}, value=float("nan"), at=0.0)


def test_whoever_of_a_run_has_an_answer_gives_it() -> None:
    assert ask(promql("up"), [answering(), answering(ONE, NO_NUMBER)]).series == 1
    assert not ask(promql("up"), [answering(), answering(NO_NUMBER)]).holds


def test_an_error_is_told_unless_another_has_an_answer() -> None:
    down = Asked(query=failing, time_scale=60, began=time.monotonic() - 60)
    assert "did not answer" in ask(promql("up"), [answering(), down]).error
    assert ask(promql("up"), [down, answering(ONE)]).holds
    with pytest.raises(ValueError, match="nobody is there"):
        ask(promql("up"), [])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusClient]:
    """A Prometheus that has scraped itself for more than two seconds."""
    folder = tmp_path_factory.mktemp("prometheus")
    program = find_tools(ToolSettings.from_env(), lambda _: None).prometheus.command
    with reserve() as port, Processes() as processes:
        address = f"127.0.0.1:{port.port}"
        (folder / "prometheus.yml").write_text(CONFIG.format(address=address))
        processes.start(
            "prometheus",
            [
                *program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                "--query.lookback-delta=1s",
            ],
            log=folder / "log",
        )
        client = PrometheusClient(f"http://{address}", timeout_seconds=30)
        wait_until(
            lambda: client.query("count_over_time(up[1m]) > 10") or None,
            what="Prometheus to have scraped itself for two seconds",
            timeout_seconds=60,
            interval_seconds=0.2,
            retry_on=(PrometheusError,),
        )
        yield client


@pytest.fixture
def asked(prometheus: PrometheusClient) -> Callable[[str], tuple[int, str]]:
    """Return what is asked of it, as the number of series and the error."""
    (age,) = prometheus.query("time() - process_start_time_seconds")
    run = [Asked(query=prometheus.query, time_scale=1, began=time.monotonic() - age.value)]

    def of(text: str) -> tuple[int, str]:
        answer = ask(promql(text), run)
        return answer.series, answer.error

    return of


@pytest.mark.integration
@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("up", 1),
        ("scalar(up)", 1),
        ("vector(0)", 1),
        ('rate(prometheus_http_requests_total{handler="/metrics"}[5s])', 1),
        ("no_such_series", 0),
        ("scalar(no_such_series)", 0),
        ("up / 0 * 0", 0),
        ("up > 1", 0),
    ],
)
def test_a_series_with_a_number_is_an_answer(
    asked: Callable[[str], tuple[int, str]], text: str, series: int
) -> None:
    assert asked(text) == (series, "")


@pytest.mark.integration
def test_what_was_there_and_is_gone_is_an_answer(
    asked: Callable[[str], tuple[int, str]], prometheus: PrometheusClient
) -> None:
    gone = f"up and on () (vector(time()) < {time.time() - 1:.0f})"
    assert prometheus.query(gone) == []
    assert asked(gone) == (1, "")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("go_gc_duration_seconds / on (job) up", "many-to-one matching must be explicit"),
        ('label_replace(up, "a", "b", "job", "(")', "invalid regular expression"),
    ],
)
def test_what_prometheus_refuses_is_told_as_it_says_it(
    asked: Callable[[str], tuple[int, str]], text: str, said: str
) -> None:
    series, error = asked(text)
    assert not series
    assert said in error
