"""``python -m stack.baseline``: how far normal is from what the rules take for too much.

One rule: what can't be told ends in one line that says why and in a status that is not 0; the
report goes to standard output, and what is said about it to standard error.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack import promql
from stack.baseline.grid import Grid, grid_of
from stack.baseline.history import History, HistoryError
from stack.baseline.judging import stand, unknown
from stack.baseline.options import parser, prometheus_of
from stack.baseline.past import read_past, watched_moments
from stack.baseline.patch import PatchError, as_patch, changes, with_changes
from stack.baseline.progress import Progress
from stack.baseline.question import question_about
from stack.baseline.report import lines_of
from stack.baseline.standing import Aim, Standing, Verdict, written
from stack.clients import PrometheusClient, PrometheusError
from stack.clients.failure import failure_of
from stack.rules import AlertRule, RuleSet, load_rules
from stack.settings import SettingsError
from stack.yamlfile import ConfigurationError, read_duration, read_yaml

__all__ = ["main"]

_OK, _FOUND, _WRONG, _UNKNOWN, _INTERRUPTED = 0, 1, 2, 3, 130

EVALUATION_INTERVAL = timedelta(minutes=1)
"""Prometheus' own default (configuration, `global`), for one that does not tell its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    client: PrometheusClient
    history: History
    rules: RuleSet
    alerts: tuple[AlertRule, ...]
    span: timedelta
    step: timedelta | None
    aim: Aim


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    try:
        return _run(parser().parse_args(arguments))
    except (ConfigurationError, PatchError, SettingsError, OSError) as error:
        print(f"baseline: {error}", file=sys.stderr)
        return _WRONG
    except HistoryError as error:
        print(f"baseline: UNKNOWN: {error}", file=sys.stderr)
        return _UNKNOWN
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    text = options.rules.read_text(encoding="utf-8")
    rules = load_rules(text, str(options.rules))
    known = {rule.name for rule in rules.alerts}
    if wrong := sorted(set(options.alert) - known):
        raise ConfigurationError(
            f"{options.rules}:1: no alert {', '.join(wrong)}; known: {', '.join(sorted(known))}"
        )
    client = PrometheusClient(prometheus_of(options), timeout_seconds=options.timeout_seconds)
    asked = _Asked(
        client=client,
        history=History(client, deadline_seconds=options.deadline_seconds),
        rules=rules,
        alerts=tuple(one for one in rules.alerts if one.name in options.alert or not options.alert),
        span=timedelta(days=options.days),
        step=timedelta(seconds=options.step_seconds) if options.step_seconds else None,
        aim=Aim(
            most_a_month=options.most_a_month,
            least=timedelta(hours=options.least_hours),
            tighten=options.tighten,
        ),
    )
    _reach(client, options.timeout_seconds)
    standings = _standings(asked)
    print("\n".join(lines_of(standings)))
    if options.patch is not None:
        _write_patch(options.patch, text, options.rules, standings)
    verdicts = {one.verdict for one in standings}
    if verdicts & {Verdict.NOISY, Verdict.DEAD}:
        return _FOUND
    return _UNKNOWN if Verdict.UNKNOWN in verdicts else _OK


def _reach(client: PrometheusClient, timeout_seconds: float) -> None:
    """Ask for next to nothing, so that one who does not answer is told in one line.

    Raises HistoryError.
    """
    now = time.time()
    try:
        client.query_range("vector(1)", start=now, end=now, step_seconds=1.0)
    except PrometheusError as error:
        failure = failure_of(error, timeout_seconds)
        look = failure.look or f"curl {client.url}/-/ready"
        raise HistoryError(f"{client.url} can't be asked: {failure.why}; look: {look}") from error


