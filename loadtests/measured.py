"""Hooks into Locust: whom load may go to, and a verdict on the objectives as exit status.

A locustfile calls ``hook()``; beside one that does not, name ``loadtests/hooked.py`` as well.

One rule: workers count, and the one process that has no master judges: at the end, once, from all
counts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import (
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    MasterRunner,
    WorkerRunner,
)

from loadtests.hosts import OWNED, refusal
from loadtests.objectives import (
    SUCCESS_RATIO,
    WITHIN_MS,
    WITHIN_RATIO,
    Objectives,
    ObjectivesError,
    Tally,
    judge,
    line_of,
    overall,
    written,
)

REPORTED_AS = "objectives"
WRONG = 2
SECONDS_BETWEEN = 5.0
"""Between two lines that say how far it has come."""


def add_options(parser: LocustArgumentParser) -> None:
    """The options that this adds to Locust's; each may stand in the environment as well."""
    group = parser.add_argument_group("Objectives")
    for option, default, says in (
        ("within-ms", WITHIN_MS, "how fast an answer must be, in milliseconds"),
        ("within-ratio", WITHIN_RATIO, "the part of all requests that must be that fast"),
        ("success-ratio", SUCCESS_RATIO, "the part that must be answered as the journey expects"),
    ):
        variable = f"LOADTEST_{option.upper().replace('-', '_')}"
        group.add_argument(
            f"--{option}",
            type=float,
            default=default,
            env_var=variable,
            help=f"{says}; default: {default:g}",
        )
    group.add_argument("--verdict-file", default="", help="write the verdict here, as JSON")
    group.add_argument(
        OWNED,
        action="store_true",
        env_var="LOADTEST_I_OWN_THIS_HOST",
        help="the host is another machine, and mine to load",
    )


class Measured:
    """The counts of one process."""

    def __init__(self, environment: Environment) -> None:
        options = environment.parsed_options
        self._environment = environment
        self._verdict_file = Path(options.verdict_file) if options.verdict_file else None
        self._may_differ: bool = options.reset_stats
        self._begin()

    def _begin(self) -> None:
        options = self._environment.parsed_options  # a worker's are its master's from here on
        self._objectives = Objectives(
            within_ms=options.within_ms,
            within_ratio=options.within_ratio,
            success_ratio=options.success_ratio,
        )
        self._tally = Tally(self._objectives.within_ms)

    def listen(self) -> None:
        """Hook into the events of this process' part."""
        hooks, runner = self._environment.events, self._environment.runner
        hooks.request.add_listener(self._on_request)
        hooks.test_start.add_listener(self._on_test_start)
        if isinstance(runner, WorkerRunner):
            hooks.report_to_master.add_listener(self._on_report)
            return
        hooks.worker_report.add_listener(self._on_worker_report)
        hooks.quitting.add_listener(self._on_quitting)
        gevent.spawn(self._tell_how_far)

    def _tell_how_far(self) -> None:
        while True:
            gevent.sleep(SECONDS_BETWEEN)
            runner, tally = self._environment.runner, self._tally
            if runner is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING):
                sys.stderr.write(
                    f"loadtest: {runner.user_count} users, {tally.requests} requests, "
                    f"{tally.requests - tally.within} too slow, {tally.failed} failed\n"
                )

    def refuse(self) -> str | None:
        """Why the host that is set may not be loaded."""
        host = self._environment.host
        owned = self._environment.parsed_options.i_own_this_host
        return refusal(host, owned=owned) if host else None

    def _on_test_start(self, **_: object) -> None:
        self._begin()  # a person may start several, from Locust's page
        if why := self.refuse():
            sys.stderr.write(f"loadtest: {why}\n")
            raise StopUser(why)

    def _on_request(
        self,
        response_time: float | None,
        exception: BaseException | None,
        response: object = None,
        **_: object,
    ) -> None:
        status = getattr(response, "status_code", 0)
        self._tally.add(response_time or 0.0, failed=exception is not None, answered=bool(status))

    def _on_report(self, data: dict[str, object], **_: object) -> None:
        data[REPORTED_AS] = self._tally.take()

    def _on_worker_report(self, data: Mapping[str, object], **_: object) -> None:
        taken = data.get(REPORTED_AS)
        if isinstance(taken, Mapping):
            self._tally.merge(taken)

    def _on_quitting(self, **_: object) -> None:
        runner = self._environment.runner
        if isinstance(runner, MasterRunner) and runner.state != STATE_STOPPED:
            runner.quit()  # ended by a signal: what the workers counted last is still to come
        claims = judge(self._tally, self._objectives, disturbed=self._disturbed())
        if self._verdict_file is None:
            sys.stderr.write("".join(f"loadtest: {line_of(claim)}\n" for claim in claims))
        else:  # whoever asked for the file says it, after all that Locust has to say
            self._verdict_file.write_text(written(claims, self._tally.requests))
        self._environment.process_exit_code = int(overall(claims))

    def _disturbed(self) -> list[str]:
        runner = self._environment.runner
        found = []
        if isinstance(runner, MasterRunner) and (gone := len(runner.clients.missing)):
            found.append(f"{gone} workers were lost, and what they had not reported")
        seen = self._environment.stats.total.num_requests
        if seen != self._tally.requests and not self._may_differ:
            found.append(f"Locust counted {seen} requests, and this {self._tally.requests}")
        return found


def listen(environment: Environment, **_: object) -> None:
    """Begin in a Locust process that knows its options; ends it for what can't be."""
    try:
        measured = Measured(environment)
    except ObjectivesError as error:
        sys.stderr.write(f"loadtest: {error}\n")
        sys.exit(WRONG)
    if why := measured.refuse():
        sys.stderr.write(f"loadtest: {why}\n")
        sys.exit(WRONG)
    measured.listen()


def hook() -> None:
    """Have Locust take the options, and begin as soon as it knows them."""
    events.init_command_line_parser.add_listener(add_options)
    events.init.add_listener(listen)
