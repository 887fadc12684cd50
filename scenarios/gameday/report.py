"""The report of a game day: Markdown for the people who were there, JSON for everything else.

One rule: nothing is judged here; what is to be done about it is left for people to fill in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

from scenarios.gameday.record import DayRecord, DrillRecord
from scenarios.gameday.response import Times
from scenarios.history import Event, Kind
from scenarios.markdown import cell

QUESTIONS = (
    "What did we learn that we did not know?",
    "What went well, and what was luck?",
    "Was the alert enough to act on? Was the runbook?",
    "What did clients see, and would they have told us before the alert did?",
)

SHOWN = frozenset(
    {
        *(Kind.INJECTED, Kind.WITNESSED, Kind.NOT_WITNESSED, Kind.REPAIRING, Kind.REPAIRED),
        *(Kind.PENDING, Kind.FIRING, Kind.INACTIVE, Kind.SUPPRESSED, Kind.UNSUPPRESSED),
        *(Kind.DELIVERED, Kind.DELIVERY_FAILED, Kind.DISTURBED, Kind.STOPPED, Kind.MITIGATED),
    }
)
"""What stands in a timeline; all of it is in the JSON."""


def write(record: DayRecord, folder: Path) -> Path:
    """Write ``report.md`` and ``report.json`` into ``folder``; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(as_json(record), indent=1) + "\n")
    page = folder / "report.md"
    page.write_text(markdown(record))
    return page


def as_json(record: DayRecord) -> dict[str, object]:
    """Return the whole record, with what it came to."""
    return {
        **asdict(record),
        "verdict": record.verdict,
        "drills": [
            {
                **asdict(drill),
                "status": drill.status,
                "events": [json.loads(event.to_json()) for event in drill.events],
            }
            for drill in record.drills
        ],
    }


def markdown(record: DayRecord) -> str:
    """Return the report that people read, discuss and complete."""
    lines = [
        f"# Game day {record.run}",
        "",
        f"**{cell(record.verdict)}**",
        "",
        f"- when: {_when(record.began)} to {_when(record.ended)}",
        f"- where: {record.where}",
        f"- time scale: {record.time_scale:g}",
        "- evidence: `report.json`, and the histories and logs in the folders beside it",
        "",
        "## What was announced",
        "",
        "```text",
        record.announcement,
        "```",
    ]
    for drill in record.drills:
        lines += ["", *_drill(drill)]
    lines += ["", "## Action items", "", *_table(("what", "who", "until"), _items(record))]
    lines += ["", "## To talk about", ""]
    for question in QUESTIONS:
        lines += [f"- {question}", "", "  _..._", ""]
    return "\n".join(lines).rstrip() + "\n"


def _drill(drill: DrillRecord) -> list[str]:
    alias = f" ({drill.shown_as})" if drill.shown_as != drill.name else ""
    lasted = "it never bit" if drill.lasted is None else f"{drill.lasted:.1f} s"
    impact = drill.impact
    lines = [
        f"## {drill.name}{alias}: {drill.status}",
        "",
        "| | expected | happened |",
        "|---|---|---|",
        f"| fault | {cell(drill.fault)} | lasted {lasted} |",
        f"| blast radius | {cell(drill.hits)} | {impact.faulted} of {impact.answers} answers "
        f"carried it ({impact.share_ratio:.1%}); {impact.errors} errors |",
        f"| alerts | {', '.join(drill.declared) or 'none'} | {_alerts(drill)} |",
        f"| told | {', '.join(drill.receivers) or 'nobody'} | {_receivers(drill)} |",
        f"| stop conditions | {cell(drill.stops)} | {_stopped(drill)} |",
        "",
        f"Runbook: {drill.runbook or 'none'}",
    ]
    if drill.accepted:
        lines += ["", "### Response", "", *_response(drill)]
    lines += ["", "### Timeline", "", *_timeline(drill)]
    lines += ["", "### Claims", ""]
    rows = [
        (
            one.status.value,
            one.claim,
            one.expected,
            "; ".join(filter(None, (one.observed, one.because))),
        )
        for one in drill.verdicts
    ]
    return [*lines, *_table(("verdict", "claim", "expected", "observed"), rows)]


def _alerts(drill: DrillRecord) -> str:
    fired = dict.fromkeys(one.alert for one in drill.events if one.kind is Kind.FIRING)
    return ", ".join(fired) or "none"


def _receivers(drill: DrillRecord) -> str:
    told = {one.detail["receiver"] for one in drill.events if one.kind is Kind.DELIVERED}
    return ", ".join(sorted(told)) or "nobody"


def _stopped(drill: DrillRecord) -> str:
    found = [one.text for one in drill.events if one.kind is Kind.STOPPED]
    return cell(found[0]) if found else "none was passed"


def _response(drill: DrillRecord) -> list[str]:
    lines = []
    if drill.times is not None:
        taken = [
            (field.name, _seconds(getattr(drill.times, field.name))) for field in fields(Times)
        ]
        lines += [*_table(("time from the fault's witness", "s"), taken), ""]
    begun = drill.events[0].at if drill.events else 0.0
    rows = [
        (f"{one.at - begun:+.1f} s", one.word.value, one.text, "right" if one.right else "")
        for one in drill.said
    ]
    lines += _table(("at", "what", "said", ""), rows) if rows else ["Nobody said anything."]
    return [*lines, "", f"A guess was right that named one of: {', '.join(drill.accepted)}."]


def _timeline(drill: DrillRecord) -> list[str]:
    injected = next((one for one in drill.events if one.kind is Kind.INJECTED), None)
    begun = injected.at if injected else (drill.events[0].at if drill.events else 0.0)
    rows = [
        (f"{one.at - begun:+.1f} s", one.kind.value, one.alert, _said_by(one))
        for one in drill.events
        if one.kind in SHOWN
    ]
    return _table(("from the injection", "what", "alert", ""), rows) if rows else ["Nothing."]


def _said_by(event: Event) -> str:
    if event.kind is Kind.DELIVERED:
        return f"{event.detail['receiver']}: {event.detail.get('headline', '')}"
    return event.text or event.detail.get("by", "")


def _items(record: DayRecord) -> list[tuple[str, ...]]:
    """Return a row for everything that was not as declared, and one to begin with."""
    rows = [
        (f"{one.status}: {one.claim} ({one.observed})", "", "")
        for drill in record.drills
        for one in drill.findings
    ]
    if record.stopped:
        rows.insert(0, (f"it was stopped: {record.stopped}", "", ""))
    return [*rows, ("", "", "")]


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(cell(one) for one in row)} |" for row in rows),
    ]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
