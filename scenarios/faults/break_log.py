"""The log can't be written: a folder stands where its file was."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from scenarios.conditions import Load, Service
from scenarios.faults.fault import Effect, FaultDidNotBite, Witness
from scenarios.faults.process import witnessed
from scenarios.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakLog:
    """Put a folder in the log file's place. Whoever is root is stopped by that as well."""

    downtime: bool = False

    @property
    def text(self) -> str:
        """What is broken."""
        return "a folder stands where the log file was"

    def effect(self, load: Load, service: Service) -> Effect:
        """Every request's record is lost."""
        return Effect(level=load.per_second)

    @contextmanager
    def inject(self, target: Target) -> Iterator[Witness]:
        """Break the log until the context ends; a request that is in no log is the witness.

        That its record was lost, and not late, is sure once a later one is there: records are
        written in their order. So this is shown when the log works again.

        Raises:
            FaultDidNotBite: the record stands in the log after all.
        """
        away = target.log_file.with_suffix(".away")
        told_before = _complaints(target)
        target.log_file.rename(away)
        target.log_file.mkdir()
        lost = ""
        try:
            lost = _asked_for(target)
            yield witnessed(
                target,
                lambda: _complaints(target) > told_before and lost not in away.read_text(),
                "a request was answered, its record is in no file, and the service complains",
            )
        finally:
            target.log_file.rmdir()
            away.rename(target.log_file)
            kept = _asked_for(target)
            witnessed(
                target,
                lambda: kept in target.log_file.read_text(),
                "the log to hold the record of a request again",
            )
        if lost in target.log_file.read_text():
            raise FaultDidNotBite(f"{target.log_file} holds the record of {lost} after all")


def _asked_for(target: Target) -> str:
    """Ask for something under an id of its own, which the request's record carries."""
    name = f"drill-{uuid.uuid4().hex}"
    answer = requests.get(
        target.instance.url + target.page,
        headers={"X-Request-ID": name},
        timeout=target.patience_seconds,
    )
    answer.raise_for_status()
    return name


def _complaints(target: Target) -> int:
    """Return how often the instance has said on standard error that it loses records."""
    return (target.instance.directory / "gunicorn.log").read_text().count("records are lost")
