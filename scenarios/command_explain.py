"""``alertproof explain``: what would have to move for an alert to fire, and how it is drilled.

One rule: read from the rule's parsed expression; nothing is started.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from scenarios.catalogue import drills
from scenarios.conditions import JOURNEY
from scenarios.own_app.synthetic import synthetic
from scenarios.saying import SayLine
from stack import promql
from stack.durations import format_duration
from stack.played import CannotPlay, moves_of, plays_of
from stack.production import production_files
from stack.rules import AlertRule, RuleSet, load_rules
from stack.yamlfile import ConfigurationError


class Unexplained(Exception):
    """The command can't do what it was asked to; the message is one line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "alert", nargs="*", metavar="ALERT", help="default: all that no drill names"
    )
    parser.add_argument(
        "--rules", type=Path, metavar="FILE", help="default: the toolkit's own alert-rules.yml"
    )


def run(options: argparse.Namespace, say: SayLine) -> None:
    """Explain the alerts that are named, or all that no scenario names.

    Raises:
        Unexplained: the file can't be read, or has no such alert.
    """
    path: Path = options.rules or production_files().rules
    try:
        rules = load_rules(path.read_text(encoding="utf-8"), str(path))
    except (ConfigurationError, OSError) as error:
        raise Unexplained(str(error)) from error
    named = {drill.alert for drill in drills()}
    for alert in options.alert:
        if alert not in {rule.name for rule in rules.alerts}:
            known = ", ".join(sorted(rule.name for rule in rules.alerts))
            raise Unexplained(f"{path} defines no alert {alert!r}; it has {known}")
    chosen = [
        rule
        for rule in rules.alerts
        if (rule.name in options.alert if options.alert else rule.name not in named)
    ]
    if not chosen:
        say(f"every alert of {path} is drilled by a scenario; name one to have it explained")
    command = f"alertproof verify {f'--rules {options.rules} ' if options.rules else ''}"
    for rule in chosen:
        drilled = [one.id for one in drills() if one.alert == rule.name]
        for line in explained(rule, rules, drilled, command=command):
            say(line)


def explained(
    rule: AlertRule, rules: RuleSet, drilled: Sequence[str], *, command: str
) -> list[str]:
    """Return what a person must know of one alert, line by line.

    ``drilled`` names the scenarios that there are of it; ``command`` is what drills begin with.
    """
    expr = promql.parse(rule.inlined)
    lines = [f"{rule.name}  ({rules.source}:{rule.line})"]
    try:
        lines += [f"  {move.text}" for move in moves_of(expr)]
    except CannotPlay as reason:
        lines.append(f"  not to be read off the expression: {reason}")
        lines.append(
            f"  it looks back {format_duration(rule.window)} at most" if rule.window else ""
        )
    lines.append(
        f"  for {format_duration(rule.for_)}" if rule.for_ else "  at once: it has no `for`"
    )
    if drilled:
        lines.append(f"  drilled by {', '.join(drilled)}: {command}-k {rule.name}")
        return [line for line in lines if line]
    try:
        synthetic(rule, rules, JOURNEY)
    except CannotPlay as reason:
        lines.append(f"  no synthetic drill: {reason}")
    else:
        lines.append(
            "  synthetic drill, which proves rule, route and receivers, with these series:"
        )
        for one in plays_of(expr):
            lines.append(
                f"    {one.text}  {_level(one.well)} -> {_level(one.broken)}{_unit(one.kind)}"
            )
        lines.append(f"  {command}--synthetic -k {rule.name}")
    return [line for line in lines if line]


def _level(value: float | None) -> str:
    return "not there" if value is None else f"{value:g}"


def _unit(kind: str) -> str:
    return {"counter": " a second", "age": " s ago"}.get(kind, "")
