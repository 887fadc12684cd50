"""What a run is asked to do: every option and environment variable, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.conditions import JOURNEY, PAGE
from stack.external.model import External
from stack.production import Production, production_files

if TYPE_CHECKING:
    from scenarios.own_app.application import OwnApp

DEMO_APP = "instrumentation.demo:create_app"

EMBEDDED, CONTAINERS = "embedded", "containers"
COMPOSE, EXTERNAL = "compose", "external"
STACKS = (EMBEDDED, CONTAINERS, COMPOSE, EXTERNAL)
"""The ways to run the parts of a run."""

IN_CONTAINERS = frozenset({CONTAINERS, COMPOSE})
"""Those in which services are containers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run.

    Attributes:
        time_scale: by how much production's durations are divided.
        stack: the way in which Prometheus and Alertmanager are run.
        keep: leave the stack up after the checks and print its URLs, until Ctrl-C.
        app: the Flask application factory that is drilled, as ``package.module:factory``.
        own: what the settings say of that application, where it is not the demo.
        journey: what its clients ask for while nothing is broken.
        page: the path of a page that a plain GET is answered well for; it reads the database.
        receivers: who is promised to be told of an alert, by its severity; None for those of the
            toolkit's own Alertmanager file.
        logs: whether the control's log is shipped to Elasticsearch, as a check asks for it:
            once the last drills leave room.
        handed_over: more logs that checks want shipped, by name.
        elasticsearch_heap_mb: the heap of each node of Elasticsearch, in MiB.
        reports: the folder that gets the evidence.
        production: the files that production runs.
        hold_seconds: how much longer a fault lasts once its alert has arrived, in real time.
        lease_seconds: how long after whoever runs the drills is gone their requests' faults end by
            themselves; ``None`` where the drilled services end with the run anyhow.
        drill_run: what the run is called on every alert that it raises; "" for not at all.
        external: where the engine is that watches, where this run starts none.
        sample_seconds, probe_timeout_seconds, payment_timeout_seconds: production's values of the
            service's own periods and time-outs, which are divided by the time scale too.
    """

    time_scale: float = 60.0
    stack: str = EMBEDDED
    keep: bool = False
    logs: bool = False
    handed_over: Mapping[str, str] = field(default_factory=dict)
    elasticsearch_heap_mb: int = 256
    app: str = DEMO_APP
    own: OwnApp | None = None
    journey: Mapping[str, int] = field(default_factory=lambda: JOURNEY)
    page: str = PAGE
    receivers: Mapping[str, frozenset[str]] | None = None
    reports: Path = Path("reports")
    production: Production = field(default_factory=production_files)
    hold_seconds: float = 0.0
    lease_seconds: float | None = None
    drill_run: str = ""
    external: External | None = None
    sample_seconds: float = 5.0
    probe_timeout_seconds: float = 3.0
    payment_timeout_seconds: float = 10.0

    @property
    def quarters(self) -> str:
        """The way in which services are run: beside an external stack, as processes."""
        return EMBEDDED if self.stack == EXTERNAL else self.stack

    @property
    def sample(self) -> timedelta:
        """How often a drilled service samples itself; a floor keeps its cost bounded."""
        return timedelta(seconds=max(self.sample_seconds / self.time_scale, 0.25))

    @property
    def probe_timeout(self) -> timedelta:
        """How long a drilled service's database probe may take; a busy machine needs the floor."""
        return timedelta(seconds=max(self.probe_timeout_seconds / self.time_scale, 1.0))

    @property
    def payment_timeout(self) -> timedelta:
        """How long a drilled service waits for its gateway."""
        return timedelta(seconds=max(self.payment_timeout_seconds / self.time_scale, 0.5))
