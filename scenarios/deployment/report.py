"""What is left of a gate: lines for the screen, JSON for machines, Markdown for a job's page.

One rule: all three say the same, and none of them holds a secret.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from scenarios.deployment.outcome import Outcome, counts, overall
from scenarios.deployment.target import DeploymentTarget
from scenarios.markdown import cell
from scenarios.report import NotApplicable
from scenarios.summary import COLOURS
from scenarios.verdict import Status
from stack.replacing import replace_text

EVIDENCE = "gate.json"

_WIDEST = max(map(len, Status))


def print_outcomes(
    console: Console,
    target: DeploymentTarget,
    outcomes: Sequence[Outcome],
    not_applicable: Sequence[NotApplicable],
    seconds: float,
) -> None:
    """Print a line a check, and how many don't apply for which reason."""
    wide = max((len(one.verdict.claim) for one in outcomes), default=0)
    for one in outcomes:
        status = one.verdict.status
        line = Text(f"{status:<{_WIDEST}}  ", style=COLOURS[status])
        line.append(f"{one.verdict.claim:<{wide}}  ", style="default")
        line.append(_first_line(one.verdict.observed), style="default")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    if not_applicable:
        reasons = "; ".join(
            f"{reason}: {len(checks)}" for reason, checks in _by_reason(not_applicable).items()
        )
        console.print(Text(f"NOT APPLICABLE  {reasons}"))
    status = overall(outcomes)
    console.print(
        f"[{COLOURS[status]}]{status}[/]  {counts(outcomes, not_applicable)}; "
        f"{target.environment}, {seconds:.1f} s",
        highlight=False,
    )


def write_json(
    path: Path,
    target: DeploymentTarget,
    outcomes: Sequence[Outcome],
    not_applicable: Sequence[NotApplicable],
    *,
    run: str,
    seconds: float,
) -> None:
    """Write what was found. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "verdict": overall(outcomes),
        "run": run,
        "seconds": round(seconds, 3),
        "environment": target.environment,
        "targets": [one.url for one in target.services],
        "watchers": {name: one.url for name, one in target.watchers.items()},
        "checks": [
            {
                "check": one.check,
                "stage": one.stage,
                "seconds": round(one.seconds, 3),
                **asdict(one.verdict),
            }
            for one in outcomes
        ],
        "not_applicable": [asdict(one) for one in not_applicable],
    }
    replace_text(path, json.dumps(found, indent=1) + "\n")


def markdown(
    target: DeploymentTarget,
    outcomes: Sequence[Outcome],
    not_applicable: Sequence[NotApplicable],
    seconds: float,
) -> str:
    """Return the summary for a CI job's page: what is not PASS first, and in full."""
    status = overall(outcomes)
    said = f"{counts(outcomes, not_applicable)}; {target.environment}, {seconds:.1f} s"
    lines = [f"## Gate: {status}", "", said, ""]
    wrong = [one for one in outcomes if one.verdict.status is not Status.PASS]
    for one in sorted(wrong, key=lambda each: each.verdict.status is not Status.FAIL):
        fence = "`" * max(3, _longest_fence(str(one.verdict)) + 1)
        lines += [f"{fence}text", str(one.verdict), fence, ""]
    lines += ["| verdict | claim | observed |", "| --- | --- | --- |"]
    lines += [
        f"| {one.verdict.status} | {cell(one.verdict.claim)} | "
        f"{cell(_first_line(one.verdict.observed))} |"
        for one in outcomes
    ]
    lines += [
        f"| NOT APPLICABLE | {cell(', '.join(checks))} | {cell(reason)} |"
        for reason, checks in _by_reason(not_applicable).items()
    ]
    return "\n".join([*lines, "", ""])


def append_markdown(path: Path, text: str) -> None:
    """Append the summary, as other steps of a job have theirs in the same file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _by_reason(not_applicable: Sequence[NotApplicable]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in not_applicable:
        name = one.test.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        found.setdefault(one.reason, []).append(name)
    return found


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first} ..." if rest else first


def _longest_fence(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
