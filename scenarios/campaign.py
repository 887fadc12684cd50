"""Runs the selected drills at the same time, under one stack, beside an unfaulted control.

One rule: this module starts and ends everything that a run needs, in the order in which waiting
overlaps best, and leaves nothing behind.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from scenarios.admission import admitted
from scenarios.drill import Plan, run_drill
from scenarios.expectation import expect
from scenarios.history import Kind, Recorder
from scenarios.load import LoadGenerator
from scenarios.load_plan import LoadPlan, check_load
from scenarios.load_sample import LoadSample
from scenarios.model import Drill
from scenarios.observe import Observer, scrape_failures
from scenarios.progress import Progress
from scenarios.result import Phases, Result
from scenarios.service import Fleet
from scenarios.settings import Settings
from scenarios.site import CONTROL, Berth, Site
from scenarios.target import Target
from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.derive import Derived, RunAddresses, derive
from stack.endpoints import Endpoints
from stack.launch.embedded import EmbeddedStack
from stack.ports import reserve
from stack.processes import Processes
from stack.receivers import Receivers
from stack.rules import load_rules
from stack.tools import ToolSettings, find_tools
from stack.waiting import NotYet, wait_until
from stack.windows import groups_within

READY_SECONDS = 60.0
"""How long the stack may take until every target is scraped; it takes about six seconds."""

PATIENCE_SECONDS = 15.0
"""How long a fault may take to show its witness or to be repaired, beside the sampling period."""

LONGEST_WINDOW = timedelta(hours=2)
"""How far back, in production, a rule of these drills may look: two minutes at time scale 60.