def _standings(asked: _Asked) -> list[Standing]:
    step = asked.step or _evaluation_interval(asked.client)
    now = time.time()
    grids = _Grids(asked.history, end=now, span=asked.span)
    grid, watched = grids.of(step)
    print(
        f"{asked.client.url}, {written(timedelta(seconds=grid.span_seconds))} to "
        f"{datetime.fromtimestamp(grid.end, UTC):%Y-%m-%d %H:%M} UTC, every {grid.step_seconds} s\n"
    )
    begun_late = asked.span - timedelta(seconds=grid.span_seconds)
    if begun_late > timedelta(seconds=2 * grid.step_seconds):
        print(
            f"baseline: the history begins {written(timedelta(seconds=now - grid.start))} ago, not "
            f"{written(asked.span)}; what is said of a month rests on that",
            file=sys.stderr,
        )
    gaps = timedelta(seconds=watched.count(0) * grid.step_seconds)
    if gaps:
        print(
            f"baseline: for {written(gaps)} of it nothing was scraped: no rule was evaluated then",
            file=sys.stderr,
        )
    intervals = {group.name: group.interval for group in asked.rules.groups}
    found = []
    with Progress("baseline", len(asked.alerts), sys.stderr) as progress:
        for rule in asked.alerts:
            progress.at(rule.name)
            own = step if asked.step else intervals[rule.group] or step
            found.append(_standing(rule, asked, *grids.of(own)))
    return found


def _standing(rule: AlertRule, asked: _Asked, grid: Grid, watched: bytearray) -> Standing:
    try:
        question = question_about(rule, asked.rules)
        past = read_past(question, asked.history, grid, watched)
    except (HistoryError, promql.PromQLError) as error:
        return unknown(rule, str(error))
    return stand(rule, question, past, asked.aim)


class _Grids:
    """The moments of the past by their step, from the first one at which anything was scraped."""

    def __init__(self, history: History, *, end: float, span: timedelta) -> None:
        self._history = history
        self._end = end
        self._span = span
        self._found: dict[timedelta, tuple[Grid, bytearray]] = {}

    def of(self, step: timedelta) -> tuple[Grid, bytearray]:
        """Return the grid, and 1 for each of its moments at which something was scraped."""
        if step not in self._found:
            try:
                whole = grid_of(
                    end=self._end,
                    span_seconds=self._span.total_seconds(),
                    step_seconds=step.total_seconds(),
                )
            except ValueError as error:
                raise ConfigurationError(f"--days: {error}; ask for more") from error
            watched = watched_moments(self._history, whole)
            first = watched.find(1)
            if first < 0:
                raise HistoryError(
                    f"there is no sample of `up` in the last {written(self._span)}: nothing was "
                    "scraped, or it is kept elsewhere; ask for more --days, or another Prometheus"
                )
            start = whole.start + first * whole.step_seconds
            grid = replace(whole, start=start, count=whole.count - first)
            self._found[step] = (grid, watched[first:])
        return self._found[step]


def _evaluation_interval(client: PrometheusClient) -> timedelta:
    try:
        loaded = read_yaml(client.configuration(), client.url)
    except (PrometheusError, ConfigurationError) as error:
        print(
            f"baseline: it does not tell its evaluation interval ({' '.join(str(error).split())}); "
            f"taking {EVALUATION_INTERVAL.total_seconds():g} s, or give --step-seconds",
            file=sys.stderr,
        )
        return EVALUATION_INTERVAL
    shared = loaded.get("global")
    if not shared:
        return EVALUATION_INTERVAL
    return read_duration(shared, "evaluation_interval", client.url, EVALUATION_INTERVAL)


def _write_patch(patch: Path, text: str, rules: Path, standings: Sequence[Standing]) -> None:
    wanted = changes(standings, until=datetime.now(UTC).date())
    if not wanted:
        print(f"baseline: nothing to propose; {patch} was not written", file=sys.stderr)
        return
    here = Path.cwd()
    absolute = rules.resolve()
    shown = absolute.relative_to(here) if absolute.is_relative_to(here) else Path(rules.name)
    difference = as_patch(text, with_changes(text, str(rules), wanted), shown)
    patch.write_text(difference, encoding="utf-8")
    print(
        f"baseline: wrote {patch}, thresholds changed: {len(wanted)}; read it, then: "
        f"git apply {patch}",
        file=sys.stderr,
    )
