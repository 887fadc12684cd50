"""Every question of every dashboard is answered by what this run scraped, recorded and shipped."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from _pytest.mark import ParameterSet

from scenarios.campaign import Campaign
from scenarios.capabilities import OWN_WATCHERS
from scenarios.catalogue import drills
from scenarios.handed_over import HandedOver
from scenarios.lifecycle import READY_SECONDS
from scenarios.log_index import client_of, wait_for_documents
from scenarios.logs import Logs
from scenarios.model import BUDGETS
from scenarios.result import Result
from scenarios.verdict import Judging, Status, Verdict
from stack import promql
from stack.clients.prometheus import PrometheusClient
from stack.external.engine import SAMPLE_LIMIT_SERIES
from stack.grafana.answers import Answer, Asked, longest_offset
from stack.grafana.dashboards import ELASTICSEARCH, PROMETHEUS, Query, concrete, load_dashboards
from stack.grafana.problems import not_askable, unknown_fields
from stack.grafana.searches import search
from stack.grafana.unanswered import excused, load_excuses, needless, unanswered
from stack.logs.fields import load_fields
from stack.production import production_files
from stack.recorded import reads
from stack.rules import load_rules
from stack.waiting import WaitTimeout, wait_until

pytestmark = [pytest.mark.of_the_demo, pytest.mark.of_the_files]

DASHBOARDS = load_dashboards()
EXCUSES = load_excuses()
OF_THE_SHIPPER = ("log_shipper_", 'job="log-shipper"')

PATIENCE_SECONDS = 30.0
"""With a question over all of a run: milliseconds, and more where others use the machine."""

OBJECTIVE_MS = next(
    rule.constant or 0.0
    for rule in load_rules(production_files().rules.read_text(), "alert-rules.yml").recordings
    if rule.name == "threshold:latency_objective:milliseconds"
)
RECORDS: Mapping[str, Mapping[str, Any]] = {
    "fast": {"latency_ms": OBJECTIVE_MS / 2},
    "slow": {"latency_ms": OBJECTIVE_MS * 2},
    "failed": {
        "log.level": "error",
        "http.response.status_code": 500,
        "error.type": "RuntimeError",
        "error.message": "made up",
        "error.stack_trace": "Traceback (most recent call last):",
    },
    "cut": {"log.truncated": True, "log.original_bytes": 2_000_000},
}
"""One record of each kind that a search is there to find. Beside them is a line that is none."""

TO_ASK = (
    "pytest checks/ -k 'dashboards and {file}' --keep, then promtool query instant URL QUERY; what"
    " can only be answered in a drill has an entry in stack/grafana/unanswered.yml"
)
TO_SEARCH = (
    "stack/elasticsearch/fields.yml for what records have, and RECORDS in"
    " checks/monitoring/test_dashboards.py for those that this run was handed"
)

PAYMENT = {"user_id": 1, "amount_cents": 1250, "payment_method": "pm_card_visa"}


def _log() -> str:
    request = {
        "@timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "log.level": "info",
        "log.logger": "instrumentation.request",
        "message": "GET /api/users 200",
        "service.name": "searched",
        "request_id": "searched",
        "http.request.method": "GET",
        "http.route": "/api/users",
        "url.path": "/api/users",
        "http.response.status_code": 200,
    }
    lines = [
        json.dumps({**request, **more, "event.id": f"searched-{kind}"})
        for kind, more in RECORDS.items()
    ]
    return "\n".join([*lines, "no record", ""])


SERIES_OF = {"prometheus_": OWN_WATCHERS, "scrape_sample_limit": SAMPLE_LIMIT_SERIES}
"""Series, by how they are called, that another engine than Prometheus tells otherwise or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What one panel, or one variable, asks of one kind of source: where each stands, and what."""

    file: str
    title: str
    questions: tuple[tuple[str, Query], ...]


def _panels(kind: str, *, shipping: bool = False) -> list[ParameterSet]:
    """Return the panels that ask this kind of source, about a log shipper's series or without."""
    found = []
    for dashboard in DASHBOARDS:
        for title, asked in dashboard.by_panel.items():
            ours = tuple((where, query) for where, query in asked if query.kind == kind)
            about = any(name in query.text for _, query in ours for name in OF_THE_SHIPPER)
            if ours and about is shipping:
                panel = Panel(file=dashboard.file, title=title, questions=ours)
                name = f"{dashboard.file.split('.')[0]}-{title}"
                found.append(pytest.param(panel, id=name, marks=_needs(panel)))
    return found


def _needs(panel: Panel) -> list[pytest.MarkDecorator]:
    """Return what a panel's series need of what is asked."""
    text = " ".join(query.text for _, query in panel.questions)
    return [pytest.mark.requires(need) for name, need in SERIES_OF.items() if name in text]


@pytest.fixture(scope="module")
def run(campaign: Campaign, result: Result) -> Iterator[tuple[Asked, ...]]:
    """Every Prometheus whose rules are shown; that of the budgets' drills is started again."""
    main = PrometheusClient(campaign.endpoints.prometheus, timeout_seconds=PATIENCE_SECONDS)
    (age,) = wait_until(
        lambda: main.query('time() - process_start_time_seconds{job="prometheus"}') or None,
        what="Prometheus to have scraped itself",
        timeout_seconds=READY_SECONDS,
        interval_seconds=0.1,
    )
    began = time.monotonic() - age.value
    asked = [Asked(query=main.query, time_scale=campaign.derived.time_scale, began=began)]
    ended = [
        stack
        for stack in campaign.stacks
        if stack.directory.name == BUDGETS and stack.prometheus_data.exists()
    ]
    for stack in ended:
        stack.start_prometheus()
        stack.wait_ready(READY_SECONDS)
        server, scale = stack.endpoints.prometheus, result.derived[BUDGETS].time_scale
        client = PrometheusClient(server, timeout_seconds=PATIENCE_SECONDS)
        asked.append(Asked(query=client.query, time_scale=scale, began=began))
    yield tuple(asked)
    for stack in ended:
        stack.stop()


