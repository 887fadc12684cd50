"""A rule that can be loaded, and fails whenever it is evaluated, stands beside the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGHUP

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.watching import LogTail, load_again, watchers_of
from scenarios.target import Target
from stack.drill_files import RULES

GROUP = """
  - name: broken-by-a-drill
    rules:
      - record: drill:ambiguous:ratio
        expr: up / on () up
"""
"""Several series on both sides and nothing to tell them apart: it fails as soon as there are data,
which is why no check of the file finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingRule:
    """Load one more group of rules, which fails at each evaluation."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "a rule that matches many series to many is loaded beside the others"

    def effect(self, load: Load, service: Service) -> Effect:
        """A rate needs two samples that differ: the second failure, and the scrape that tells it.

        That is an evaluation of 15 s and a scrape of 30 s more than for a state; the window has 5m,
        and all of them are scaled alike.
        """
        return Effect(fills=45 / 300)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Load the group; the end of the context loads the old rules. The log is the witness."""
        watchers = watchers_of(target)
        log = LogTail(watchers.log("prometheus"))
        try:
            with watchers.rewritten(RULES, watchers.read(RULES).rstrip() + "\n" + GROUP):
                watchers.send("prometheus", SIGHUP)
                yield witnessed(
                    target,
                    lambda: bool(log.line_with("Evaluating rule failed")),
                    "Prometheus logs that a rule could not be evaluated",
                )
        finally:
            load_again(target, "prometheus")
