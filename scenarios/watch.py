"""One stack of a run with the drills that it watches: from its configuration to their histories.

One rule: a stack knows its own drills, its control and nothing of the run's other stacks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from scenarios.berth import CONTROL_LOAD, Berth
from scenarios.drill import Plan, run_drill
from scenarios.grounds import Grounds
from scenarios.histories import Histories
from scenarios.history import History, Kind, Recorder
from scenarios.lifecycle import READY_SECONDS, Departed, Lifecycle, Scraped
from scenarios.load import LoadError
from scenarios.lost_scrapes import scrape_failures
from scenarios.model import JOB, MAIN, Drill
from scenarios.observe import Observer
from scenarios.past import LENGTH, healthy_past
from scenarios.readiness import wait_evaluated, wait_thresholds, wait_visible
from scenarios.saying import SayPhase
from scenarios.scope import Scope
from scenarios.service import ServiceFailed
from scenarios.signal_queries import read_signals
from scenarios.signals import Signals
from scenarios.target import Scraping
from scenarios.watchers import Watchers
from scenarios.watching import as_seen, monitoring, polls, seen_within
from scenarios.watching import places as places_of
from stack.backfill import backfill
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.prometheus import PrometheusClient, PrometheusError
from stack.derive import Derived, RunAddresses
from stack.receivers import Receivers
from stack.rules import load_rules

SCRAPED_WATCHERS = ("prometheus", "alertmanager")
"""Those watchers that Prometheus scrapes, each by a job of its name."""

NO_RULES = "groups: []\n"
"""With what a stack starts: before its first scrape, five seconds after its start, every service is
gone, and at these time scales that is long enough for SoftFactoryDown, or a month's budget."""

STACK_UNSEEN_SECONDS = 7.0
"""How long a stack of its own takes until its rules are loaded and its drills' services scraped."""

Tamper = Callable[[Derived], Derived]


