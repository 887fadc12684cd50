"""A run's ``evidence.json`` becomes frozen data, or one line that says what is wrong with it.

One rule: past this module there is no JSON, and every complaint names the place in the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from scenarios.attribution import Cell
from scenarios.history import Event, History, Kind
from scenarios.measures import Measures
from scenarios.pages.record import Difference, DrillRecord, Limits, Rule, RunRecord, Tool
from scenarios.report import SCHEMA, NotApplicable
from scenarios.signals import Curve, Signal, Signals
from scenarios.verdict import Status, Verdict

T = TypeVar("T")


class EvidenceError(ValueError):
    """A file is no evidence that can be shown: which, where in it, and what was expected."""


class Node:
    """A place in a JSON document, which knows its own path for complaints."""

    def __init__(self, value: Any, path: str) -> None:
        self._value, self._path = value, path

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self._value, dict):
            raise self._wrong("an object")
        if key not in self._value:
            raise EvidenceError(f"{self._path} has no {key!r}")
        return Node(self._value[key], f"{self._path}.{key}")

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield each entry of an object."""
        if not isinstance(self._value, dict):
            raise self._wrong("an object")
        for key, value in self._value.items():
            yield key, Node(value, f"{self._path}.{key}")

    def each(self, make: Callable[[Node], T]) -> tuple[T, ...]:
        """Return what is made of every element of a list."""
        if not isinstance(self._value, list):
            raise self._wrong("a list")
        return tuple(make(Node(one, f"{self._path}[{at}]")) for at, one in enumerate(self._value))

    def has(self, key: str) -> bool:
        """Tell whether an object has an entry."""
        return isinstance(self._value, dict) and key in self._value

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self._value, str):
            raise self._wrong("a text")
        return self._value

    def flag(self) -> bool:
        """Return a truth value."""
        if not isinstance(self._value, bool):
            raise self._wrong("true or false")
        return self._value

    def number(self) -> float:
        """Return a number."""
        if isinstance(self._value, bool) or not isinstance(self._value, int | float):
            raise self._wrong("a number")
        return float(self._value)

    def number_or_none(self) -> float | None:
        """Return a number, or ``None`` for null."""
        return None if self._value is None else self.number()

    def texts(self) -> Mapping[str, str]:
        """Return an object of texts."""
        return {key: node.text() for key, node in self.items()}

    def made(self, make: Callable[[str], T], expected: str) -> T:
        """Return what ``make`` makes of a text; its ValueError becomes a complaint."""
        try:
            return make(self.text())
        except ValueError as error:
            raise self._wrong(expected) from error

    def _wrong(self, expected: str) -> EvidenceError:
        return EvidenceError(f"{self._path} is {str(self._value)[:60]!r}, expected {expected}")


def opened(text: str, source: str) -> Node:
    """Return the root of a file's ``text``, which is evidence of this version; ``source`` names it.

    Raises:
        EvidenceError: it is not evidence, or of another version of this toolkit.
    """
    try:
        root = Node(json.loads(text), source)
    except ValueError as error:
        raise EvidenceError(f"{source} is not JSON: {error}") from error
    if not root.has("schema") or root["schema"].number() != SCHEMA:
        said = f"schema {root['schema'].number():g}" if root.has("schema") else "no schema"
        raise EvidenceError(
            f"{source} has {said}, and this version shows schema {SCHEMA}: run the checks again"
        )
    return root


