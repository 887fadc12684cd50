"""The commands of this project: `nox -l` lists them, `nox -s NAME` runs one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.sessions = ["verify"]
nox.options.reuse_existing_virtualenvs = True

APART = ("--ignore=checks/compose", "--ignore=checks/deployment")
"""Checks of a stack that runs already, which are not of a drilling run."""

PATIENCE_SECONDS = 60.0
"""On Ctrl-C: what a run judges last, or puts back, takes seconds, and nox gives half of one."""


def run_for_its_status(session: nox.Session, *command: str) -> None:
    """Run a command whose exit status says more than that it failed: nox ends with that one."""
    try:
        session.run(*command, interrupt_timeout=PATIENCE_SECONDS)
    except CommandFailed as failed:
        # Older versions have it in their words alone: "Returned code 3".
        told = getattr(failed, "return_code", None) or str(failed).rpartition(" ")[2]
        raise SystemExit(int(told) if str(told).lstrip("-").isdecimal() else 1) from None


@nox.session
def verify(session: nox.Session) -> None:
    """Break a real service on purpose, and prove that each alert fires, routes and resolves."""
    session.install("-e", ".[certificates,postgresql]")
    session.run("pytest", "checks", *APART, *session.posargs, interrupt_timeout=PATIENCE_SECONDS)


@nox.session
def realtime(session: nox.Session) -> None:
    """The same in real time, undivided: the longest chain, CertificateExpiring, is over an hour."""
    session.install("-e", ".[certificates,postgresql]")
    session.run(
        *("pytest", "checks", *APART, "--time-scale=1"),
        *("--reports=reports/realtime", *session.posargs),
        interrupt_timeout=PATIENCE_SECONDS,
    )


@nox.session
def tests(session: nox.Session) -> None:
    """The toolkit's own tests, integration tests with real components among them."""
    session.install("-e", ".[dev,certificates,postgresql]")
    session.run("pytest", "tests", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and errors, with ruff."""
    session.install("-e", ".[dev,certificates,postgresql]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Types, with mypy in its strict mode."""
    session.install("-e", ".[dev,certificates,postgresql,bench]")
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the toolkit costs and how long its phases take, side by side."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def gameday(session: nox.Session) -> None:
    """Break something while people watch and respond: `-- --scenario NAME`; `-- --help`."""
    session.install("-e", ".[certificates,postgresql]")
    # In this process' place: its exit status says what it came to, where nox knows 0 and 1 alone,
    # and on Ctrl-C it ends its faults in order, for which nox would give it half a second.
    python = str(Path(session.bin) / "python")
    os.execv(python, [python, "-m", "scenarios.gameday", *session.posargs])  # noqa: S606 (as meant)


@nox.session(venv_backend="none")
def stack(session: nox.Session) -> None:
    """The monitoring as containers: `-- up`, `down`, `status`, `logs`, `config`; `-- --help`."""
    # Python alone is enough for it: whoever runs the stack installs nothing.
    session.run(sys.executable, "-m", "stack.compose", *session.posargs, external=True)


@nox.session
def containers(session: nox.Session) -> None:
    """Verify in containers, and the compose stack: makes the images that are missing first."""
    session.install("-e", ".[certificates,postgresql]")
    session.run("python", "-m", "stack.images")
    inside = ["--stack=containers", "--require=containers", "--reports=reports/containers"]
    session.run(
        *("pytest", "checks", *APART, *inside, *session.posargs),
        interrupt_timeout=PATIENCE_SECONDS,
    )
    if not session.posargs:
        # A few on production's own compose file, which must come to the same.
        composed = ["--stack=compose", "--require=compose", "--reports=reports/composed"]
        some = "SlowResponseTime or HighErrorRate or SoftFactoryDown-killed or LogRecordsLost"
        session.run(
            *("pytest", "checks", *APART, *composed, "-k", some),
            interrupt_timeout=PATIENCE_SECONDS,
        )
        both = [f"reports/{name}/evidence.json" for name in ("containers", "composed")]
        session.run("python", "-m", "scenarios.compare", "--common", *both)
    session.run("pytest", "checks/compose", "--require=compose", "--reports=reports/compose")


@nox.session(venv_backend="none")
def images(session: nox.Session) -> None:
    """Stand-ins for the stack's container images where no registry is reached; `-- --help`."""
    # Python alone is enough for it, with pip: that of the service's packages is the machine's.
    session.run(sys.executable, "-m", "stack.images", *session.posargs, external=True)


@nox.session
def baseline(session: nox.Session) -> None:
    """How far normal is from each threshold, by a Prometheus' own history; `-- --help`."""
    session.install("-e", ".")
    run_for_its_status(session, "python", "-m", "stack.baseline", *session.posargs)


@nox.session
def loadtest(session: nox.Session) -> None:
    """Load the demo, or a host of yours, with its users' journeys, and judge; `-- --help`."""
    session.install("-e", ".")
    run_for_its_status(session, "python", "-m", "loadtests", *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Before a deploy or after it: does what runs fit the repository, and is it well? Read-only."""
    session.install("-e", ".")
    run_for_its_status(
        session, "pytest", "-q", "checks/deployment", "--reports=reports/gate", *session.posargs
    )


@nox.session
def external(session: nox.Session) -> None:
    """Drill on an engine that is not the run's own: VictoriaMetrics with vmalert; `-- -k ALERT`."""
    session.install("-e", ".[certificates,postgresql]")
    drill = ["python", "-m", "stack.external", "drill", "--time-scale=20", "--"]
    what = ["checks/alerts", "checks/external", "--reports=reports/external"]
    session.run(*drill, *what, *session.posargs, interrupt_timeout=PATIENCE_SECONDS)
