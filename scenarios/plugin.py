"""pytest's door to the drills: fixtures, and the report at the end.

One rule: the first claim that asks for a history starts all drills that were selected; nothing here
judges.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import pytest
from rich.console import Console

from scenarios.attempts import drilled
from scenarios.beside import Beside
from scenarios.campaign import Campaign
from scenarios.drill import Plan
from scenarios.expectation import Expectation
from scenarios.failures import CANNOT_RUN, CANNOT_START
from scenarios.history import History
from scenarios.logs import Logs
from scenarios.model import Drill
from scenarios.pages import written_beside
from scenarios.report import write_evidence
from scenarios.result import Result
from scenarios.run_state import RUN, VERDICTS, drill_of
from scenarios.settings import Settings
from scenarios.summary import print_summary, what_does_not_apply
from scenarios.terminal import sayer
from scenarios.verdict import ClaimNotProved, Judging, Status, Verdict, worst
from scenarios.verdict import judge as judge_verdict
from stack.tools import Tools, ToolSettings, ToolsUnavailable, find_tools

pytest_plugins = [
    "scenarios.own_app.options",
    "scenarios.options",
    "scenarios.external",
    "scenarios.selection",
    "scenarios.delivery.laboratory",
    "scenarios.virtual_time",
    "scenarios.shipped",
    "scenarios.spare_postgresql",
    "scenarios.deployment.options",
    "scenarios.deployment.plugin",
]

BESIDE = ("laboratory", "virtual_time", "spare_postgresql")
"""The fixtures whose work runs beside the drills, where a selected check asks for them."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep each claim's verdict, and show a failed one without a traceback."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, ClaimNotProved):
        report.longrepr = str(error)
    handed: list[Verdict] = item.stash.get(VERDICTS, [])
    judged: Sequence[Verdict]
    if report.when == "call":
        judged = verdicts_of(item.name, handed, error)
    elif report.failed:
        judged = [_not_judged(item.name, error)]
    else:
        return report
    report.user_properties.append(("verdict", worst(judged).value))
    run = item.config.stash[RUN]
    if drill := drill_of(item):
        run.verdicts.setdefault(drill.id, []).extend(judged)
    else:
        run.checks.setdefault(item.nodeid, []).extend(judged)
    return report


def verdicts_of(
    check: str, judged: Sequence[Verdict], error: BaseException | None
) -> Sequence[Verdict]:
    """Return the verdicts of a check that was called: those that it handed to ``judge``.

    One that handed none has its assertions' verdict; what was judged does not hide another error.
    """
    if judged and (error is None or isinstance(error, ClaimNotProved)):
        return judged
    if error is None:
        return [Verdict(claim=check, status=Status.PASS, expected="", observed="")]
    if isinstance(error, AssertionError):
        failed = Verdict(claim=check, status=Status.FAIL, expected="", observed=str(error))
        return [*judged, failed]
    return [*judged, _not_judged(check, error)]


def _not_judged(check: str, error: BaseException | None) -> Verdict:
    """Return the verdict of what ended in an error: it proves nothing."""
    text = f"{type(error).__name__}: {error}"
    return Verdict(claim=check, status=Status.UNKNOWN, expected="", observed=text)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print the summary and write the evidence."""
    run = config.stash[RUN]
    if run.result is None:
        for line in what_does_not_apply(run.not_applicable):
            terminalreporter.write_line(line)
        return
    path = run.settings.reports / "evidence.json"
    write_evidence(
        path,
        run.settings,
        run.result,
        run.verdicts,
        run.not_applicable,
        checks=run.checks,
        exit_status=int(exitstatus),
    )
    terminalreporter.section("alertproof")
    width = terminalreporter._tw.fullwidth
    console = Console(file=terminalreporter._tw._file, width=max(width, 120), soft_wrap=True)
    print_summary(
        console,
        run.result,
        run.verdicts,
        run.not_applicable,
        every_drill=config.option.verbose > 0,
    )
    terminalreporter.write_line(f"evidence: {path}")
    terminalreporter.write_line(written_beside(path))


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judging:
    """Keep a claim's verdict as evidence, and let the check pass only if it is PASS."""
    verdicts = request.node.stash.setdefault(VERDICTS, [])

    def keep_and_judge(verdict: Verdict) -> None:
        verdicts.append(verdict)
        judge_verdict(verdict)

    return keep_and_judge


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Settings:
    """What this run was asked to do."""
    return request.config.stash[RUN].settings


@pytest.fixture(scope="session")
def tools(request: pytest.FixtureRequest) -> Tools:
    """Prometheus, promtool, Alertmanager and amtool."""
    try:
        return find_tools(ToolSettings.from_env(), sayer(request.config))
    except ToolsUnavailable as error:
        pytest.exit(f"alertproof: {error}", returncode=CANNOT_RUN)


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Campaign]:
    """The run, with every selected drill finished and the stack still up.

    What other selected checks wait for long runs beside the drills.
    """
    run = request.config.stash[RUN]
    say = sayer(request.config)
    try:
        with drilled(settings, tuple(run.selected.values()), say, _beside(request)) as (
            up,
            run.result,
        ):
            yield up
            if settings.keep:
                _linger(up, say)
    except CANNOT_START as error:
        pytest.exit(f"alertproof: {error}", returncode=CANNOT_RUN)


@pytest.fixture(scope="session")
def logs(campaign: Campaign) -> Logs:
    """The run's Elasticsearch, which has the records of the control and of some drills."""
    campaign.ship_control()
    return campaign.logs


@pytest.fixture(scope="session")
def result(request: pytest.FixtureRequest, campaign: Campaign) -> Result:
    """What the drills left to the judges."""
    found = request.config.stash[RUN].result
    if found is None:
        raise RuntimeError(f"{campaign} ended without a result")
    return found


@pytest.fixture(scope="session")
def plan(result: Result, drill: Drill) -> Plan:
    """The drill with what it promises."""
    return result.plans[drill.id]


@pytest.fixture(scope="session")
def want(plan: Plan) -> Expectation:
    """What must be observed of the drilled alert."""
    return plan.want


@pytest.fixture(scope="session")
def history(result: Result, drill: Drill) -> History:
    """What happened in this drill."""
    return result.histories[drill.id]


def _beside(request: pytest.FixtureRequest) -> tuple[Beside[Any], ...]:
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = {name for item in items for name in item.fixturenames}
    doors = [request.getfixturevalue(name) for name in BESIDE if name in asked]
    return tuple(one for door in doors for one in door.beside)


def _linger(campaign: Campaign, say: Callable[[str], None]) -> None:
    say(f"Prometheus    {campaign.endpoints.prometheus_url}")
    say(f"Alertmanager  {campaign.endpoints.alertmanager_url}")
    for target in campaign.targets.values():
        say(f"{target.id:<40} {target.instance.url}/api/metrics/summary")
    say("the stack stays up until Ctrl-C")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("ending")