def read_run(text: str, source: str) -> RunRecord:
    """Return the run that a file's ``text`` is the evidence of; ``source`` names it.

    Raises:
        EvidenceError: it is not evidence, or of another version of this toolkit.
    """
    root = opened(text, source)
    again = {name: node.each(Node.text) for name, node in root["drilled_again"].items()}
    machine = root["machine"]
    return RunRecord(
        written_at=root["written_at"].made(datetime.fromisoformat, "a time in ISO 8601"),
        verdict=_status(root["verdict"]),
        exit_status=int(root["exit_status"].number()),
        time_scale=root["time_scale"].number(),
        stack=root["stack"].text(),
        app=root["app"].text(),
        phases_seconds={name: node.number() for name, node in root["phases_seconds"].items()},
        machine=f"{machine['system'].text()}, {machine['cores'].number():g} cores, "
        f"{machine['memory_bytes'].number() / 2**30:.1f} GiB",
        versions=root["versions"].texts(),
        tools=root["tools"].each(
            lambda one: Tool(
                name=one["name"].text(),
                version=one["version"].text(),
                origin=one["origin"].text(),
            )
        ),
        differences=root["changes_from_production"].each(
            lambda one: Difference(**{each.name: one[each.name].text() for each in _DIFFERENCE})
        ),
        drills=tuple(
            _drill(name, one, again.get(name, ())) for name, one in root["drills"].items()
        ),
        checks={name: one.each(_verdict) for name, one in root["checks"].items()},
        cells=root["attribution"].each(
            lambda one: Cell(
                drill=one["drill"].text(),
                alert=one["alert"].text(),
                declared=one["declared"].flag(),
                delivered=one["delivered"].flag(),
            )
        ),
        not_applicable=root["not_applicable"].each(
            lambda one: NotApplicable(test=one["test"].text(), reason=one["reason"].text())
        ),
    )


_DIFFERENCE = fields(Difference)


def _drill(name: str, one: Node, again: tuple[str, ...]) -> DrillRecord:
    logs, rule, bounds = one["logs"], one["rule"], one["bounds_seconds"]
    measured = one["measured_seconds"]
    return DrillRecord(
        id=name,
        alert=one["alert"].text(),
        fault=one["fault"].text(),
        fires=one["fires"].flag(),
        heartbeat=one["heartbeat"].flag(),
        severity=one["severity"].text(),
        receivers=one["receivers"].each(Node.text),
        limits=Limits(**{each.name: bounds[each.name].number() for each in fields(Limits)}),
        measured=Measures(
            **{each.name: measured[each.name].number_or_none() for each in fields(Measures)}
        ),
        verdict=_status(one["verdict"]),
        claims=one["claims"].each(_verdict),
        rule=Rule(
            file=rule["file"].text(),
            line=int(rule["line"].number()),
            expression=rule["expression"].text(),
            for_seconds=rule["for_seconds"].number(),
            time_scale=rule["time_scale"].number(),
            tick_seconds=rule["tick_seconds"].number(),
            runbook_url=rule["runbook_url"].text(),
            panel=rule["panel"].text(),
        ),
        signals=_signals(one["signals"]),
        logs_command=logs["command"].text() if logs.has("command") else "",
        logs_kql=logs["kql"].text() if logs.has("kql") else "",
        history=History.of(name, one["history"].each(_event)),
        again=again,
    )


def _signals(one: Node) -> Signals:
    return Signals(
        sentence=one["sentence"].text(),
        start=one["start"].number(),
        step_seconds=one["step_seconds"].number(),
        conditions=one["conditions"].each(_signal),
        problem=one["problem"].text(),
    )


def _signal(one: Node) -> Signal:
    return Signal(
        letter=one["letter"].text(),
        query=one["query"].text(),
        sign=one["sign"].text(),
        limit=one["limit"].number_or_none(),
        limit_name=one["limit_name"].text(),
        moving_limit=one["moving_limit"].each(Node.number_or_none),
        unit=one["unit"].text(),
        curves=one["curves"].each(
            lambda each: Curve(
                labels=each["labels"].texts(), values=each["values"].each(Node.number_or_none)
            )
        ),
        left_out=int(one["left_out"].number()),
        decides=one["decides"].flag(),
    )


def _event(one: Node) -> Event:
    return Event(
        at=one["at"].number(),
        kind=one["kind"].made(Kind, "a kind of event"),
        alert=one["alert"].text() if one.has("alert") else "",
        text=one["text"].text() if one.has("text") else "",
        detail=one["detail"].texts() if one.has("detail") else {},
    )


def _verdict(one: Node) -> Verdict:
    return Verdict(
        claim=one["claim"].text(),
        status=_status(one["status"]),
        expected=one["expected"].text(),
        observed=one["observed"].text(),
        because=one["because"].text(),
        look=one["look"].text(),
    )


def _status(one: Node) -> Status:
    return one.made(Status, "PASS, FAIL or UNKNOWN")
