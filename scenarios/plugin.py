"""pytest's door to the drills: options, fixtures, and the report at the end.

One rule: collection decides which drills run, and the first claim that asks for a history starts
them all; nothing here judges.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scenarios import capabilities
from scenarios.attempts import drilled
from scenarios.beside import Beside
from scenarios.campaign import Campaign
from scenarios.catalogue import drills as catalogue
from scenarios.drill import Plan
from scenarios.expectation import Expectation
from scenarios.failures import CANNOT_START
from scenarios.history import History
from scenarios.logs import Logs
from scenarios.model import Drill
from scenarios.report import NotApplicable, write_evidence
from scenarios.result import Result
from scenarios.settings import Settings
from scenarios.summary import print_summary
from scenarios.verdict import ClaimNotProved, Judging, Status, Verdict, worst
from scenarios.verdict import judge as judge_verdict
from stack.tools import Tools, ToolSettings, ToolsUnavailable, find_tools

pytest_plugins = ["scenarios.delivery.laboratory", "scenarios.virtual_time"]

BESIDE = ("laboratory", "virtual_time")
"""The fixtures whose work runs beside the drills, where a selected check asks for them."""

STACKS = ("embedded",)
CANNOT_RUN = 3
"""The exit status of a run that could not start: pytest's own for an internal error is 3 too."""


@dataclass(slots=True)
class _Run:
    settings: Settings
    required: frozenset[str]
    selected: dict[str, Drill] = field(default_factory=dict)
    not_applicable: list[NotApplicable] = field(default_factory=list)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    result: Result | None = None


RUN = pytest.StashKey[_Run]()
LEAST_HEAP_MB = 128
"""With less a node spends its time collecting garbage."""

VERDICTS = pytest.StashKey[list[Verdict]]()


def _time_scale(text: str) -> float:
    value = float(text)
    if not 1 <= value < float("inf"):
        raise ValueError
    return value


