"""Drills a deployed service under somebody else's Prometheus and Alertmanager: by requests alone.

One rule: nothing is started but the load, and nothing is written to the stack that watches.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from scenarios.berth import ORDINARY_RESPONSE_SECONDS
from scenarios.drill import Plan, run_drill
from scenarios.gameday.breaking import Over
from scenarios.gameday.deployment import Deployment
from scenarios.grounds import CLIENT_SECONDS, PATIENCE_SECONDS
from scenarios.history import History, Kind, Recorder
from scenarios.lifecycle import READY_SECONDS
from scenarios.load import LoadGenerator
from scenarios.load_plan import LoadPlan, TargetLoad, check_load, threads_needed, users_needed
from scenarios.load_sample import LoadSample
from scenarios.observe import Observer
from scenarios.progress import Shown
from scenarios.settings import Settings
from scenarios.target import Scraping, Target
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.prometheus import PrometheusClient
from stack.drill_labels import DRILL_LABEL, DRILL_RUN_LABEL
from stack.processes import Processes

ALERTMANAGER = "alertmanager"
"""Who is seen to be told: what its receivers got is not seen from outside."""

LOOK_SECONDS = 0.5
"""How often Alertmanager's alerts are read."""

NOT_THERE = cast(Any, None)
"""Parts of a target that no fault which requests carry reaches for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What is known of the deployed instance: where it is, and what signs its faults."""

    url: str
    environment: Mapping[str, str]


class Deployed:
    """One drill of a deployed service; a context manager, like a campaign."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        deployment: Deployment,
        *,
        evaluation: timedelta,
        directory: Path,
        shown: Shown,
    ) -> None:
        """Prepare the drill; ``evaluation`` is how often the stack evaluates its rules."""
        # Alertmanager has an alert before it waits for others of its group.
        bounds = replace(plan.want.bounds, earliest=plan.want.bounds.pending)
        want = replace(plan.want, receivers=frozenset({ALERTMANAGER}), bounds=bounds)
        self.plan = replace(plan, want=want)
        self.plans = {plan.drill.id: self.plan}
        self._settings = settings
        self._deployment = deployment
        self._directory = directory
        self._shown = shown
        self._running = ExitStack()
        histories = directory / "histories"
        self._recorder = Recorder(want.service, histories / f"{want.service}.jsonl")
        self._others = Recorder("others", histories / "others.jsonl")
        self._alertmanager = AlertmanagerClient(deployment.alertmanager)
        self._observer = Observer(
            recorders={want.service: self._recorder},
            strangers=self._others,
            prometheus=PrometheusClient(deployment.prometheus),
            alertmanager=self._alertmanager,
            evaluation=evaluation,
            alive=self._dead,
        )
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read_alerts, name="routed", daemon=True)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self._shown)
            processes = starting.enter_context(Processes())
            self._load = LoadGenerator(processes, self._load_plan(), self._directory, self._sampled)
            self.targets = {self.plan.drill.id: self._target()}
            self._load.start()
            starting.callback(self._load.stop)
            self._load.wait_started(READY_SECONDS)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._observer.stop()
        self._running.close()

    @property
    def drilled(self) -> Mapping[str, Recorder]:
        """The drill's history while it is being written. Alerts of others are no reason to stop."""
        return {self.plan.drill.id: self._recorder}

    def stop(self, reason: str) -> None:
        """End the fault at once; the history says why."""
        self._recorder.note(Kind.STOPPED, text=reason)

    def drill(self) -> Over:
        """Run the drill to its end and return what happened."""
        name = self.plan.drill.id
        self._observer.start()
        self._reader.start()
        run_drill(self.plan, self.targets[name], self._recorder, self._shown.reporter(name))
        self._over.set()
        self._reader.join()
        self._observer.stop()
        self._others.close()
        nobody = History(service="nobody", events=())
        return Over(
            plans=self.plans,
            histories={name: self._recorder.close()},
            controls={name: nobody},
        )

    def _dead(self) -> str | None:
        status = self._load.died
        return None if status is None else f"the load ended with status {status}"

    def _sampled(self, sample: LoadSample) -> None:
        self.targets[sample.target].client.add(sample)

    def _load_plan(self) -> LoadPlan:
        drill = self.plan.drill
        held = drill.fault.effect(drill.load, drill.service).longest_response.total_seconds()
        longest = max(ORDINARY_RESPONSE_SECONDS, held)
        rate = drill.load.per_second
        target = TargetLoad(
            id=drill.id,
            host=self._deployment.target.url,
            rate_per_second=rate,
            users=users_needed(rate, longest),
            journey=drill.load.journey,
            instance=self._deployment.instance,
        )
        plan = LoadPlan(
            fault_secret_file=self._deployment.secret_file,
            targets=(target,),
            timeout_seconds=max(CLIENT_SECONDS, 2 * longest),
            lease_seconds=self._settings.lease_seconds,
        )
        check_load(
            target,
            # The service itself keeps threads free for scrapes, and refuses faults beyond those.
            threads=threads_needed(rate, longest),
            longest_response_seconds=longest,
            timeout_seconds=plan.timeout_seconds,
            lease_seconds=plan.lease_seconds,
        )
        return plan

    def _target(self) -> Target:
        address = Address(
            url=self._deployment.target.url,
            environment={
                "INSTRUMENT_FAULT_SECRET_FILE": str(self._deployment.secret_file),
                "INSTRUMENT_INSTANCE_ID": self._deployment.instance,
            },
        )
        return Target(
            id=self.plan.drill.id,
            instance=cast(Any, address),
            others=(),
            journey=self.plan.drill.load.journey,
            load=self._load,
            discovery=NOT_THERE,
            gateway=NOT_THERE,
            database=NOT_THERE,
            maintenance=NOT_THERE,
            backup_status=NOT_THERE,
            memory_limit_bytes=0,
            cpu_limit_cores=0.0,
            patience_seconds=PATIENCE_SECONDS,
            log_file=NOT_THERE,
            scraping=Scraping(timeout_seconds=0.0, sample_limit=0),
            time_scale=self._settings.time_scale,
            leased=True,
        )

    def _read_alerts(self) -> None:
        """Note when Alertmanager has an alert of the service, and when no more."""
        held: set[str] = set()
        while not self._over.wait(LOOK_SECONDS):
            try:
                alerts = self._alertmanager.alerts()
            except AlertmanagerError:
                continue  # the observer, which reads it too, says so and ends the drill
            mine = {
                one.labels.get("alertname", ""): one
                for one in alerts
                if one.labels.get("service") == self.plan.want.service
            }
            for name in mine.keys() - held:
                one = mine[name]
                self._note(
                    name,
                    "firing",
                    routed=", ".join(one.receivers),
                    drill=one.labels.get(DRILL_LABEL, ""),
                    drill_run=one.labels.get(DRILL_RUN_LABEL, ""),
                )
            for name in held - mine.keys():
                self._note(name, "resolved")
            held = set(mine)

    def _note(self, alert: str, status: str, **detail: str) -> None:
        self._recorder.note(
            Kind.DELIVERED,
            alert,
            **{"receiver": ALERTMANAGER, "status": status, "accepted": "true", **detail},
        )
