"""Runs the selected drills at the same time, each under its stack, beside unfaulted controls.

One rule: this module decides what begins when, so that waiting overlaps best and the machine can
bear it: the services of the main stack come up one by one just before their drills, those that
take longest first, and a stack of its own comes up and goes with its drill.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from scenarios.berth import CONTROL
from scenarios.beside import Beside
from scenarios.capabilities import CONTAINERS
from scenarios.drill import Plan
from scenarios.estimates import about_seconds, unseen_seconds
from scenarios.failures import STOPPED
from scenarios.gate import Gate, Work
from scenarios.grounds import Grounds
from scenarios.history import Kind, Recorder
from scenarios.lifecycle import READY_SECONDS
from scenarios.logs import LAST, Logs
from scenarios.model import MAIN, Drill
from scenarios.nodes import LogsFailed
from scenarios.progress import Progress, Shown
from scenarios.result import Phases, Result
from scenarios.saying import SayLine, SayPhase
from scenarios.settings import Settings
from scenarios.target import Target
from scenarios.watch import STACK_UNSEEN_SECONDS, Tamper, Watch
from scenarios.weight import SHIPPER_WEIGHT, weight
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.derive import Derived
from stack.endpoints import Endpoints
from stack.launch.monitoring import MonitoringStack
from stack.processes import Processes
from stack.tools import Tools


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
        beside: Sequence[Beside[Any]] = (),
        progress: Callable[[Mapping[str, Plan], SayLine], Shown] = Progress,
    ) -> None:
        """Prepare a run of ``drills`` that works below ``directory``.

        What is done ``beside`` them is let in as they are, and has ended when they have.
        ``progress`` makes what shows the drills' phases.
        ``tamper`` changes what is run, while expectations stay those of the production files; and
        ``interfere`` is called once the faults are in: both are how the toolkit's own tests show
        that a broken stack is noticed.
        """
        self.settings = settings
        self.directory = directory
        self.phases = Phases()
        self._say = say
        self._interfere = interfere
        self._make_progress = progress
        self._beside = [one.work() for one in beside]
        self._shipping = Beside(self._ship_control, seconds=LAST, weight=SHIPPER_WEIGHT)
        self._running = ExitStack()
        self._grounds = Grounds(settings, directory, self.phases, say)
        by_stack: dict[str, list[Drill]] = {MAIN: []}
        for drill in drills:
            by_stack.setdefault(drill.watched_by, []).append(drill)
        self._watches = {
            name: Watch(name, some, self._grounds, tamper=tamper) for name, some in by_stack.items()
        }
        self._begin = threading.Event()
        self._given_up = False

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
        """Where the main stack's Prometheus and Alertmanager are."""
        return self._main.stack.endpoints

    @property
    def stacks(self) -> tuple[MonitoringStack, ...]:
        """Every stack of the run."""
        return tuple(watch.stack for watch in self._watches.values())

    @property
    def prometheus(self) -> PrometheusClient:
        """The main stack's Prometheus."""
        return self._main.prometheus

    @property
    def derived(self) -> Derived:
        """The main stack's configuration."""
        return self._main.derived

    @property
    def tools(self) -> Tools:
        """What the run is made of."""
        return self._grounds.tools

    @property
    def processes(self) -> Processes:
        """Every process of the run but the services' own."""
        return self._grounds.processes

    @property
    def targets(self) -> dict[str, Target]:
        """Every service of the run."""
        return self._grounds.targets

    @property
    def logs(self) -> Logs:
        """What ships logs."""
        return self._grounds.logs

    @property
    def recorders(self) -> Mapping[str, Recorder]:
        """The main stack's histories while they are being written, by service."""
        return self._main.histories.recorders

    @property
    def drilled(self) -> Mapping[str, Recorder]:
        """Every drill's history while it is being written, by drill, with those of no drill."""
        return {
            name: recorder
            for watch in self._watches.values()
            for name, recorder in watch.histories.written()
        }

    @property
    def control(self) -> Target:
        """The main stack's service that nobody breaks."""
        return self.targets[CONTROL]

    @property
    def _main(self) -> Watch:
        return self._watches[MAIN]

    def _start(self, running: ExitStack) -> None:
        watches = self._watches.values()
        drills = [drill for watch in watches for drill in watch.scope.drills]
        own_clocks = any(drill.service.own_clock for drill in drills)
        logs = self.settings.logs or any(drill.service.ships_logs for drill in drills)
        containers = any(CONTAINERS in drill.requires for drill in drills)
        self._grounds.open(
            running, drills=len(drills), own_clocks=own_clocks, logs=logs, containers=containers
        )
        with self.phases.timed("start"):
            berths = [berth for watch in watches for berth in watch.prepare(running)]
            self._main.start(running)
            self._grounds.start(running, berths)
            for watch in watches:
                watch.connect()
            self.plans = {name: plan for watch in watches for name, plan in watch.plans.items()}
            self._progress = running.enter_context(self._make_progress(self.plans, self._say))
            # The first services come up while the stack does; no drill begins before it is up.
            self._drills = [self._work(plan) for plan in self._main.plans.values()]
            self._drills += [
                self._work_of_its_own(watch) for watch in watches if watch is not self._main
            ]
            self._beside += self._work_of_logs()
            self._gate = Gate((*self._drills, *self._beside), self._grounds.room)
            running.callback(self._give_up)  # before anything that the threads use is closed
            self._gate.open()
        with self.phases.timed("first scrape"):
            self._main.watch()

    def _give_up(self) -> None:
        self._given_up = True
        self._gate.close()
        self._begin.set()

    def drill(self) -> Result:
        """Run every drill to its end and return what happened."""
        with self.phases.timed("drills"):
            self._grounds.headroom.begin()
            self._begin.set()
            self._interfere(self)
            for work in self._drills:
                work.ended.wait()
        self._progress.close()
        if self._beside:
            with self.phases.timed("rest beside them"):
                for work in self._beside:
                    work.ended.wait()
        self._main.end()
        if self.settings.keep:
            self.end_turn()  # whoever looks around should not keep other runs waiting
        else:
            self._grounds.load.stop()
        histories = {
            name: history
            for watch in self._watches.values()
            for name, history in watch.histories.finished().items()
        }
        watches = self._watches.values()
        return Result(
            plans=self.plans,
            histories=histories,
            controls={
                plan.drill.id: histories[watch.scope.control_key]
                for watch in self._watches.values()
                for plan in watch.plans.values()
            },
            monitoring={
                name: watch.histories.monitoring() for name, watch in self._watches.items()
            },
            phases=self.phases.seconds,
            derived={name: watch.as_started for name, watch in self._watches.items()},
            tools=self.tools,
            metric_names=self._metric_names(),
            starved=self._grounds.headroom.starved,
            signals={name: one for watch in watches for name, one in watch.signals.items()},
        )

    def stop(self, reason: str) -> None:
        """End every fault at once, and let no further drill begin; the histories say why."""
        self._gate.close()
        for name, recorder in self.drilled.items():
            if name in self.plans:
                recorder.note(Kind.STOPPED, text=reason)

    def _metric_names(self) -> frozenset[str]:
        """Return what the main stack has stored; nothing where it died, as the histories say."""
        try:
            return self.prometheus.metric_names()
        except PrometheusError:
            return frozenset()

    def end_turn(self) -> None:
        """Let other runs begin: nothing is drilled any more."""
        self._grounds.turn.close()

    def ship_control(self) -> None:
        """Have the log of the main stack's control shipped, and return once it is.

        Raises:
            LogsFailed, ProcessError: it can't be.
        """
        self._shipping.done()

    def _ship_control(self) -> None:
        if self.control.shipper is None:
            raise LogsFailed("the control's log is not shipped in this run")
        self.logs.ship(self.control.shipper)

    def _work_of_logs(self) -> Iterator[Work]:
        """Yield what ships the logs that are looked at when all drills are over: last of all.

        The node is mostly up then, as drills have shipped to it, and the last drills leave room.
        """
        if self.control.shipper:
            yield self._shipping.work()
        if self.settings.handed_over:
            yield self.logs.handing_over.work()

    def _work(self, plan: Plan) -> Work:
        say = self._progress.reporter(plan.drill.id)
        return Work(
            run=partial(self._run, plan, say),
            seconds=about_seconds(plan),
            weight=weight(plan.drill, contained=self._grounds.contains(plan.drill)),
            unseen_seconds=unseen_seconds(plan),
            say=say,
        )

    def _run(self, plan: Plan, say: SayPhase) -> None:
        """Bring one drill's service up under the main stack, drill it, and take it away."""
        say("starting", READY_SECONDS)
        try:
            self._main.bring_up(plan)
        except STOPPED as error:
            self._main.failed_to_start(plan, error)
            say("failed to start", 0.0)
            return
        self._begin.wait()
        if not self._given_up:
            self._main.drill(plan, say)

    def _work_of_its_own(self, watch: Watch) -> Work:
        plans = [(one, self._progress.reporter(one.drill.id)) for one in watch.plans.values()]
        return Work(
            run=partial(self._run_own, watch, plans),
            seconds=max(about_seconds(plan) for plan, _ in plans),
            weight=watch.scope.weight,
            unseen_seconds=STACK_UNSEEN_SECONDS,
            say=plans[0][1],
        )

    def _run_own(self, watch: Watch, plans: Sequence[tuple[Plan, SayPhase]]) -> None:
        """Bring a stack up with all its drills' services, drill them, and end all of it."""
        with ExitStack() as running:
            for _, say in plans:
                say("starting its own stack", READY_SECONDS)
            running.callback(watch.leave)
            try:
                watch.start(running)
                watch.watch()
                for plan, _ in plans:
                    watch.bring_up(plan)
            except BaseException as error:
                watch.never_came_up(error)
                if isinstance(error, STOPPED):
                    return
                raise
            self._begin.wait()
            if self._given_up:
                return
            threads = [
                threading.Thread(target=watch.drill, args=(plan, say), daemon=True)
                for plan, say in plans
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            watch.end()