class Watch:
    """A Prometheus, an Alertmanager, receivers and an observer, and the drills they watch."""

    def __init__(
        self, name: str, drills: Sequence[Drill], grounds: Grounds, *, tamper: Tamper
    ) -> None:
        self.scope = Scope.of(name, drills, grounds.settings)
        self._grounds = grounds
        self._tamper = tamper
        self._directory = grounds.directory / "stacks" / name
        self.signals: dict[str, Signals] = {}

    def prepare(self, running: ExitStack) -> tuple[tuple[Berth, Scraping], ...]:
        """Derive the configuration, plan the drills, and return the berths that they need.

        With each goes how it will be scraped.

        Raises:
            ConfigurationError, UnknownAlert, ValueError: a scenario can't be run as it is.
        """
        grounds, asked = self._grounds, self.scope
        self.histories = Histories(asked, grounds.directory / "histories")
        secrets = self._directory / "secrets"
        receivers = running.enter_context(
            Receivers(
                secrets,
                lambda delivery: self._observer.received(delivery),
                host=grounds.premises.outside,
            )
        )
        places = places_of(grounds.settings, grounds.premises, asked.prefix)
        for place in places:
            running.callback(place.close)
        run = RunAddresses(
            prometheus_targets_glob=grounds.site.targets(asked.name) / "*.yml",
            prometheus=places[0].address,
            alertmanager=places[1].address,
            pagerduty_url=receivers.pagerduty_url,
            smtp_smarthost=receivers.smtp_smarthost,
            smtp_ca_file=receivers.smtp_ca_file,
            secrets_directory=secrets,
            drill_run=grounds.settings.drill_run,
        )
        self.derived = as_seen(asked.derive(run), grounds.settings)
        self.plans = asked.plans(self.derived)
        tampered = self._tamper(self.derived)
        self._rules = tampered.rules_yaml
        self.stack = monitoring(
            grounds.settings,
            grounds.premises,
            tampered,
            NO_RULES,
            self._directory,
            places,
            name_prefix=asked.prefix,
        )
        self._watchers = Watchers(self.stack, grounds.premises, receivers, prefix=asked.prefix)
        endpoints = self.stack.endpoints
        self.prometheus = PrometheusClient(endpoints.prometheus, rules=endpoints.rules)
        self.alertmanager = AlertmanagerClient(endpoints.alertmanager)
        # Now: an engine that runs already may tell of something as soon as it is given its routes.
        self._observer = Observer(
            recorders=self.histories.recorders,
            strangers=self.histories.strangers,
            prometheus=self.prometheus,
            alertmanager=self.alertmanager,
            evaluation=self.derived.evaluation_interval,
            alive=self._dead,
            down_on_purpose_since=self._watchers.down_on_purpose_since,
            polled=polls(grounds.settings),
            seen_within=seen_within(self.derived),
        )
        controls = () if asked.breaks_watchers else (None,)
        scraping = Scraping(
            timeout_seconds=self.derived.scrape_timeout.total_seconds(),
            sample_limit=self.derived.sample_limit,
        )
        return tuple(
            (
                Berth.of(
                    drill,
                    stack=asked.name,
                    settings=asked.settings,
                    run=grounds.directory,
                    quarters=grounds.quarters_of(drill),
                ),
                scraping,
            )
            for drill in (*asked.drills, *controls)
        )

    def start(self, running: ExitStack) -> None:
        """Start the watchers, over a past where theirs are days; nothing is waited for.

        Raises:
            BackfillError: the past could not be made.
        """
        running.enter_context(self.stack)
        if self.scope.judges_budgets:
            self._make_past()
        self.stack.start_both()
        self.stack.begin_clean(self.histories.services)

    @property
    def as_started(self) -> Derived:
        """Its configuration, with what the main stack was started with otherwise."""
        if self.scope.name != MAIN:
            return self.derived
        started = self._grounds.premises.changes
        return replace(self.derived, changes=(*self.derived.changes, *started))

    def _make_past(self) -> None:
        loads = {drill.label: drill.load.per_second for drill in self.scope.drills}
        loads[self.scope.control] = CONTROL_LOAD.per_second
        end = datetime.now(UTC)
        backfill(
            self._grounds.tools.promtool.command,
            healthy_past(self.derived.rules, loads),
            data=self.stack.prometheus_data,
            start=end - LENGTH / self.derived.time_scale,
            end=end,
            step=self.derived.scrape_interval,
        )

    def connect(self) -> None:
        """Make what works on the run's load, which is there now."""
        grounds = self._grounds
        self.lifecycle = Lifecycle(
            load=grounds.load,
            scraped=Scraped(self.prometheus),
            departed=Departed(
                self.prometheus,
                dropped_after=self.derived.discovery_tick
                + 4 * self.derived.scrape_interval
                + self.derived.visible_after,
            ),
            alertmanager=self.alertmanager,
            booting=grounds.booting,
            scrape=self.derived.scrape_interval,
        )

    def watch(self) -> None:
        """Bring the control up, wait until the stack is ready, and begin to observe.

        There are rules only then; where budgets are judged, the drills' services are up before.

        Raises:
            LaunchError, ServiceFailed, WaitTimeout: something did not come up.
        """
        drilled = [one.id for one in self.scope.drills] if self.scope.judges_budgets else []
        first = [self.scope.control, *drilled]
        targets = [self._grounds.targets[name] for name in dict.fromkeys(first)]
        for target in targets:
            self.lifecycle.bring_up(target)
        self.stack.wait_ready(READY_SECONDS)
        for target in targets:
            self.lifecycle.wait_scraped(target)
        wait_visible(self.prometheus, [target.id for target in targets])
        self.stack.load_rules(self._rules)
        self._begun = time.time()
        wait_evaluated(self.prometheus, self.stack, self.derived)
        if self.derived.visible_after:
            wait_thresholds(self.prometheus, load_rules(self._rules))
        self._observer.start()

    def _dead(self) -> str | None:
        ended = dict(self._watchers.unexpected())
        ended |= self._grounds.ended()
        if not ended:
            return None
        return "; ".join(f"{name} ended with status {code}" for name, code in ended.items())

    def bring_up(self, plan: Plan) -> None:
        """Bring one drill's service up, unless it is up since the stack is ready.

        Raises:
            LoadError, LogsFailed, ServiceFailed, WaitTimeout: it did not come up.
        """
        if plan.drill.id == self.scope.control or self.scope.judges_budgets:
            return
        target = self._grounds.targets[plan.drill.id]
        if target.shipper:
            self._grounds.logs.ship(target.shipper)
        self.lifecycle.bring_up(target)
        self.lifecycle.wait_scraped(target)

    def drill(self, plan: Plan, say: SayPhase) -> None:
        """Run one drill, and take its service away."""
        drill, recorder = plan.drill, self.histories.of(plan.drill)
        target = replace(
            self._grounds.targets[drill.id],
            answered_at=partial(self.lifecycle.scraped.answered_at, drill.id),
        )
        if drill.subject:
            target = replace(target, watchers=self._watchers)
        begun = time.time()
        with ExitStack() as armed:
            if heart := plan.want.heartbeat:
                switch = self._watchers.receivers.dead_mans_switch(
                    period=heart.period, grace=heart.grace
                )
                armed.enter_context(switch)
            run_drill(plan, target, recorder, say)
        if drill.subject in SCRAPED_WATCHERS:
            # The alert is made of the watcher's own scrapes: the service is a bystander.
            self._note_lost_scrapes(drill.subject, recorder, since=begun, job=drill.subject)
        else:
            self._note_lost_scrapes(drill.id, recorder, since=begun)
        # While its series are there: taking the service away deletes some.
        self.signals[drill.id] = read_signals(
            self.prometheus, self.derived, plan.want, recorder.snapshot()
        )
        if target.shipper and repaired(recorder.snapshot()):
            self._grounds.logs.leave(target.shipper)
        if self.scope.settings.keep or drill.id == self.scope.control:
            return
        recorder.close()
        try:
            self.lifecycle.take_away(target)
        except (AlertmanagerError, PrometheusError, LoadError, ServiceFailed, OSError) as error:
            self._observer.disturb(f"{drill.id} could not be taken away: {error}")

    def leave(self) -> None:
        """End the services that are left, when the stack that watches them ends with its drills."""
        if self.scope.settings.keep:
            return
        for name in dict.fromkeys([self.scope.control, *(drill.id for drill in self.scope.drills)]):
            # Where the load or the fleet is gone, so is the service, and the observers said so.
            with suppress(LoadError, ServiceFailed):
                self.lifecycle.end(self._grounds.targets[name])

    def failed_to_start(self, plan: Plan, error: Exception) -> None:
        """Note that a drill's service did not come up."""
        self.histories.of(plan.drill).note(Kind.DISTURBED, text=_said(error))

    def never_came_up(self, error: BaseException) -> None:
        """Note that the stack did not come up: nobody watched its services, nor its watchers."""
        self._observer.disturb(_said(error))

    def end(self) -> None:
        """Stop observing, and leave the finished histories."""
        self._observer.stop()
        control = self.histories.control
        self._note_lost_scrapes(self.scope.control, control, since=self._begun)
        control.note(Kind.ENDED)

    def _note_lost_scrapes(
        self, service: str, recorder: Recorder, *, since: float, job: str = JOB
    ) -> None:
        interval = self.derived.scrape_interval if job == JOB else self.derived.watcher_interval
        try:
            scrape_failures(
                self.prometheus,
                {service: recorder},
                since=since,
                interval=interval,
                job=job,
                hidden=self.derived.visible_after,
            )
        except PrometheusError as error:
            self._observer.disturb(f"the failed scrapes can't be read: {error}")


def repaired(history: History) -> bool:
    """Return whether what was broken was repaired, and nothing came between, as far as is told."""
    return bool(history.first(Kind.REPAIRED)) and not history.first(Kind.DISTURBED)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