@pytest.fixture(scope="module")
def fair_at(campaign: Campaign) -> float:
    """When, on the monotonic clock, every question has had its time.

    A run without a drill is over before anybody asked the control for anything, so somebody does;
    and a question about the past finds one.
    """
    control = campaign.control.instance.url
    requests.get(f"{control}/api/users", timeout=PATIENCE_SECONDS)
    requests.post(f"{control}/api/payments", json=PAYMENT, timeout=PATIENCE_SECONDS)
    derived = campaign.derived
    offset = max(
        longest_offset(query)
        for dashboard in DASHBOARDS
        for where, query in dashboard.queries
        if query.kind == PROMETHEUS and not excused(where, query, EXCUSES, drilled=())
    )
    takes = offset / derived.time_scale + 4 * derived.watcher_interval
    return time.monotonic() + takes.total_seconds()


@pytest.fixture(scope="module")
def shipping_since(campaign: Campaign, logs: Logs) -> float:
    """When, on the same clock, Prometheus has discovered and scraped the shippers."""
    derived = campaign.derived
    takes = derived.discovery_tick + 4 * derived.scrape_interval
    return time.monotonic() + takes.total_seconds()


@pytest.mark.parametrize("panel", _panels(PROMETHEUS))
def test_every_query_of_a_panel_has_series(
    run: tuple[Asked, ...], result: Result, fair_at: float, panel: Panel, judge: Judging
) -> None:
    left = _asked_until(fair_at, run, result, panel)
    judge(_verdict(panel, left, TO_ASK, result.metric_names))


@pytest.mark.requires("elasticsearch")
@pytest.mark.parametrize("panel", _panels(PROMETHEUS, shipping=True))
def test_every_query_about_shipping_has_series(
    run: tuple[Asked, ...], result: Result, shipping_since: float, panel: Panel, judge: Judging
) -> None:
    left = _asked_until(shipping_since, run, result, panel)
    judge(_verdict(panel, left, TO_ASK, result.metric_names))


@pytest.mark.requires("elasticsearch")
@pytest.mark.ships("searched", _log)
@pytest.mark.parametrize("panel", _panels(ELASTICSEARCH))
def test_every_search_of_a_panel_finds_records(
    handed_over: HandedOver, panel: Panel, judge: Judging
) -> None:
    client = client_of(handed_over)
    # Not refreshing: they were shipped a while ago, and there are many panels.
    wait_for_documents(client, len(RECORDS), {"request_id": "searched"}, refreshing=False)
    values = {"objective": f"{OBJECTIVE_MS:g}"}
    answers = {where: search(client, query, values) for where, query in panel.questions}
    left = {where: one for where, one in answers.items() if not one.holds}
    judge(_verdict(panel, left, TO_SEARCH))


def test_every_question_can_be_read_and_every_search_names_fields_that_records_have() -> None:
    found = not_askable(DASHBOARDS) + unknown_fields(DASHBOARDS, load_fields())
    assert not found, "\n".join(found)


def test_every_excuse_is_of_a_question_that_is_asked_and_names_drills_that_exist() -> None:
    found = needless(EXCUSES, DASHBOARDS, {drill.id for drill in drills()})
    assert not found, "\n".join(found)


def _asked_until(
    deadline: float, run: tuple[Asked, ...], result: Result, panel: Panel
) -> Mapping[str, Answer]:
    """Ask until everything is answered or it is time; return the answers that hold nothing."""
    drilled = result.plans.keys() - result.repeated.keys()  # whose stack was another, the last time
    left: dict[str, Answer] = {}

    def all_answered() -> bool:
        left.clear()
        left.update(unanswered(panel.questions, run, EXCUSES, drilled))
        return not left

    with suppress(WaitTimeout):
        wait_until(
            all_answered,
            what=f"{panel.title} to be answered",
            timeout_seconds=max(0.0, deadline - time.monotonic()),
            interval_seconds=0.25,
        )
    return left


def _verdict(
    panel: Panel, left: Mapping[str, Answer], look: str, metric_names: Collection[str] = ()
) -> Verdict:
    """Judge one panel by the answers that hold nothing, and say why where that is plain."""
    claim = f"each question of {panel.file}: {panel.title} is answered"
    if not left:
        return Verdict(claim=claim, status=Status.PASS, expected="series or records", observed="")
    asked = dict(panel.questions)
    read = {
        name
        for where in left
        if asked[where].kind == PROMETHEUS
        for name in reads(promql.parse(concrete(asked[where])))
    }
    missing = ", ".join(sorted(read - set(metric_names)))
    return Verdict(
        claim=claim,
        status=Status.FAIL,
        expected="series or records",
        observed="\n".join(
            f"{where.partition(': ')[2]}: {one.error or 'nothing'}, to {one.question}"
            for where, one in left.items()
        ),
        because=f"nothing that this run scraped or recorded is called {missing}" if missing else "",
        look=look.format(file=panel.file.split(".")[0]),
    )
