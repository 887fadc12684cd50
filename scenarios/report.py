"""What a run leaves: evidence as JSON, and a summary that fits a screen.

One rule: nothing is judged here; verdicts come in, and each is counted and shown.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from scenarios.attribution import attribution
from scenarios.drill import Plan
from scenarios.history import History
from scenarios.measures import measure
from scenarios.model import MAIN
from scenarios.result import Result
from scenarios.settings import Settings
from scenarios.verdict import Status, Verdict

RUN_NAME = re.compile(r"[\dT-]+-\d+")
"""A run's folder: when it began, and the id of its process."""

KEPT_RUNS = 10
"""How many runs' folders stay below ``reports/runs``."""

COLOURS = {Status.PASS: "green", Status.FAIL: "bold red", Status.UNKNOWN: "bold yellow"}
PACKAGES = ("pytest", "locust", "gunicorn", "flask", "prometheus-client", "alertproof")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable:
    """A test that this run can't have, and why."""

    test: str
    reason: str


def worst(verdicts: Sequence[Verdict]) -> Status:
    """Return the status that a line shows for several claims: any FAIL, else any UNKNOWN."""
    statuses = {verdict.status for verdict in verdicts}
    for status in (Status.FAIL, Status.UNKNOWN, Status.PASS):
        if status in statuses:
            return status
    return Status.UNKNOWN


def print_summary(
    console: Console,
    result: Result,
    verdicts: Mapping[str, Sequence[Verdict]],
    not_applicable: Sequence[NotApplicable],
) -> None:
    """Print a line a drill, what does not apply, and where the time went."""
    table = Table(box=None, pad_edge=False)
    for heading in ("drill", "severity", "detected (bound)", "resolved (bound)"):
        table.add_column(heading, no_wrap=True, justify="right" if "(" in heading else "left")
    for heading in ("receivers", "verdict"):
        table.add_column(heading, no_wrap=True)
    for name, plan in sorted(result.plans.items()):
        judged = verdicts.get(name, ())
        status = worst(judged)
        table.add_row(
            name,
            plan.want.severity,
            *_timing(plan, result.histories[name]),
            ", ".join(sorted(plan.want.receivers)) if plan.drill.fires else "nobody",
            f"[{COLOURS[status]}]{status}[/] "
            f"{sum(one.status is Status.PASS for one in judged)}/{len(judged)}",
        )
    console.print(table)
    for one in not_applicable:
        console.print(f"NOT APPLICABLE  {one.test}: {one.reason}", highlight=False)
    for name, reasons in sorted(result.repeated.items()):
        console.print(f"drilled again  {name}: {'; '.join(reasons)}", highlight=False)
    if chain := longest_chain(result.plans.values()):
        took = result.phases.get("drills", 0.0)
        least = chain.want.bounds.minimum.total_seconds()
        console.print(
            f"longest chain of window, for and group wait: {chain.drill.id}, {least:.1f} s; "
            f"the drills took {took / least:.1f} x that",
            highlight=False,
            style="dim",
        )
    scales = ", ".join(
        dict.fromkeys(
            f"{one.time_scale:g}" + ("" if name == MAIN else f" ({name})")
            for name, one in result.derived.items()
            if name == MAIN or one.time_scale != result.derived[MAIN].time_scale
        )
    )
    spent = "  ".join(f"{name} {seconds:.1f} s" for name, seconds in result.phases.items())
    console.print(f"time scale {scales}; {spent}", highlight=False, style="dim")


def longest_chain(plans: Iterable[Plan]) -> Plan | None:
    """Return the plan that takes longest to arrive if nothing ever waits; no run can be shorter.

    ``None`` where no alert must fire, or all fire at once.
    """
    firing = [plan for plan in plans if plan.drill.fires and plan.want.bounds.minimum]
    return max(firing, key=lambda plan: plan.want.bounds.minimum, default=None)


def _timing(plan: Plan, history: History) -> tuple[str, str]:
    bounds = plan.want.bounds
    if not plan.drill.fires:
        return f"quiet ({_s(bounds.watch)})", "-"
    taken = measure(history, plan.want)
    return (
        f"{_or_dash(taken.detection)} ({_s(bounds.arrives)})",
        f"{_or_dash(taken.resolution)} ({_s(bounds.resolution_arrives)})",
    )


def _or_dash(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"


def write_evidence(
    path: Path,
    settings: Settings,
    result: Result,
    verdicts: Mapping[str, Sequence[Verdict]],
    not_applicable: Sequence[NotApplicable],
) -> None:
    """Write everything that was observed and judged, in one step."""
    evidence = {
        "time_scale": settings.time_scale,
        "stack": settings.stack,
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
            name: _drill(plan, result.histories[name], verdicts.get(name, ()))
            for name, plan in result.plans.items()
        },
        "drilled_again": {name: list(reasons) for name, reasons in result.repeated.items()},
        "attribution": [asdict(cell) for cell in attribution(result)],
        "control": _events(result.control),
        "beside_the_drills": {
            name: {
                "watchers": {who: _events(one) for who, one in beside.watchers.items()},
                "belonging_to_no_service": _events(beside.strangers),
            }
            for name, beside in result.monitoring.items()
        },
        "not_applicable": [asdict(one) for one in not_applicable],
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(evidence, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def _drill(plan: Plan, history: History, verdicts: Sequence[Verdict]) -> dict[str, object]:
    bounds = plan.want.bounds
    return {
        "alert": plan.want.alert,
        "fault": plan.drill.fault.text,
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
        "history": _events(history),
    }


def _events(history: History) -> list[object]:
    return [json.loads(event.to_json()) for event in history.events]


def tidy(directory: Path) -> None:
    """Reduce a finished run's folder to its histories and logs, and remove the oldest runs."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.suffix != ".log" and directory / "histories" not in path.parents:
            path.unlink()
    runs = sorted(one for one in directory.parent.iterdir() if RUN_NAME.fullmatch(one.name))
    for old in runs[:-KEPT_RUNS]:
        if not psutil.pid_exists(int(old.name.rpartition("-")[2])):
            shutil.rmtree(old, ignore_errors=True)  # another run may be removing it as well


def _s(duration: timedelta) -> str:
    return f"{duration.total_seconds():.1f} s"
