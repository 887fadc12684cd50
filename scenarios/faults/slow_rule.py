"""A rule reads from a storage that takes its time, so that its group takes most of its interval.

A costly expression would take as long as the machine lets it, and from its neighbours too. A read
that is held takes the same time on every machine, which is what lets a twin stay just below.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGHUP

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, Witness
from scenarios.faults.process import witnessed
from scenarios.faults.watching import load_again, watchers_of
from scenarios.target import Target
from stack.drill_files import PROMETHEUS_CONFIG, RULES
from stack.receivers.web import Answer, HttpDouble, Request

INTERVAL_SECONDS = 1.0
"""The group's own interval, at every time scale: long against the noise of a busy machine."""

GROUP = f"""
  - name: slowed-by-a-drill
    interval: {INTERVAL_SECONDS:g}s
    rules:
      - record: drill:kept_elsewhere:count
        expr: count(drill_samples{{kept="elsewhere"}})
"""

STORAGE = """
remote_read:
  - url: {url}/read
    read_recent: true
    required_matchers: {{kept: elsewhere}}
    remote_timeout: 30s
"""
"""Only queries with that matcher ask it; all others stay with Prometheus' own storage."""

EMPTY = "\x02\x04\x0a\x00"
"""A ReadResponse with one empty result: two bytes of protobuf as one snappy literal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRule:
    """Load one more group of rules, whose one read is held for ``of_interval`` of its interval."""

    of_interval: float
    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return f"a rule waits for its data for {self.of_interval:.0%} of its group's interval"

    def effect(self, load: Load, service: Service) -> Effect:
        """The gauge says 0 until the first evaluation has ended, and no zero may be left.

        Were they all to count, a whole window has to pass.
        """
        return Effect(fills=1.0)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Load the group and hold its reads until the context ends, which loads the old rules.

        The storage is the witness: it was asked, and has answered as late as it should.
        """
        watchers = watchers_of(target)
        over = threading.Event()
        answered = threading.Event()

        def respond(request: Request) -> Answer:
            over.wait(self.of_interval * INTERVAL_SECONDS)
            answered.set()
            return Answer(
                status=200,
                body=EMPTY,
                content_type="application/x-protobuf",
                headers=(("Content-Encoding", "snappy"),),
            )

        with HttpDouble("slow storage", respond, host=watchers.outside) as storage:
            rules = watchers.read(RULES).rstrip() + "\n" + GROUP
            config = watchers.read(PROMETHEUS_CONFIG).rstrip() + "\n"
            config += STORAGE.format(url=storage.url)
            try:
                with (
                    watchers.rewritten(RULES, rules),
                    watchers.rewritten(PROMETHEUS_CONFIG, config),
                ):
                    watchers.send("prometheus", SIGHUP)
                    yield witnessed(
                        target,
                        answered.is_set,
                        f"a read was held for {self.of_interval * INTERVAL_SECONDS:g} s",
                    )
            finally:
                over.set()  # whoever reads now is answered, so that the old rules are soon loaded
                load_again(target, "prometheus")
