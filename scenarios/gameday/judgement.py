"""What is to be said of one drill of a game day: the checklist's claims, and those of the day.

One rule: pure; a claim is the same function that the checklist asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scenarios import claims, quiet_claims
from scenarios.disturbance import judged as of_the_checklist
from scenarios.drill import Plan
from scenarios.gameday.programme import announced_share, limitable
from scenarios.gameday.stop import STOP_SECONDS, errors_in
from scenarios.history import History, Kind
from scenarios.load_sample import LoadSample
from scenarios.verdict import Status, Verdict
from stack.drill_labels import DRILL_LABEL, DRILL_RUN_LABEL

SAMPLE_SECONDS = 0.25
"""An answer is known to have come in a sample of about so long, and is counted at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the clients of a drilled service bore.

    Attributes:
        answers: from the fault's injection to its repair, those that carried it included.
        faulted: of the drill's answers, those that carried the fault.
        errors: server errors, and answers that never came, in the whole drill.
        last_faulted_at: when the last answer came that carried it, in seconds since the epoch, to
            a quarter of a second; ``None`` where none did.
    """

    answers: int
    faulted: int
    errors: int
    last_faulted_at: float | None

    @property
    def share_ratio(self) -> float:
        """Which share of the answers carried the fault."""
        return self.faulted / self.answers if self.answers else 0.0


def impact_of(samples: Sequence[LoadSample], history: History) -> Impact:
    """Sum up a drill's samples; those between injection and last effect are the fault's."""
    begun = history.first(Kind.INJECTED)
    hit = [one for one in samples if one.faulted.count]
    ended = history.first(Kind.REPAIRED)
    last = hit[-1].at if hit else None
    until = max((at for at in (last, ended.at if ended else None) if at), default=0.0)
    during = [one for one in samples if begun and begun.at <= one.at <= until]
    return Impact(
        answers=sum(one.count for one in during),
        faulted=sum(one.faulted.count for one in hit),
        errors=sum(errors_in(one) for one in samples),
        last_faulted_at=last,
    )


def judged(
    plan: Plan, history: History, control: History, impact: Impact, *, run: str
) -> tuple[Verdict, ...]:
    """Return every claim's verdict about one drill of the game day ``run``."""
    return tuple(_each(plan, history, control, impact, run))


def _each(
    plan: Plan, history: History, control: History, impact: Impact, run: str
) -> Iterator[Verdict]:
    drill = plan.drill
    yield from of_the_checklist(plan, history, control)
    if limitable(drill.fault):
        yield within_share(plan, history, impact)
    if drill.alarms:
        yield marked(history, plan.want.alert, run)
    if history.first(Kind.STOPPED):
        yield gone_in_time(history, impact)


def judged_outside(
    plan: Plan, history: History, control: History, impact: Impact, *, run: str
) -> tuple[Verdict, ...]:
    """Return what can be said where the stack is somebody else's, whose receivers are not seen."""
    want = plan.want
    verdicts = [
        claims.fault_bit(history, want),
        within_share(plan, history, impact),
        claims.fired(history, want),
        claims.in_time(history, want),
        labelled(history, want.alert, run),
        claims.resolved(history, want),
        quiet_claims.quiet(history, want, control),
    ]
    if history.first(Kind.STOPPED):
        verdicts.append(gone_in_time(history, impact))
    return tuple(verdicts)


def labelled(history: History, alert: str, run: str) -> Verdict:
    """Alertmanager had the alert with the labels of the game day, for whomever it told."""
    expected = {DRILL_LABEL: "true", DRILL_RUN_LABEL: run}
    found = history.all(Kind.DELIVERED, status="firing")
    bare = [one for one in found if not expected.items() <= one.detail.items()]
    mine = [one for one in found if one.alert == alert]
    if bare:
        status, observed = Status.FAIL, f"{bare[0].alert} came without them"
    elif mine:
        status, observed = Status.PASS, f"for {mine[0].detail.get('routed') or 'nobody'}"
    else:
        status, observed = Status.UNKNOWN, "Alertmanager was not seen to have it"
    return Verdict(
        claim=f"{alert}: Alertmanager is told, and that it is a drill",
        status=status,
        expected=", ".join(f'{name}="{value}"' for name, value in expected.items()),
        observed=observed,
    )


def within_share(plan: Plan, history: History, impact: Impact) -> Verdict:
    """No more of the requests carried the fault than was announced.

    Each request of the journey is counted for itself, and may be one ahead of the share.
    """
    share = announced_share(plan.drill.fault)
    allowed = share * impact.answers + len(plan.drill.load.journey)
    seen = f"{impact.share_ratio:.1%}: {impact.faulted} of {impact.answers} answers carried it"
    if not impact.faulted or not history.first(Kind.WITNESSED):
        status = Status.UNKNOWN
    else:
        status = Status.PASS if impact.faulted <= allowed else Status.FAIL
    return Verdict(
        claim=f"{plan.drill.id}: the fault hits no more than was announced",
        status=status,
        expected=f"at most {share:.1%} of the requests",
        observed=seen,
    )


def marked(history: History, alert: str, run: str) -> Verdict:
    """Whoever was told reads in the first line that it is a drill, and of which game day."""
    mark = f"DRILL {run}: "
    told = history.all(Kind.DELIVERED)
    bare = [one for one in told if mark not in one.detail.get("headline", "")]
    status = Status.FAIL if bare else Status.PASS
    if not history.all(Kind.DELIVERED, alert):
        status = Status.FAIL if bare else Status.UNKNOWN
    return Verdict(
        claim=f"{alert}: everybody who is told reads that it is a drill",
        status=status,
        expected=f"{mark.strip()} in every first line",
        observed=f"not in: {bare[0].detail.get('headline', '')}"
        if bare
        else f"in {len(told)} of {len(told)}",
        look="the labels drill and drill_run of the alerts, and stack/templates" if bare else "",
    )


def gone_in_time(history: History, impact: Impact) -> Verdict:
    """The fault was gone soon enough after the stop, those of its requests in flight as well."""
    stopped, repaired = history.first(Kind.STOPPED), history.first(Kind.REPAIRED)
    claim = f"{history.service}: the fault is gone once it is stopped"
    expected = f"within {STOP_SECONDS:g} s of the stop"
    injected = history.first(Kind.INJECTED)
    if stopped is None or injected is None or (repaired and repaired.at < stopped.at):
        text = "nothing was broken when it was stopped"
        return Verdict(claim=claim, status=Status.PASS, expected=expected, observed=text)
    if repaired is None:
        text = "its repair never ended"
        return Verdict(claim=claim, status=Status.FAIL, expected=expected, observed=text)
    took = repaired.at - stopped.at
    last = ""
    late = (impact.last_faulted_at or stopped.at) - stopped.at
    if late > 0:
        last = f"; its last answer was counted {late:.2f} s after the stop"
    gone = took <= STOP_SECONDS and late <= STOP_SECONDS + SAMPLE_SECONDS
    return Verdict(
        claim=claim,
        status=Status.PASS if gone else Status.FAIL,
        expected=expected,
        observed=f"gone after {took:.2f} s{last}",
    )
