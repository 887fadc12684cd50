"""What a run's evidence says, as the page takes it: frozen, and parsed once.

One rule: nothing here is computed or judged; it is what ``scenarios.report`` wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from scenarios.attribution import Cell
from scenarios.history import History
from scenarios.measures import Measures
from scenarios.report import NotApplicable
from scenarios.signals import Signals
from scenarios.verdict import Status, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When things must, and must not yet, have happened, in seconds: as in ``budget.Bounds``."""

    pending: float
    earliest: float
    minimum: float
    fires: float
    arrives: float
    resolves: float
    resolution_arrives: float
    watch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The drilled rule as production has it.

    Attributes:
        file, line: where it stands.
        for_seconds: its ``for`` in production's time.
        time_scale: by how much that was divided.
        tick_seconds: by how much two detections may differ though nothing else does.
        panel: the path of its panel, below Grafana's own address.
    """

    file: str
    line: int
    expression: str
    for_seconds: float
    time_scale: float
    tick_seconds: float
    runbook_url: str
    panel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """One drill: what was promised, what was seen, and what was said of it.

    Attributes:
        fires: whether the alert must fire; ``False`` for a twin that must stay quiet.
        heartbeat: whether it is the absence of the alert that must be noticed.
        again: what disturbed each earlier attempt.
    """

    id: str
    alert: str
    fault: str
    fires: bool
    heartbeat: bool
    severity: str
    receivers: tuple[str, ...]
    limits: Limits
    measured: Measures
    verdict: Status
    claims: tuple[Verdict, ...]
    rule: Rule
    signals: Signals
    logs_command: str
    logs_kql: str
    history: History
    again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that the run was made of."""

    name: str
    version: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference between what was run and what production runs."""

    file: str
    where: str
    production: str
    drill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A whole run.

    Attributes:
        checks: the verdicts on all that is about no drill, by test.
        cells: which fault raised which alert.
    """

    written_at: datetime
    verdict: Status
    exit_status: int
    time_scale: float
    stack: str
    app: str
    phases_seconds: Mapping[str, float]
    machine: str
    versions: Mapping[str, str]
    tools: tuple[Tool, ...]
    differences: tuple[Difference, ...]
    drills: tuple[DrillRecord, ...]
    checks: Mapping[str, tuple[Verdict, ...]]
    cells: tuple[Cell, ...]
    not_applicable: tuple[NotApplicable, ...]
