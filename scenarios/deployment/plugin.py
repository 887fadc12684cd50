"""pytest's door to the gate: what applies, what was seen, and what it comes to.

One rule: all that the selected checks look at is looked at together, once; nothing here judges.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from scenarios import options
from scenarios.deployment import needs
from scenarios.deployment.asking import ask, somebody_is_there
from scenarios.deployment.inspection import Inspection
from scenarios.deployment.outcome import Outcome, exit_status
from scenarios.deployment.page_test import page, question
from scenarios.deployment.reading import read_stages, read_target
from scenarios.deployment.report import (
    EVIDENCE,
    append_markdown,
    markdown,
    print_outcomes,
    write_json,
)
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import STAGES, DeploymentTarget
from scenarios.deployment.visit import Visit
from scenarios.report import NotApplicable
from scenarios.run_state import RUN, VERDICTS
from scenarios.terminal import sayer
from scenarios.verdict import ClaimNotProved, Status, Verdict
from stack.rules import RuleSet, load_rules
from stack.settings import SettingsError, variable

CHECKS = options.CHECKS / "deployment"

REPORT_SECONDS = 1.5
"""What of the deadline is left for the report, and for the end of Python."""


@dataclass(slots=True)
class GateState:
    """One gate, from its options to what it came to."""

    target: DeploymentTarget
    stages: frozenset[str]
    begun: float
    run: str
    asked_for: bool
    outcomes: list[Outcome] = field(default_factory=list)
    not_applicable: list[NotApplicable] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it has taken, from the start of the process."""
        return time.time() - self.begun


GATE = pytest.StashKey[GateState]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read what is to be looked at."""
    for line in (
        "stage(name): what this check of a deployment is about",
        "needs(name): NOT APPLICABLE where this was not named to the gate",
        "observes(what): have this observer look, and hand over what it saw as `observed`",
    ):
        config.addinivalue_line("markers", line)

    def option(name: str) -> object:
        return getattr(config.option, name.lstrip("-").replace("-", "_"), None)

    asked_for = any(CHECKS in (path, *path.parents) for path in options.asked_for(config))
    # What is in the environment for a gate can't be wrong for a drill.
    environment = os.environ if asked_for else {}
    try:
        target = read_target(option, environment)
        stages = read_stages(option, environment)
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None
    if asked_for:
        # Each failure says what was seen; what was captured meanwhile is each retry of a request,
        # and the list of failures stands in the table once more.
        config.option.showcapture = "no"
        config.pluginmanager.getplugin("terminalreporter").reportchars = ""
    config.stash[GATE] = GateState(
        target=target,
        stages=stages,
        begun=psutil.Process().create_time(),
        run=f"gate-{secrets.token_hex(4)}",
        asked_for=asked_for,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what is of another stage, or about what was not named."""
    gate = config.stash[GATE]
    required = config.stash[RUN].required
    kept, left_out = [], []
    unnamed: set[str] = set()
    for item in items:
        stages = {marker.args[0] for marker in item.iter_markers("stage")}
        if not stages:
            kept.append(item)
            continue
        lacking = [need for need in _needs_of(item) if needs.lacks(gate.target, need)]
        if not gate.asked_for or not stages & gate.stages:
            left_out.append(item)
        elif not lacking or set(lacking) & required:
            kept.append(item)
        elif set(lacking) <= needs.WISHES:
            left_out.append(item)
        else:
            unnamed |= set(lacking) & set(needs.INDISPENSABLE)
            left_out.append(item)
            why = "; ".join(needs.why_lacking(need) for need in lacking)
            gate.not_applicable.append(NotApplicable(test=item.nodeid, reason=why))
    if gate.asked_for and unnamed and not config.option.collectonly:
        missing = " and ".join(f"--{need}" for need in needs.INDISPENSABLE if need in unnamed)
        raise pytest.UsageError(
            f"the gate needs {missing}, or {_variables(unnamed)}; see docs/gate.md"
        )
    wishes = gate.target.page_test
    if gate.asked_for and wishes and wishes.confirm:
        with _at_the_terminal(config):
            if not somebody_is_there():
                raise pytest.UsageError("--confirm asks a person, and this is no terminal")
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def _variables(unnamed: set[str]) -> str:
    return " and ".join(variable(need) for need in needs.INDISPENSABLE if need in unnamed)


