"""The top of the page: what was proved, what was not and why, in counts and in words.

One rule: verdicts come in and are counted; what is not PASS is never left out or summed up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from scenarios.expectation import severities_in_order
from scenarios.measures import closest
from scenarios.pages.amounts import DASH, seconds
from scenarios.pages.record import DrillRecord, RunRecord
from scenarios.verdict import Status, Verdict

NOT_APPLICABLE = "NOT APPLICABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """The drills of one severity; the texts are those that came closest to their bounds."""

    name: str
    receivers: str
    drills: int
    passed: int
    detected: str
    resolved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of claim: how many of it were judged, and how many are PASS."""

    name: str
    judged: int
    passed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """A claim that is not PASS; ``drill`` is "" where it is about none."""

    subject: str
    drill: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Inapplicable:
    """What a run can't have, for one reason."""

    reason: str
    claims: int
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The top of the page."""

    headline: str
    counts: Mapping[str, int]
    drills: int
    alerts: int
    quiet: int
    severities: tuple[Severity, ...]
    kinds: tuple[Kind, ...]
    checks: tuple[Kind, ...]
    unproved: tuple[Unproved, ...]
    inapplicable: tuple[Inapplicable, ...]


def overview(run: RunRecord) -> Overview:
    """Return the top of the page for a run."""
    verdicts = [*_of_drills(run), *_of_checks(run)]
    counts = Counter(one.verdict.status.value for one in verdicts)
    counts[NOT_APPLICABLE] = len(run.not_applicable)
    alerts = {one.alert for one in run.drills} | {cell.alert for cell in run.cells}
    names = [*(status.value for status in Status), NOT_APPLICABLE]
    return Overview(
        headline=_headline(run, len(verdicts), counts),
        counts={name: counts[name] for name in names},
        drills=len(run.drills),
        alerts=len({one.alert for one in run.drills}),
        quiet=sum(not one.fires for one in run.drills),
        severities=tuple(_severities(run.drills)),
        kinds=_kinds(
            (kind_of(one, drill, alerts), one) for drill in run.drills for one in drill.claims
        ),
        checks=_kinds((folder_of(test), one) for test, some in run.checks.items() for one in some),
        unproved=tuple(
            sorted(
                (one for one in verdicts if one.verdict.status is not Status.PASS),
                key=lambda one: (one.verdict.status is not Status.FAIL, one.subject),
            )
        ),
        inapplicable=tuple(_inapplicable(run)),
    )


def _of_drills(run: RunRecord) -> Iterator[Unproved]:
    for drill in run.drills:
        for claim in drill.claims:
            yield Unproved(subject=drill.id, drill=drill.id, verdict=claim)


def _of_checks(run: RunRecord) -> Iterator[Unproved]:
    for test, claims in run.checks.items():
        for claim in claims:
            yield Unproved(subject=test, drill="", verdict=claim)


def _headline(run: RunRecord, claims: int, counts: Mapping[str, int]) -> str:
    failed, unknown = counts[Status.FAIL.value], counts[Status.UNKNOWN.value]
    if not claims:
        return "No claim was judged, so that nothing was proved"
    if failed or unknown:
        parts = [f"{failed} failed"] * bool(failed)
        parts += [f"{unknown} could not be judged"] * bool(unknown)
        return f"Of {claims} claims {' and '.join(parts)}"
    if run.verdict is not Status.PASS:
        return f"All {claims} claims that were judged hold, but the run ended with exit status " + (
            f"{run.exit_status}"
        )
    return f"All {claims} claims were proved"


def _severities(drills: Sequence[DrillRecord]) -> Iterator[Severity]:
    for name in severities_in_order(one.severity for one in drills):
        some = [one for one in drills if one.severity == name]
        yield Severity(
            name=name,
            receivers=", ".join(sorted({who for one in some for who in one.receivers})),
            drills=len(some),
            passed=sum(one.verdict is Status.PASS for one in some),
            detected=_closest((one, one.measured.detection, one.limits.arrives) for one in some),
            resolved=_closest(
                (one, one.measured.resolution, one.limits.resolution_arrives) for one in some
            ),
        )


def _closest(timed: Iterable[tuple[DrillRecord, float | None, float]]) -> str:
    """Return the drill that took the largest share of its bound, and how much of how much."""
    found = closest((one.id, taken, bound) for one, taken, bound in timed if one.fires)
    if found is None:
        return DASH
    return f"{found.drill}, {seconds(found.seconds)} of {seconds(found.bound_seconds)}"


def _kinds(named: Iterable[tuple[str, Verdict]]) -> tuple[Kind, ...]:
    judged: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for name, verdict in named:
        judged[name] += 1
        passed[name] += verdict.status is Status.PASS
    return tuple(
        Kind(name=name, judged=number, passed=passed[name]) for name, number in judged.most_common()
    )


def kind_of(claim: Verdict, drill: DrillRecord, alerts: Collection[str]) -> str:
    """Return what a claim says of any alert: without the names of the drill and of ``alerts``."""
    subject, colon, rest = claim.claim.partition(": ")
    said = rest if colon and " " not in subject else claim.claim
    said = said.removeprefix(drill.alert).removeprefix("'s").strip()
    return re.sub(
        r"\b[A-Z]\w+\b",
        lambda found: (
            "the alert"
            if found[0] == drill.alert
            else "another"
            if found[0] in alerts
            else found[0]
        ),
        said,
    )


def folder_of(test: str) -> str:
    """Return the folder of the checklist that a test is in, for a person: ``service``."""
    path = PurePosixPath(test.partition("::")[0])
    return path.parent.name or path.name


def _inapplicable(run: RunRecord) -> Iterator[Inapplicable]:
    by_reason: dict[str, list[str]] = {}
    for one in run.not_applicable:
        by_reason.setdefault(one.reason, []).append(one.test)
    for reason, tests in by_reason.items():
        names = {
            test.rpartition("[")[2].removesuffix("]") if "[" in test else test for test in tests
        }
        yield Inapplicable(reason=reason, claims=len(tests), subjects=tuple(sorted(names)))