Groups of rules that look further back (error budgets) resolve too late, and start from a history
of days: they are drilled on a stack of their own.
"""

STRANGERS = "strangers"
"""The history of whatever belongs to no service of the run."""

Tamper = Callable[[Derived], Derived]


class Campaign:
    """One run: enter it to bring everything up, :meth:`drill` to break it, leave it to clean up."""

    def __init__(
        self,
        settings: Settings,
        drills: Sequence[Drill],
        *,
        directory: Path,
        say: Callable[[str], None],
        tamper: Tamper = lambda derived: derived,
        interfere: Callable[[Campaign], None] = lambda campaign: None,
    ) -> None:
        """Prepare a run of ``drills`` that works below ``directory``.

        ``tamper`` changes what is run, while expectations stay those of the production files; and
        ``interfere`` is called once the faults are in: both are how the toolkit's own tests show
        that a broken stack is noticed.
        """
        self.settings = settings
        self.drills = tuple(drills)
        self.directory = directory
        self.phases = Phases()
        self._say = say
        self._tamper = tamper
        self._interfere = interfere
        self._running = ExitStack()
        self.processes = Processes()
        self.targets: dict[str, Target] = {}

    def __enter__(self) -> Campaign:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self.phases.timed("clean up"):
            self._running.close()

    @property
    def endpoints(self) -> Endpoints:
        """Where Prometheus and Alertmanager are."""
        return self._stack.endpoints

    @property
    def control(self) -> Target:
        """The service that nobody breaks."""
        return self.targets[CONTROL]

    def _start(self, running: ExitStack) -> None:
        settings = self.settings
        tool_settings = ToolSettings.from_env()
        with self.phases.timed("find tools"):
            self.tools = find_tools(tool_settings, self._say)
        with self.phases.timed("wait for turn"):
            self._turn = running.enter_context(ExitStack())
            self._turn.enter_context(
                admitted(
                    len(self.drills),
                    settings.time_scale,
                    lock=tool_settings.cache_directory / "drilling.lock",
                    cores=len(os.sched_getaffinity(0)),
                    say=self._say,
                )
            )
        with self.phases.timed("start"):
            self.recorders = {
                name: Recorder(name, self.directory / "histories" / f"{name}.jsonl")
                for name in [drill.id for drill in self.drills] + [CONTROL, STRANGERS]
            }
            strangers = self.recorders.pop(STRANGERS)
            running.enter_context(self.processes)
            receivers = running.enter_context(
                Receivers(
                    self.directory / "secrets", lambda delivery: self._observer.received(delivery)
                )
            )
            site = Site.make(self.directory, settings)
            fleet = Fleet(self.processes, settings.app, self.directory)
            fleet.start()
            ports = [running.enter_context(reserve()) for _ in range(3)]
            prometheus_port, alertmanager_port, gateway_port = (one.port for one in ports)
            rules = load_rules(settings.production.rules.read_text(encoding="utf-8"))
            self.derived = derive(
                settings.production,
                time_scale=settings.time_scale,
                groups=groups_within(rules, LONGEST_WINDOW),
                run=RunAddresses(
                    prometheus_targets_glob=site.targets / "*.yml",
                    prometheus=f"127.0.0.1:{prometheus_port}",
                    alertmanager=f"127.0.0.1:{alertmanager_port}",
                    pagerduty_url=receivers.pagerduty_url,
                    smtp_smarthost=receivers.smtp_smarthost,
                    smtp_ca_file=receivers.smtp_ca_file,
                    secrets_directory=self.directory / "secrets",
                ),
            )
            self.plans = {drill.id: self._plan(drill) for drill in self.drills}
            berths = [
                Berth.of(drill, settings=settings, run=self.directory, shared_gateway=ports[2])
                for drill in (*self.drills, None)
            ]
            load_plan = LoadPlan(
                fault_secret_file=site.fault_secret,
                targets=tuple(berth.targeted for berth in berths),
                timeout_seconds=max(2.0, *(2 * one.longest_response_seconds for one in berths)),
            )
            for berth in berths:
                check_load(
                    berth.targeted,
                    threads=berth.threads,
                    longest_response_seconds=berth.longest_response_seconds,
                    timeout_seconds=load_plan.timeout_seconds,
                )
            self._load = LoadGenerator(self.processes, load_plan, self.directory, self._sampled)
            patience = PATIENCE_SECONDS + 2 * settings.sample.total_seconds()
            for berth in berths:
                running.callback(berth.port.close)
                self.targets[berth.id] = site.build(berth, fleet, self._load, patience)
            self._start_stack(running, prometheus_port, alertmanager_port)
            self._strangers = strangers
            self._observer = Observer(
                recorders=self.recorders,
                strangers=strangers,
                prometheus=self.prometheus,
                alertmanager=self.alertmanager,
                evaluation=self.derived.evaluation_interval,
                alive=self._dead,
            )
            site.start_gateway("shared", gateway_port, self.directory / "gateway", self.processes)
            for berth in berths:
                if berth.service.own_gateway:
                    running.callback(berth.gateway_port.close)
                    site.start_gateway(
                        berth.id, berth.gateway_port.port, berth.directory, self.processes
                    )
                self.targets[berth.id].instance.start()
            for target in self.targets.values():
                target.instance.wait_serving(READY_SECONDS)
            self._load.start()
            self._load.wait_started(READY_SECONDS)
        with self.phases.timed("first scrape"):
            self._wait_ready()
        self._observer.start()

    def _start_stack(
        self, running: ExitStack, prometheus_port: int, alertmanager_port: int
    ) -> None:
        run = self._tamper(self.derived)
        self._stack = running.enter_context(
            EmbeddedStack(
                self.tools,
                run.prometheus_yaml,
                run.rules_yaml,
                run.alertmanager_yaml,
                run.prometheus_flags,
                run.alertmanager_flags,
                self.directory / "stack",
                prometheus_port,
                alertmanager_port,
                self.processes,
            )
        )
        self._stack.start_prometheus()
        self._stack.start_alertmanager()
        self.prometheus = PrometheusClient(self._stack.endpoints.prometheus_url)
        self.alertmanager = AlertmanagerClient(self._stack.endpoints.alertmanager_url)

    def _plan(self, drill: Drill) -> Plan:
        beside = [*([drill.after.alert] if drill.after else []), *sorted(drill.hushes)]
        probe = self.settings.sample
        return Plan(
            drill=drill,
            want=expect(self.derived, drill, probe=probe),
            others=tuple(
                expect(self.derived, drill, probe=probe, alert=alert)
                for alert in dict.fromkeys(beside)
            ),
        )

    def _sampled(self, sample: LoadSample) -> None:
        self.targets[sample.target].client.add(sample)

    def _wait_ready(self) -> None:
        self._stack.wait_ready(READY_SECONDS)

        def ready() -> bool:
            health = {one.labels.get("service"): one.health for one in self.prometheus.targets()}
            waiting = sorted(name for name in self.targets if health.get(name) != "up")
            if waiting:
                raise NotYet(f"not scraped yet: {', '.join(waiting)}")
            if self.prometheus.active_alertmanagers() < 1:
                raise NotYet("Prometheus knows no Alertmanager yet")
            if not all(rule.last_evaluation for rule in self.prometheus.rules().rules):
                raise NotYet("the rules are not evaluated yet")
            return True

        scraped_twice = 2 * self.derived.scrape_interval.total_seconds()
        wait_until(
            ready,
            what="every target to be scraped",
            timeout_seconds=READY_SECONDS + scraped_twice,
            interval_seconds=0.1,
            retry_on=(PrometheusError,),
        )

    def _dead(self) -> str | None:
        ended = self.processes.exited()
        if not ended:
            return None
        return "; ".join(f"{name} ended with status {code}" for name, code in ended.items())

    def drill(self) -> Result:
        """Run every drill to its end and return what happened."""
        begun = time.time()
        with self.phases.timed("drills"), Progress(self.plans, self._say) as progress:
            threads = [
                threading.Thread(
                    target=run_drill,
                    args=(
                        plan,
                        self.targets[name],
                        self.recorders[name],
                        progress.reporter(name),
                    ),
                    name=name,
                    daemon=True,
                )
                for name, plan in self.plans.items()
            ]
            for thread in threads:
                thread.start()
            self._interfere(self)
            for thread in threads:
                thread.join()
        self._observer.stop()
        try:
            scrape_failures(
                self.prometheus,
                self.recorders,
                since=begun,
                interval=self.derived.scrape_interval,
            )
        except PrometheusError as error:
            self._observer.disturb(f"the failed scrapes can't be read: {error}")
        if self.settings.keep:
            self._turn.close()  # whoever looks around should not keep other runs waiting
        else:
            self._load.stop()
        self.recorders[CONTROL].note(Kind.ENDED)
        return Result(
            plans=self.plans,
            histories={name: recorder.close() for name, recorder in self.recorders.items()},
            strangers=self._strangers.close(),
            phases=self.phases.seconds,
            derived=self.derived,
            tools=self.tools,
        )
