"""Whether two runs came to the same verdicts: ``python -m scenarios.compare --help``.

One rule: only evidence is read, and a claim that one of the two does not have is a difference,
unless that run lists its drill as NOT APPLICABLE.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.pages.reading import EvidenceError, opened

ABSENT = "absent"
"""In place of a verdict, where a run has no such claim."""

ANOTHER, UNREADABLE = 1, 2
"""The exit status where verdicts differ, and where there is nothing to compare."""

_OF_DRILL = re.compile(r"\[([^\]]+)\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one run came to.

    Attributes:
        name: how it was run, for people.
        claims: the verdict of each claim by drill and claim.
        not_applicable: the drills that it could not have.
    """

    name: str
    claims: Mapping[tuple[str, str], str]
    not_applicable: frozenset[str]

    @property
    def drills(self) -> frozenset[str]:
        """The drills that it judged."""
        return frozenset(drill for drill, _ in self.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A claim, and what either run says of it."""

    drill: str
    claim: str
    verdicts: tuple[str, str]


def read_judged(text: str, source: str) -> Judged:
    """Return what a run's ``evidence.json`` says.

    Raises:
        EvidenceError: it is not evidence, or of another version of this toolkit.
    """
    run = opened(text, source)
    tests = run["not_applicable"].each(lambda one: one["test"].text())
    return Judged(
        name=f"{run['stack'].text()}, time scale {run['time_scale'].number():g}",
        claims={
            (drill, claim): status
            for drill, one in run["drills"].items()
            for claim, status in one["claims"].each(
                lambda each: (each["claim"].text(), each["status"].text())
            )
        },
        not_applicable=frozenset(of[1] for test in tests if (of := _OF_DRILL.search(test))),
    )


def differences(first: Judged, second: Judged, *, common: bool = False) -> Iterator[Difference]:
    """Yield each claim of which the two say different things, in the order of their names.

    With ``common``, drills that only one of the two judged are left out.
    """
    for drill, claim in sorted(first.claims.keys() | second.claims.keys()):
        if any(_excused(drill, one, common=common) for one in (first, second)):
            continue
        told = tuple(one.claims.get((drill, claim), ABSENT) for one in (first, second))
        if told[0] != told[1]:
            yield Difference(drill=drill, claim=claim, verdicts=(told[0], told[1]))


def _excused(drill: str, judged: Judged, *, common: bool) -> bool:
    return drill not in judged.drills and (common or drill in judged.not_applicable)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two runs; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        first, second = (
            read_judged(path.read_text(encoding="utf-8"), str(path)) for path in options.evidence
        )
    except OSError as error:
        print(f"compare: {error.filename}: {error.strerror}", file=sys.stderr)
        return UNREADABLE
    except (EvidenceError, UnicodeDecodeError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return UNREADABLE
    both = first.claims.keys() & second.claims.keys()
    if not both:
        print("compare: the two have no claim in common", file=sys.stderr)
        return UNREADABLE
    found = list(differences(first, second, common=options.common))
    for one in found:
        print(f"{one.drill:<40} {one.verdicts[0]:>8} {one.verdicts[1]:>8}  {one.claim}")
    for judged, other in ((first, second), (second, first)):
        if excused := sorted(one for one in judged.drills if one in other.not_applicable):
            print(f"NOT APPLICABLE in {other.name}: {', '.join(excused)}")
    drills = len(first.drills & second.drills)
    print(
        f"{first.name} / {second.name}: {drills} drills with {len(both)} claims in both, "
        f"{len(found) or 'no'} differing"
    )
    return ANOTHER if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scenarios.compare",
        description="Compare the verdicts of two runs, claim by claim: two ways to run the parts, "
        "two time scales, two days. The exit status is 1 where verdicts differ, and 2 where there "
        "is nothing to compare.",
        epilog="Example: pytest checks/ --reports=reports/one; pytest checks/ --stack=containers "
        "--reports=reports/two; python -m scenarios.compare reports/one/evidence.json "
        "reports/two/evidence.json",
    )
    parser.add_argument("evidence", nargs=2, type=Path, help="evidence.json of a run")
    parser.add_argument(
        "--common",
        action="store_true",
        help="leave out drills that only one of the two judged, as after `-k`",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