def _heap(text: str) -> int:
    value = int(text)
    if value < LEAST_HEAP_MB:
        raise ValueError
    return value


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which explain themselves in ``pytest --help``."""
    group = parser.getgroup("alertproof", "alertproof: break a service, and prove its alerts")
    group.addoption(
        "--time-scale",
        type=_time_scale,
        default=60.0,
        metavar="K",
        help="divide production's durations by K, so that a 10-minute rule proves itself in "
        "10 seconds (default: 60; 1 runs in real time and takes over an hour)",
    )
    group.addoption(
        "--stack",
        choices=STACKS,
        default="embedded",
        help="how Prometheus and Alertmanager are run: 'embedded' starts both as local processes "
        "on loopback ports, fetched on first use, without root (default)",
    )
    group.addoption(
        "--elasticsearch-heap",
        type=_heap,
        default=256,
        metavar="MB",
        help=f"heap of each node of Elasticsearch in MiB, {LEAST_HEAP_MB} or more (default: 256, "
        "enough for the few thousand records of a run)",
    )
    group.addoption(
        "--keep",
        action="store_true",
        help="when the checks are done, leave the stack and the services up, print their URLs, "
        "and wait for Ctrl-C",
    )
    group.addoption(
        "--require",
        action="append",
        default=[],
        metavar="CAPABILITY",
        help="fail what would be NOT APPLICABLE for want of this capability; may be repeated "
        f"(known: {', '.join(capabilities.known())})",
    )
    group.addoption(
        "--reports",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="where evidence.json, junit.xml and the runs' histories go (default: reports/)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options once, and let JUnit XML go to the reports when checks are run."""
    for line in (
        "drills(which=...): run this check for the drills for which which(drill) is true",
        "requires(capability): NOT APPLICABLE where the run lacks the capability",
    ):
        config.addinivalue_line("markers", line)
    unknown = set(config.getoption("--require")) - set(capabilities.known())
    if unknown:
        raise pytest.UsageError(
            f"--require: unknown capability {', '.join(sorted(unknown))}; "
            f"known: {', '.join(capabilities.known())}"
        )
    reports = config.getoption("--reports") or config.rootpath / "reports"
    config.stash[RUN] = _Run(
        settings=Settings(
            time_scale=config.getoption("--time-scale"),
            stack=config.getoption("--stack"),
            keep=config.getoption("--keep"),
            elasticsearch_heap_mb=config.getoption("--elasticsearch-heap"),
            reports=reports,
        ),
        required=frozenset(config.getoption("--require")),
    )
    checks = Path(__file__).resolve().parents[1] / "checks"
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    checking = any(path == checks or checks in path.parents for path in asked)
    if checking and not config.option.xmlpath:
        config.option.xmlpath = str(reports / "junit.xml")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a drill of each check that asks for one, with the alert's name in its id."""
    if "drill" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("drills")
    which: Callable[[Drill], bool] = marker.kwargs["which"] if marker else lambda drill: True
    chosen = [drill for drill in catalogue() if which(drill)]
    metafunc.parametrize("drill", chosen, ids=[drill.id for drill in chosen], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what does not apply to this run, and note which drills the rest needs."""
    run = config.stash[RUN]
    kept, left_out = [], []
    say = _sayer(config)
    for item in items:
        lacking = _lacking(item, say)
        if not lacking or set(lacking) & run.required:
            kept.append(item)
            continue
        left_out.append(item)
        why = "; ".join(f"{name}: {capabilities.why_not(name)}" for name in lacking)
        run.not_applicable.append(NotApplicable(test=item.nodeid, reason=why))
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    run.selected = {drill.id: drill for item in items if (drill := _drill_of(item))}
    asked = {name for item in items for name in _required_by(item)}
    run.settings = replace(run.settings, logs=capabilities.ELASTICSEARCH in asked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep each claim's verdict, and show a failed one without a traceback."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, ClaimNotProved):
        report.longrepr = str(error)
    judged = item.stash.get(VERDICTS, [])
    if report.when == "call":
        judged = judged or [_verdict_of(item, error)]
    elif report.failed:
        judged = [_verdict_of(item, error)]
    else:
        return report
    report.user_properties.append(("verdict", worst(judged).value))
    if drill := _drill_of(item):
        item.config.stash[RUN].verdicts.setdefault(drill.id, []).extend(judged)
    return report


def _verdict_of(item: pytest.Item, error: BaseException | None) -> Verdict:
    """Return the verdict of a check that handed none to ``judge``: an error proves nothing."""
    text = "" if error is None else f"{type(error).__name__}: {error}"
    status = Status.PASS if error is None else Status.UNKNOWN
    return Verdict(claim=item.name, status=status, expected="", observed=text)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what was required and can't be had, with the reason."""
    lacking = _lacking(item, _sayer(item.config))
    if lacking:
        why = "; ".join(f"{name} is required: {capabilities.why_not(name)}" for name in lacking)
        pytest.fail(why, pytrace=False)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the summary and write the evidence."""
    run = config.stash[RUN]
    if run.result is None:
        for one in run.not_applicable:
            terminalreporter.write_line(f"NOT APPLICABLE  {one.test}: {one.reason}")
        return
    path = run.settings.reports / "evidence.json"
    write_evidence(path, run.settings, run.result, run.verdicts, run.not_applicable)
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
        return find_tools(ToolSettings.from_env(), _sayer(request.config))
    except ToolsUnavailable as error:
        pytest.exit(f"alertproof: {error}", returncode=CANNOT_RUN)


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Campaign]:
    """The run, with every selected drill finished and the stack still up.

    What other selected checks wait for long runs beside the drills.
    """
    run = request.config.stash[RUN]
    say = _sayer(request.config)
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
    campaign.logs.wait_ready()
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


def _required_by(item: pytest.Item) -> set[str]:
    return {marker.args[0] for marker in item.iter_markers("requires")}


def _lacking(item: pytest.Item, say: Callable[[str], None]) -> list[str]:
    drill = _drill_of(item)
    needs = _required_by(item) | set(drill.requires if drill else ())
    return capabilities.lacking(needs, say=say)


def _drill_of(item: pytest.Item) -> Drill | None:
    callspec = getattr(item, "callspec", None)
    drill = callspec.params.get("drill") if callspec else None
    return drill if isinstance(drill, Drill) else None


def _sayer(config: pytest.Config) -> Callable[[str], None]:
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock, capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return say


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
