"""Whether what a distribution requires is installed here, in a version that it takes.

One rule: what the packages themselves say is believed: the requirements of one, the versions of the
others. It speaks of the Python that runs the gate: run it in the service's image or environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from scenarios.deployment.rules import listed
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """One requirement, as it is written; `installed` is the version that is here, None for none."""

    requirement: str
    installed: str | None


def requirements(visit: Visit) -> tuple[Required, ...]:
    """See what is required, and what is installed."""
    name = visit.target.distribution
    try:
        written = metadata.requires(name) or []
    except metadata.PackageNotFoundError as error:
        raise NotSeen(f"{name} is not installed in this Python", f"pip install {name}") from error
    return tuple(
        Required(requirement=str(one), installed=_version(one.name))
        for one in map(Requirement, written)
        if one.marker is None or one.marker.evaluate({"extra": ""})
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def judge_requirements(seen: tuple[Required, ...] | Missing, distribution: str) -> Verdict:
    """Judge that each requirement is met."""
    claim = "dependencies are installed"
    expected = f"what {distribution} requires"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    problems = tuple(
        f"{one.requirement}: {one.installed or 'nothing'} is installed"
        for one in seen
        if not _meets(one)
    )
    observed = f"{len(seen)} of {len(seen)} that {distribution} requires"
    return of(claim, expected, observed, listed(problems), f"pip install {distribution}")


def _meets(one: Required) -> bool:
    if one.installed is None:
        return False
    return Requirement(one.requirement).specifier.contains(one.installed, prereleases=True)