def _needs_of(item: pytest.Item) -> list[str]:
    return [marker.args[0] for marker in item.iter_markers("needs")]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what was required and not named, with the reason."""
    target = item.config.stash[GATE].target
    lacking = [need for need in _needs_of(item) if needs.lacks(target, need)]
    if lacking:
        why = "; ".join(f"{need} is required: {needs.why_lacking(need)}" for need in lacking)
        pytest.fail(why, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep each check's verdicts; what ended without one is UNKNOWN."""
    report = yield
    marker = item.get_closest_marker("stage")
    if marker is None or not (report.when == "call" or report.failed):
        return report
    verdicts = item.stash.get(VERDICTS, [])
    if not verdicts or not (report.passed or isinstance(_error(call), ClaimNotProved)):
        verdicts = [*verdicts, _unknown(item, call)]
    item.config.stash[GATE].outcomes.extend(
        Outcome(check=item.name, stage=marker.args[0], verdict=one, seconds=report.duration)
        for one in verdicts
    )
    return report


def _error(call: pytest.CallInfo[None]) -> BaseException | None:
    return call.excinfo.value if call.excinfo else None


def _unknown(item: pytest.Item, call: pytest.CallInfo[None]) -> Verdict:
    error = _error(call)
    claim = item.name.removeprefix("test_").replace("_", " ")
    observed = " ".join(str(error).split()) if error else "the check said nothing"
    return Verdict(claim=claim, status=Status.UNKNOWN, expected="a verdict", observed=observed)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Let the exit status be what `--fail-on` asks for."""
    gate = session.config.stash[GATE]
    if gate.asked_for and gate.outcomes and exitstatus in (0, 1):
        session.exitstatus = exit_status(gate.outcomes, gate.not_applicable, gate.target.fail_on)


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the summary, and write it."""
    gate = config.stash[GATE]
    if not gate.outcomes:
        return
    gate.outcomes.sort(key=lambda one: STAGES.index(one.stage))
    width = terminalreporter._tw.fullwidth
    terminalreporter.section("gate")
    console = Console(file=terminalreporter._tw._file, width=max(width, 100))
    seconds = gate.seconds
    print_outcomes(console, gate.target, gate.outcomes, gate.not_applicable, seconds)
    path = config.stash[RUN].settings.reports / EVIDENCE
    write_json(path, gate.target, gate.outcomes, gate.not_applicable, run=gate.run, seconds=seconds)
    text = markdown(gate.target, gate.outcomes, gate.not_applicable, seconds)
    for summary in gate.target.summary_files:
        append_markdown(summary, text)
    terminalreporter.write_line(f"evidence: {path}")


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest) -> DeploymentTarget:
    """What is looked at."""
    return request.config.stash[GATE].target


@pytest.fixture(scope="session")
def inspection(request: pytest.FixtureRequest, deployment: DeploymentTarget) -> Inspection:
    """All that the selected checks look at, begun at the same time."""
    gate = request.config.stash[GATE]
    left = deployment.deadline_seconds - gate.seconds - REPORT_SECONDS
    visit = Visit.begin(deployment, gate.run, left)
    looking = Inspection(visit, sayer(request.config))
    looking.begin(
        marker.kwargs["what"]
        for item in request.session.items
        if (marker := item.get_closest_marker("observes")) is not None
    )
    return looking


@pytest.fixture
def observed(request: pytest.FixtureRequest, inspection: Inspection) -> object:
    """What the check's observer saw, or that it is missing."""
    marker = request.node.get_closest_marker("observes")
    return inspection.of(marker.kwargs["what"])


@pytest.fixture(scope="session")
def wanted_rules(deployment: DeploymentTarget) -> RuleSet:
    """The rules that should be in force."""
    file = deployment.files.rules
    return load_rules(file.read_text(encoding="utf-8"), _shown(file))


@pytest.fixture
def confirmed(request: pytest.FixtureRequest, inspection: Inspection) -> bool | None:
    """What a person says of the test alert; None where it could not be sent, or nobody answers."""
    told = inspection.of(page)
    if isinstance(told, Missing):
        return None
    with _at_the_terminal(request.config):
        return ask(
            question(told),
            inspection.left_seconds,
            of=sys.__stdin__ or sys.stdin,
            say=sys.__stderr__ or sys.stderr,
        )


@contextmanager
def _at_the_terminal(config: pytest.Config) -> Iterator[None]:
    """Give back the terminal, its input too, which pytest takes away while it captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.suspend(in_=True)
    try:
        yield
    finally:
        capture.resume()


def _shown(path: Path) -> str:
    """Return a path as a person in the working directory would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
