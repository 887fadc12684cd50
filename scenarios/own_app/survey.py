"""What an application is, found out before anything is drilled: it is made once, and looked at.

One rule: it is made in a process and a folder of its own, so that nothing of it is imported here,
and what keeps it from being drilled is one line before the run begins.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.own_app.exposed import MappingError, edges_of, mapped_names
from scenarios.own_app.told import NotTold, told_by

if TYPE_CHECKING:
    from scenarios.own_app.application import OwnApp

SURVEY_SECONDS = 60.0
"""How long an application may take to be made, and to answer each of its pages once."""

OK = range(200, 300)

TOOLKIT = Path(__file__).resolve().parents[2]


class SurveyFailed(ValueError):
    """The application can't be made, or is no application; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One rule of the application's URL map.

    Attributes:
        rule: as written, like ``/products/<int:number>``.
        methods: what it takes, without HEAD and OPTIONS.
        arguments: the names of its parts that are not fixed.
        status: with which a GET of it was answered; 0 where it was not asked for.
    """

    rule: str
    methods: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    status: int = 0
    static: bool = False

    @property
    def is_page(self) -> bool:
        """Whether a plain GET of it is answered well."""
        return "GET" in self.methods and not self.arguments and self.status in OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What an application is to a drill.

    Attributes:
        instrumented: whether it has the toolkit's instrumentation by itself.
        routes: its URL map, without the toolkit's own part.
        metrics: the names of all series that its rules would find.
        edges: of its own latency histogram, where one is mapped, the largest first.
        exposition: what it exposes by itself, where its own metrics are asked for.
        memory_bytes: what it holds once it is made and has answered.
    """

    instrumented: bool
    routes: tuple[Route, ...]
    metrics: frozenset[str]
    edges: tuple[str, ...] = ()
    exposition: str = ""
    memory_bytes: int = 0

    @property
    def pages(self) -> tuple[str, ...]:
        """The paths that a plain GET is answered well for, as requests."""
        return tuple(f"GET {one.rule}" for one in self.routes if one.is_page and not one.static)

    @property
    def catches_all(self) -> str:
        """The rule that every path matches, if there is one."""
        return next((one.rule for one in self.routes if one.rule.startswith("/<path:")), "")


def survey(own: OwnApp) -> Survey:
    """Make the application once and say what it is.

    Raises:
        SurveyFailed: it can't be made, in the words of the process that tried.
    """
    argv = [sys.executable, "-m", "instrumentation.described", "--app", own.name]
    argv += [part for path in own.paths for part in ("--path", str(path))]
    if own.metrics:
        argv += ["--metrics-path", own.metrics.path]
    with tempfile.TemporaryDirectory(prefix="alertproof-survey-") as folder:
        directory = Path(folder)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(TOOLKIT), os.environ.get("PYTHONPATH")])
            ),
            "INSTRUMENT_LOG_FILE": str(directory / "app.log"),
            "INSTRUMENT_ENVIRONMENT": "drill",
            **own.surroundings(directory),
        }
        try:
            said = told_by(
                argv,
                who=own.name,
                late="it was not made, or did not answer its pages, within",
                seconds=SURVEY_SECONDS,
                environment=environment,
                directory=directory,
            )
        except NotTold as error:
            raise SurveyFailed(str(error)) from error
    return _understood(own, json.loads(said))


def _understood(own: OwnApp, raw: Mapping[str, object]) -> Survey:
    routes = raw["routes"]
    metrics = raw["metrics"]
    exposition = str(raw["exposition"])
    assert isinstance(routes, Sequence)
    assert isinstance(metrics, Sequence)
    found = Survey(
        instrumented=bool(raw["instrumented"]),
        routes=tuple(
            Route(
                rule=one["rule"],
                methods=tuple(one["methods"]),
                arguments=tuple(one["arguments"]),
                status=one["status"],
                static=one["static"],
            )
            for one in routes
        ),
        metrics=frozenset(metrics),
        memory_bytes=int(str(raw["memory_bytes"])),
    )
    if own.metrics is None:
        return found
    try:
        names = mapped_names(own.metrics, exposition)
    except MappingError as error:
        raise SurveyFailed(f"{own.name}: {error}") from error
    return replace(
        found, metrics=names, edges=edges_of(exposition, own.metrics.latency), exposition=exposition
    )
