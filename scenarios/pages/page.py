"""The page: a run and those before it in, one self-contained text of HTML out.

One rule: pure. It asks for nothing from outside: no script, no font, no picture; its one style
sheet is allowed by its hash, and whatever a run brought is escaped by the template engine.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scenarios.expectation import severities_in_order
from scenarios.pages.amounts import DASH, clock, duration, seconds, since
from scenarios.pages.detection import detections
from scenarios.pages.matrix import CELL, HEAD, NAME, matrix
from scenarios.pages.overview import overview
from scenarios.pages.palette import stylesheet
from scenarios.pages.plot import WIDTH
from scenarios.pages.record import DrillRecord, RunRecord
from scenarios.pages.runs import Past
from scenarios.pages.story import Line, Message, messages, story
from scenarios.pages.timeline import Timeline, timeline
from scenarios.pages.trend import HEIGHT as TREND_HEIGHT
from scenarios.pages.trend import WIDTH as TREND_WIDTH
from scenarios.pages.trend import Trend, trends
from scenarios.verdict import Status

LARGEST_BYTES = 3_000_000
"""What a page may weigh. A run that brings more is shown without the messages' raw bodies."""

LONGEST_CHARACTERS = 4000
"""So much of a message's raw body is shown; the evidence holds all of it."""

MARKS = {"PASS": "✓", "FAIL": "✕", "UNKNOWN": "?", "NOT APPLICABLE": DASH}
"""What stands before a verdict's word: neither needs the colour."""

Linked = Callable[[str], str]
"""Returns where a file of this repository is found from the page, or "" where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillCard:
    """One drill as it is shown."""

    drill: DrillRecord
    anchor: str
    passed: int
    picture: Timeline | None
    story: tuple[Line, ...]
    messages: tuple[Message, ...]
    rule_link: str
    runbook: str
    runbook_link: str
    slower: Trend | None


def render(
    run: RunRecord, past: Past, *, evidence: str = "evidence.json", linked: Linked = lambda _: ""
) -> str:
    """Return the page of a run.

    ``evidence`` is the name of the file that it was made of, and ``linked`` finds rules and
    runbooks.
    """
    whole = _rendered(run, past, evidence, linked, raw=True)
    if len(whole.encode()) <= LARGEST_BYTES:
        return whole
    return _rendered(run, past, evidence, linked, raw=False)


def _rendered(run: RunRecord, past: Past, evidence: str, linked: Linked, *, raw: bool) -> str:
    environment = Environment(
        loader=PackageLoader("scenarios.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "seconds": seconds,
        "clock": clock,
        "duration": duration,
        "since": since,
        "safe_url": safe_url,
    }
    style = "".join(stylesheet()) + environment.get_template("style.css").render()
    changes = trends(run, past)
    slower = {one.drill: one for one in changes if one.slower}
    return environment.get_template("index.html").render(
        run=run,
        past=past,
        evidence=evidence,
        raw=raw,
        longest=LONGEST_CHARACTERS,
        marks=MARKS,
        width=WIDTH,
        style=Markup(style),  # noqa: S704 (made of this package's own files alone)
        style_hash=style_hash(style),
        top=overview(run),
        detections=detections(run.drills),
        matrix=matrix(run),
        matrix_cell=CELL,
        matrix_name=NAME,
        matrix_head=HEAD,
        trends=changes,
        slower=list(slower.values()),
        trend_width=TREND_WIDTH,
        trend_height=TREND_HEIGHT,
        anchors={one.id: anchor_of(one.id) for one in run.drills},
        cards=[_card(one, linked, slower.get(one.id)) for one in in_order(run.drills)],
    )


def in_order(drills: Sequence[DrillRecord]) -> list[DrillRecord]:
    """Return the drills: what is not PASS first, then by severity and name."""
    statuses = (Status.FAIL, Status.UNKNOWN, Status.PASS)
    severities = severities_in_order(one.severity for one in drills)
    return sorted(
        drills,
        key=lambda one: (
            statuses.index(one.verdict),
            severities.index(one.severity),
            one.id,
        ),
    )


def anchor_of(drill: str) -> str:
    """Return the id of a drill's card within the page."""
    return "drill-" + "".join(
        one if one.isascii() and (one.isalnum() or one in "-_") else "_" for one in drill
    )


def safe_url(text: str) -> str:
    """Return an address that a link may lead to: http(s), or a path; else nothing."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("", "http", "https") else ""


def style_hash(style: str) -> str:
    """Return what a content security policy calls this style sheet."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _card(drill: DrillRecord, linked: Linked, slower: Trend | None) -> DrillCard:
    runbook = f"docs/runbooks/{PurePosixPath(urlsplit(drill.rule.runbook_url).path).name}"
    return DrillCard(
        drill=drill,
        anchor=anchor_of(drill.id),
        passed=sum(one.status is Status.PASS for one in drill.claims),
        picture=timeline(drill),
        story=story(drill),
        messages=messages(drill),
        rule_link=linked(drill.rule.file),
        runbook=runbook,
        runbook_link=linked(runbook) or safe_url(drill.rule.runbook_url),
        slower=slower,
    )
