"""Which drills a team's application can have, and what they are with its own routes and files.

One rule: decided before anything is drilled, from what was declared and from what the application
showed in the survey; a drill either becomes one of this application, or has a reason in one line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import promql_parser as ast

from scenarios.budget import window_share
from scenarios.capabilities import CONTAINERS
from scenarios.conditions import DATABASE, JOURNEY, Load, Service
from scenarios.faults.age_backup import AgeBackup
from scenarios.faults.age_backup_file import AgeBackupFile
from scenarios.faults.arm_faults import ArmFaults
from scenarios.faults.break_log import BreakLog
from scenarios.faults.change_journey import ChangeJourney
from scenarios.faults.crowd_exposition import CrowdExposition
from scenarios.faults.decline_cards import DeclineCards
from scenarios.faults.delay import Delay
from scenarios.faults.fault import Fault
from scenarios.faults.gateway_answers import GatewayAnswers
from scenarios.faults.lock_database import LockDatabase
from scenarios.faults.move_database import MoveDatabase
from scenarios.faults.read_only_database import ReadOnlyDatabase
from scenarios.faults.slow_query import SlowQuery
from scenarios.model import BUDGETS, MAIN, Drill
from scenarios.own_app.exposed import MILLISECONDS
from scenarios.scope import LONGEST_WINDOW
from stack import promql
from stack.durations import format_duration
from stack.recorded import reads
from stack.rules import AlertRule, RuleSet
from stack.windows import groups_within

if TYPE_CHECKING:
    from scenarios.own_app.application import OwnApp
    from scenarios.own_app.survey import Survey

UNMATCHED = 404

OBJECTIVE_MS = 1000.0
"""Where the rules on latency ask for the edge of a bucket (stack/alert-rules.yml)."""

ANY_SERVICE = Service()

ELSEWHERE = ("up", "scrape_", "prometheus_", "alertmanager_", "log_shipper_", "ALERTS")
"""The beginnings of the names of series that the service itself does not expose."""

CERTIFICATES = "softfactory_certificate_not_after_timestamp_seconds"
"""Exposed where a drill gives the service a certificate to watch."""

MEMORY_RATIO = 0.45
"""An idle application may hold so much of its limit: no drill's level is below it by chance."""

OF_THE_DATABASE = (MoveDatabase, LockDatabase, ReadOnlyDatabase)
ASKING_A_PAGE = (*OF_THE_DATABASE, ArmFaults, BreakLog)
OF_THE_DEMO: Mapping[type, str] = {
    DeclineCards: "payments",
    GatewayAnswers: "a payment gateway",
    SlowQuery: "a pool of database connections that the toolkit watches",
}


