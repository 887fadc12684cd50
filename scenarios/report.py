"""What a run leaves: evidence as JSON, and a folder of histories and logs.

One rule: nothing is judged here; verdicts come in, and each is counted and shown.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import psutil

from scenarios.attribution import attribution
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.measures import measure
from scenarios.model import MAIN
from scenarios.result import Result
from scenarios.settings import Settings
from scenarios.signal_queries import evaluated_every
from scenarios.signals import Signals
from scenarios.verdict import Status, Verdict, worst
from stack.derive import Derived
from stack.external.model import External
from stack.grafana.addresses import panel_link
from stack.logs.query import LogFilter
from stack.replacing import replace_text

SCHEMA = 1
"""The form of the evidence; whoever reads it refuses another one by name."""

RUN_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d+-(?P<process>\d+)(?:-\w+)?")
"""A run's folder: when it began, the id of its process, and what it is of, if not of drills."""

KEPT_RUNS = 10
"""How many runs' folders stay below ``reports/runs``."""

NOT_ASKED = "the drill ended before its series were asked for"

PACKAGES = ("pytest", "locust", "gunicorn", "flask", "prometheus-client", "alertproof")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """A test that this run can't have, and why."""

    test: str
    reason: str


def _external(external: External | None) -> Mapping[str, object] | None:
    """Return what watched the drills, where it was not this run's own."""
    if external is None:
        return None
    return {
        "engine": external.name or "not known",
        "prometheus_url": external.prometheus.url,
        "rules_url": external.rules.url,
        "alertmanager_url": external.alertmanager.url,
        "visible_after_seconds": external.visible_after.total_seconds(),
        "lacks": dict(external.lacks),
    }


def write_evidence(
    path: Path,
    settings: Settings,
    result: Result,
    verdicts: Mapping[str, Sequence[Verdict]],
    not_applicable: Sequence[NotApplicable],
    *,
    checks: Mapping[str, Sequence[Verdict]],
    exit_status: int,
) -> None:
    """Write everything that was observed and judged, in one step.

    ``verdicts`` are those of claims about a drill, by its id, and ``checks`` all others, by test.
    """
    evidence = {
        "schema": SCHEMA,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict_of_run(
            [one for some in (*verdicts.values(), *checks.values()) for one in some], exit_status
        ),
        "exit_status": exit_status,
        "time_scale": settings.time_scale,
        "stack": settings.stack,
        "external": _external(settings.external),
        "app": settings.app,
        "phases_seconds": dict(result.phases),
        "machine": {
            "system": platform.platform(),
            "cores": psutil.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "tools": [
            {
                "name": tool.name,
                "version": tool.version,
                "sha256": tool.sha256,
                "origin": tool.origin,
                "source": tool.source,
            }
            for tool in result.tools.each()
        ],
        "changes_from_production": [
            {
                "file": change.file,
                "where": change.where,
                "production": change.production,
                "drill": change.drill,
            }
            for change in result.derived[MAIN].changes
        ],
        "drills": {
            name: _drill(plan, result, verdicts.get(name, ()))
            for name, plan in result.plans.items()
        },
        "checks": {name: [asdict(one) for one in some] for name, some in checks.items()},
        "drilled_again": {name: list(reasons) for name, reasons in result.repeated.items()},
        "attribution": [asdict(cell) for cell in attribution(result)],
        "control": _beside(result.control),
        "beside_the_drills": {
            name: {
                "watchers": {who: _beside(one) for who, one in beside.watchers.items()},
                "belonging_to_no_service": _beside(beside.strangers),
            }
            for name, beside in result.monitoring.items()
        },
        "not_applicable": [asdict(one) for one in not_applicable],
    }
    replace_text(path, json.dumps(evidence, indent=1) + "\n")


def verdict_of_run(verdicts: Sequence[Verdict], exit_status: int) -> Status:
    """Return what is to be said of a whole run: all was proved only if it ended so, too."""
    judged = worst(verdicts)
    return Status.UNKNOWN if judged is Status.PASS and exit_status else judged


def _drill(plan: Plan, result: Result, verdicts: Sequence[Verdict]) -> dict[str, object]:
    bounds = plan.want.bounds
    history = result.histories[plan.drill.id]
    return {
        "alert": plan.want.alert,
        "fault": plan.drill.fault.text,
        "fires": plan.drill.fires,
        "heartbeat": plan.drill.heartbeat,
        "synthetic": plan.drill.synthetic,
        "severity": plan.want.severity,
        "receivers": sorted(plan.want.receivers),
        "bounds_seconds": {
            name: value.total_seconds()
            for name in bounds.__slots__
            if isinstance(value := getattr(bounds, name), timedelta)
        },
        "measured_seconds": asdict(measure(history, plan.want)),
        "verdict": worst(verdicts),
        "claims": [asdict(one) for one in verdicts],
        "rule": _rule(plan, result.derived[plan.drill.watched_by]),
        "signals": asdict(result.signals.get(plan.drill.id, Signals(problem=NOT_ASKED))),
        "logs": _logs(plan, history),
        "history": _events(history),
    }


def _rule(plan: Plan, derived: Derived) -> dict[str, object]:
    """Return the drilled rule as production has it, and what became of it in this run.

    ``tick_seconds`` is by how much two detections may differ though nothing else does: a scrape
    and an evaluation come when they come.
    """
    rule = derived.production_rules.alert(plan.want.alert)
    every = evaluated_every(derived, derived.rules.alert(plan.want.alert))
    return {
        "file": derived.production_rules.source,
        "line": rule.line,
        "expression": rule.expr.strip(),
        "for_seconds": rule.for_.total_seconds(),
        "time_scale": derived.time_scale,
        "tick_seconds": (plan.want.scrape + every).total_seconds(),
        "runbook_url": plan.want.runbook_url,
        "panel": panel_link(plan.want.alert, plan.want.service),
    }


def _logs(plan: Plan, history: History) -> dict[str, str]:
    """Return how the records of the drilled service are found in whatever its log is shipped to."""
    if not history.events:
        return {}
    first, last = (datetime.fromtimestamp(history.events[at].at, UTC) for at in (0, -1))
    wanted = LogFilter(service=plan.drill.id, since=first, until=last + timedelta(seconds=1))
    return {"command": wanted.to_command(), "kql": wanted.to_kql()}


def _events(history: History) -> list[object]:
    return [json.loads(event.to_json()) for event in history.events]


def _beside(history: History) -> list[object]:
    """Return the events without what receivers got: heartbeats are many, and all the same."""
    events = (
        replace(one, detail={name: text for name, text in one.detail.items() if name != "payload"})
        for one in history.events
    )
    return _events(replace(history, events=tuple(events)))


def tidy(directory: Path) -> None:
    """Reduce a finished run's folder to its histories and logs, and remove the oldest runs."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # one that holds something stays
                path.rmdir()
        elif path.suffix != ".log" and directory / "histories" not in path.parents:
            path.unlink(missing_ok=True)
    named = ((RUN_NAME.fullmatch(one.name), one) for one in directory.parent.iterdir())
    runs = sorted((one, int(found["process"])) for found, one in named if found)
    for old, process in runs[:-KEPT_RUNS]:
        if not psutil.pid_exists(process):
            shutil.rmtree(old, ignore_errors=True)  # another run may be removing it as well