class DoesNotApply(Exception):
    """A drill that this application can't have; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRules:
    """Which drills the rules in force bear, whoever wrote them.

    Attributes:
        rules: the rules.
        promised: the severities for which somebody is promised to be told.
    """

    rules: RuleSet
    promised: Collection[str]

    def adapted(self, drill: Drill) -> Drill:
        """Return the drill without the alerts beside it that the rules don't define.

        Raises:
            DoesNotApply: they don't define its own, or it could prove nothing of it.
        """
        rule = self.rule(drill.alert)
        if drill.after:
            self.rule(drill.after.alert)
        severity = rule.labels.get("severity", "")
        if severity not in self.promised:
            raise DoesNotApply(
                f"{drill.alert} has severity {severity!r}, of which nobody is promised to be told; "
                "say who is in [tool.alertproof.receivers]"
            )
        known = {one.name for one in self.rules.alerts}
        drill = replace(
            drill,
            stack=self._stack(drill, rule),
            hushes=frozenset(drill.hushes) & known,
            uncovers=frozenset(drill.uncovers) & known,
        )
        try:
            effect = drill.fault.effect(drill.load, drill.service)
            if effect.fills is None:
                window_share(rule, effect.level if drill.fires else None)
        except ValueError as error:
            raise DoesNotApply(str(error)) from error
        return drill

    def _stack(self, drill: Drill, rule: AlertRule) -> str:
        """Return the stack that evaluates the rule's group: that of budgets has a past of days."""
        if rule.group in groups_within(self.rules, LONGEST_WINDOW):
            return MAIN
        if drill.stack != BUDGETS:
            raise DoesNotApply(
                f"{drill.alert} is in a group that looks back over more than "
                f"{format_duration(LONGEST_WINDOW)}, of which this drill makes no past"
            )
        return BUDGETS

    def rule(self, alert: str) -> AlertRule:
        """Return the rule of an alert.

        Raises:
            DoesNotApply: there is none.
        """
        try:
            return self.rules.alert(alert)
        except KeyError as error:
            raise DoesNotApply(f"{self.rules.source} defines no such alert") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicability:
    """Which drills an application of one's own can have."""

    own: OwnApp
    survey: Survey
    rules: RuleSet

    def adapted(self, drill: Drill) -> Drill:
        """Return the drill as this application has it; its alert is one of the rules.

        Raises:
            DoesNotApply: it can't have it; the message says why.
        """
        rule = self.rules.alert(drill.alert)
        if not drill.subject and (reason := self.why_unread(rule, drill.service)):
            raise DoesNotApply(reason)
        return self._with_own_parts(drill)

    def why_unread(self, rule: AlertRule, service: Service = ANY_SERVICE) -> str:
        """Return why a rule can't see this application; "" where it can."""
        return self._lacking_metrics(rule, service) or self._lacking_labels(rule)

    def _lacking_metrics(self, rule: AlertRule, service: Service) -> str:
        needed = reads(promql.parse(rule.inlined))
        watched = {CERTIFICATES} if service.certificate and not self.own.metrics else set()
        there = self.survey.metrics | watched
        lacking = sorted(
            name for name in needed - there if ":" not in name and not name.startswith(ELSEWHERE)
        )
        if not lacking:
            return ""
        how = (
            "map one of its own to it in [tool.alertproof.metrics]"
            if self.own.metrics
            else self._declaration(lacking)
        )
        return f"{self.own.name} exposes no {', '.join(lacking)}{'; ' if how else ''}{how}"

    @staticmethod
    def _declaration(lacking: Collection[str]) -> str:
        if any("backup" in name for name in lacking):
            return "name its file in [tool.alertproof] backup"
        if "softfactory_database_up" in lacking:
            return "name its file in [tool.alertproof.database]"
        return ""

    def _lacking_labels(self, rule: AlertRule) -> str:
        """Say where a rule asks for an endpoint, or for a bucket, that there is not."""
        wanted = _equalities(promql.parse(rule.inlined))
        known = {one.rule for one in self.survey.routes}
        known |= set() if self.own.metrics else {"unmatched"}
        if foreign := sorted(wanted.get("endpoint", set()) - known):
            return f"{self.own.name} has no endpoint {', '.join(foreign)}"
        metrics = self.own.metrics
        if metrics and self.survey.edges and _reads_objective(rule):
            factor = MILLISECONDS[metrics.unit]
            if not any(float(edge) * factor == OBJECTIVE_MS for edge in self.survey.edges):
                return f"{metrics.latency} has no bucket that ends at 1 s"
        return ""

    def _with_own_parts(self, drill: Drill) -> Drill:
        service = drill.service
        if service.postgresql or service.disk == DATABASE:
            raise DoesNotApply("breaks the server or the disk of the demo service's database")
        if foreign := [name for name in service.environment if not name.startswith("INSTRUMENT_")]:
            raise DoesNotApply(f"sets {', '.join(foreign)}, which only the demo service reads")
        if CONTAINERS in drill.requires:
            raise DoesNotApply("breaks a container, whose image holds the demo service")
        load, fault = self._asked(drill.load, drill.fault)
        return replace(drill, load=load, fault=self._own_fault(fault), service=self._roomy(service))

    def _roomy(self, service: Service) -> Service:
        """Give a large application a larger limit: idle it must be well below every threshold."""
        needed = round(self.survey.memory_bytes / MEMORY_RATIO / 2**20)
        return replace(service, memory_limit_mb=max(service.memory_limit_mb, needed))

    @property
    def pages(self) -> tuple[str, ...]:
        """The requests that are answered well, those that are named first."""
        named = tuple(name for name in self.own.journey if name.startswith("GET "))
        return named or self.survey.pages

    def everyday(self) -> Mapping[str, int]:
        """Return what clients ask for while nothing is broken."""
        return self.own.everyday(self.pages)

    def page(self) -> str:
        """Return the path of a page that is answered well; "" where none is known."""
        reads_database = self.own.database.reads if self.own.database else ""
        return (reads_database or next(iter(self.pages), "")).partition(" ")[2]

    def _asked(self, load: Load, fault: Fault) -> tuple[Load, Fault]:
        if load.journey == JOURNEY:
            only = getattr(fault, "only", ())
            if only:
                raise DoesNotApply(f"asks for {', '.join(only)}, which only the demo service has")
            return replace(load, journey=self.everyday()), fault
        names = dict(zip(load.journey, self.pages, strict=False))
        if any(not name.startswith("GET ") for name in load.journey):
            posted = ", ".join(name for name in load.journey if not name.startswith("GET "))
            raise DoesNotApply(f"asks for {posted}, which only the demo service has")
        if len(names) < len(load.journey):
            raise DoesNotApply(
                f"needs {len(load.journey)} pages to tell apart, and {self.own.name} has "
                f"{len(self.pages)} that a plain GET is answered well for; name some in "
                "[tool.alertproof.journey]"
            )
        journey = {names[name]: weight for name, weight in load.journey.items()}
        if isinstance(fault, Delay):
            fault = replace(fault, only=tuple(names[name] for name in fault.only))
        return replace(load, journey=journey), fault

    def _own_fault(self, fault: Fault) -> Fault:
        for kind, what in OF_THE_DEMO.items():
            if isinstance(fault, kind):
                raise DoesNotApply(f"breaks {what}, which only the demo service has")
        if isinstance(fault, OF_THE_DATABASE) and self.own.database is None:
            raise DoesNotApply("breaks a database; name its file in [tool.alertproof.database]")
        if isinstance(fault, ASKING_A_PAGE) and not self.page():
            raise DoesNotApply(
                "asks for a page; name one that a plain GET is answered well for in "
                "[tool.alertproof.journey]"
            )
        if isinstance(fault, AgeBackup):
            if self.own.backup is None:
                raise DoesNotApply("ages a backup; name its file in [tool.alertproof] backup")
            return AgeBackupFile(age=fault.age)
        if isinstance(fault, CrowdExposition) and self.own.metrics:
            raise DoesNotApply("crowds the toolkit's page of metrics, and another is scraped")
        return self._refusing(fault) if isinstance(fault, ChangeJourney) else fault

    def _refusing(self, fault: ChangeJourney) -> Fault:
        if fault.status == UNMATCHED:
            if self.survey.catches_all:
                raise DoesNotApply(f"no path is unknown where {self.survey.catches_all} is a route")
            return fault
        if not self.own.unauthorized:
            raise DoesNotApply(
                "asks for what is refused without a login; name such a request in "
                "[tool.alertproof] unauthorized"
            )
        return replace(fault, requests={self.own.unauthorized: sum(fault.requests.values())})


def _reads_objective(rule: AlertRule) -> bool:
    return any(matcher.name == "le" for matcher in _matchers(promql.parse(rule.inlined)))


def _equalities(expr: ast.Expr) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for matcher in _matchers(expr):
        if matcher.op == ast.MatchOp.Equal:
            found.setdefault(matcher.name, set()).add(matcher.value)
    return found


def _matchers(expr: ast.Expr) -> list[ast.Matcher]:
    own = list(expr.matchers.matchers) if isinstance(expr, ast.VectorSelector) else []
    return own + [one for child in promql.children(expr) for one in _matchers(child)]
