"""Judges of delivery: pure functions from what a trial saw to a verdict.

One rule: once means once at each receiver, whatever the number of its channels; at least once means
that what comes again can be told by its key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

from scenarios.budget import ALLOWANCE
from scenarios.delivery.evidence import Evidence, key_of
from scenarios.verdict import Status, Verdict, in_seconds
from stack.receivers import Delivery


def told_once(
    seen: Evidence, alert: str, receivers: Collection[str], status: str = "firing"
) -> Verdict:
    """Exactly these receivers were told, each of them once."""
    return _verdict(
        seen,
        f"{alert}: {status} is told once",
        f"{_names(receivers)}, once each",
        [
            *_lacking(seen, alert, receivers, status),
            *_strangers(seen, alert, receivers),
            *(
                f"{receiver} was told {len(told)} times"
                for receiver in sorted(receivers)
                if len(told := seen.told(alert, receiver, status)) > 1
            ),
        ],
        f"told once: {_names(receivers)}",
    )


def told_at_least_once(
    seen: Evidence, alert: str, receivers: Collection[str], *, keyed: str
) -> Verdict:
    """Each receiver was told, and what came again has the same key at the one that has keys."""
    told = seen.told(alert, keyed)
    keys = {key_of(one) for one in told}
    problems = [*_lacking(seen, alert, receivers, "firing"), *_strangers(seen, alert, receivers)]
    if told and (len(keys) != 1 or "" in keys):
        problems.append(f"{keyed} got {len(told)} with {len(keys - {''})} keys")
    return _verdict(
        seen,
        f"{alert} is told at least once, under one key",
        f"{_names(receivers)}, and one key at {keyed}",
        problems,
        f"{keyed} was told {len(told)} times under one key",
    )


def told_again(seen: Evidence, alert: str, receiver: str) -> Verdict:
    """The trial shows what it is about: something was in fact sent twice."""
    times = len(seen.told(alert, receiver))
    return Verdict(
        claim=f"{alert} is sent to {receiver} again",
        status=Status.PASS if times > 1 else Status.UNKNOWN,
        expected="twice or more, or the trial shows nothing of repetitions",
        observed=f"{times} times",
    )


def told_late(seen: Evidence, alert: str, receiver: str, others: Collection[str]) -> Verdict:
    """A receiver that was down is told soon after it is back, and the others were told before."""
    back = seen.marks.get("back")
    first = {one: told[0].at for one in (receiver, *others) if (told := seen.told(alert, one))}
    limit = seen.interval + ALLOWANCE
    problems = [f"nothing at {one}" for one in (receiver, *others) if one not in first]
    if back is None or not seen.counts.get("given up"):
        return Verdict(
            claim=f"{alert} reaches {receiver} late",
            status=Status.UNKNOWN,
            expected="a receiver that was down until Alertmanager had given up",
            observed="it was not given up",
        )
    if receiver in first and first[receiver] < back:
        problems.append(f"{receiver} was told {back - first[receiver]:.1f} s before it was back")
    if receiver in first and first[receiver] - back > limit.total_seconds():
        problems.append(f"{receiver} was told {first[receiver] - back:.1f} s after it was back")
    problems += [
        f"{one} was told {at - back:.1f} s after {receiver} was back"
        for one, at in first.items()
        if one in others and at > back
    ]
    return _verdict(
        seen,
        f"{alert} reaches {receiver} late, and {_names(others)} meanwhile",
        f"{receiver} within {in_seconds(limit)} of being back, {_names(others)} before",
        problems,
        f"told {first.get(receiver, back) - back:.1f} s after it was back",
    )


def told_again_after(seen: Evidence, alert: str, receivers: Collection[str]) -> Verdict:
    """One notification within each repeat interval, one more after it, and each for its reason."""
    limit = seen.repeat + seen.interval + ALLOWANCE
    problems = []
    for receiver in sorted(receivers):
        told = seen.told(alert, receiver)
        if len(told) != 2:
            problems.append(f"{receiver} was told {len(told)} times")
        for before, after in pairwise(told):
            gap = after.at - before.at
            if gap < seen.repeat.total_seconds() - 0.05:
                problems.append(f"{receiver} was told again after {gap:.2f} s")
            if gap > limit.total_seconds():
                problems.append(f"{receiver} was told again only after {gap:.2f} s")
    return _verdict(
        seen,
        f"{alert} is told once within the repeat interval, and once more after it",
        f"{_names(receivers)}, two each, {in_seconds(seen.repeat)} to {in_seconds(limit)} apart",
        problems,
        f"two each, {in_seconds(seen.repeat)} or a flush more apart",
    )


def deduplicated(seen: Evidence, alert: str) -> Verdict:
    """Between the two, the group was flushed again and again, and Alertmanager saw no news."""
    sent = [one for one in seen.notifications(alert) if one.reason != "ALL_ALERTS_RESOLVED"]
    claim = f"{alert} is quiet because it was told already"
    expected = "a first notification, flushes without one, and one whose reason is the interval"
    by_channel: dict[str, list[tuple[str, int]]] = {}
    for one in sent:
        by_channel.setdefault(one.integration, []).append((one.reason, one.flush))
    problems = []
    if not by_channel:
        problems.append("no notification was recorded")
    for channel, told in sorted(by_channel.items()):
        reasons = [reason for reason, _ in told]
        if reasons != ["FIRST_NOTIFICATION", "REPEAT_INTERVAL_ELAPSED"]:
            problems.append(f"{channel} was notified for {', '.join(reasons)}")
        elif told[1][1] - told[0][1] < 2:
            problems.append(f"{channel}: no flush between its notifications")
    flushes = [told[1][1] - told[0][1] - 1 for told in by_channel.values() if len(told) > 1]
    return _verdict(
        seen, claim, expected, problems, f"{min(flushes, default=0)} flushes without news"
    )


def lists_all(seen: Evidence, alert: str, instances: Collection[str]) -> Verdict:
    """The first notification of many at once is one, and lists them all."""
    problems = []
    told_of_all = seen.marks.get("told of ten", 0.0)
    for receiver in sorted({one.receiver for one in seen.told(alert)}):
        told = [one for one in seen.told(alert, receiver) if one.at <= told_of_all]
        if len(told) != 1:
            problems.append(f"{receiver} was told {len(told)} times of them")
        for one in told:
            absent = [name for name in instances if name not in f"{one.headline}\n{one.text}"]
            if absent:
                problems.append(f"{receiver} was not told of {', '.join(absent)}")
    if not seen.told(alert):
        problems.append("nobody was told")
    return _verdict(
        seen,
        f"{alert}: {len(instances)} at once are one message",
        "one message a receiver, which lists them all",
        problems,
        f"one message, with all {len(instances)} in it",
    )


def grouped(seen: Evidence, alert: str, late: str) -> Verdict:
    """Who joins a group that was told of waits for its next flush, for that reason and no other."""
    claim = f"{alert} of {late} is quiet because it was grouped"
    expected = (
        f"recorded in the group, told within {in_seconds(seen.interval)}, for being new in it"
    )
    name = f"{alert} {late}"
    joined = next(
        (one for one in seen.recorded if one.kind == "alertGrouped" and name in one.alerts), None
    )
    sent = [one for one in seen.notifications(alert) if name in one.alerts]
    if joined is None or not sent:
        what = "it never joined a group" if joined is None else "it was never told of"
        return _verdict(seen, claim, expected, [what], "")
    problems = []
    if {one.reason for one in sent} != {"NEW_ALERTS_IN_GROUP"}:
        problems.append(f"it was told for {', '.join(sorted({one.reason for one in sent}))}")
    if {one.group for one in seen.notifications(alert)} != {joined.group}:
        problems.append("it was in a group of its own")
    took = sent[0].at - joined.at
    if took > (seen.interval + ALLOWANCE).total_seconds():
        problems.append(f"it was told {took:.1f} s after it had joined")
    if not took > 0:
        problems.append("it was told before it had joined")
    return _verdict(
        seen, claim, expected, problems, f"told {took:.1f} s after it had joined its group"
    )


def inhibited_by(seen: Evidence, alert: str, by: str, receivers: Collection[str]) -> Verdict:
    """An alert was silent because another inhibits it, and is told once that has ended."""
    end = seen.marks.get("reason ends", 0.0)
    reasons = [
        one for one in seen.recorded if one.kind == "inhibitionMutedAlert" and alert in one.alerts
    ]
    problems = _only_after(seen, alert, receivers, end)
    if not reasons:
        problems.append("Alertmanager recorded no inhibition of it")
    problems += [
        f"it was inhibited by {one.by}" for one in reasons[:1] if one.by != f'alertname="{by}"'
    ]
    return _verdict(
        seen,
        f"{alert} is quiet because {by} inhibits it, and is told once that has ended",
        f"recorded as inhibited by {by}; {_names(receivers)} afterwards and not before",
        problems,
        f"recorded {len(reasons)} times as inhibited by {by}, and told afterwards",
    )


def muted_by(
    seen: Evidence, alert: str, interval: str, receivers: Collection[str], *, told: str
) -> Verdict:
    """An alert was silent because of the calendar while another was told, and is told after it."""
    problems = _only_after(seen, alert, receivers, seen.marks.get("reason ends", 0.0))
    if not seen.counts.get("muted"):
        problems.append("Alertmanager counted nothing that a time interval muted")
    if not seen.counts.get(f"muted by {interval}"):
        problems.append(f"Alertmanager does not name {interval} as what mutes it")
    if not seen.told(told):
        problems.append(f"{told}, which no calendar mutes, was not told either")
    return _verdict(
        seen,
        f"{alert} is quiet because {interval} mutes it, and is told once that is over",
        f"counted as muted by {interval}; {_names(receivers)} afterwards and not before",
        problems,
        f"{seen.counts.get('muted', 0):.0f} notifications muted, and told afterwards",
    )


def _only_after(seen: Evidence, alert: str, receivers: Collection[str], end: float) -> list[str]:
    early = [one for one in seen.told(alert) if one.at < end]
    return [
        *(f"{one.receiver} was told {end - one.at:.1f} s before the reason ended" for one in early),
        *_lacking(seen, alert, receivers, "firing"),
        *_strangers(seen, alert, receivers),
    ]


def _lacking(seen: Evidence, alert: str, receivers: Iterable[str], status: str) -> list[str]:
    return [f"nothing at {one}" for one in sorted(receivers) if not seen.told(alert, one, status)]


def _strangers(seen: Evidence, alert: str, receivers: Collection[str]) -> list[str]:
    told: list[Delivery] = [one for one in seen.deliveries if one.alert == alert]
    return [
        f"{name} was told, and should not be"
        for name in sorted({one.receiver for one in told} - set(receivers))
    ]


def _verdict(
    seen: Evidence, claim: str, expected: str, problems: list[str], observed: str
) -> Verdict:
    """Return a verdict: what was seen to be wrong fails, and a trial cut short proves nothing."""
    status = Status.UNKNOWN if seen.stopped else Status.PASS
    return Verdict(
        claim=claim,
        status=Status.FAIL if problems else status,
        expected=expected,
        observed="\n".join(problems) or observed,
        because=f"the trial was cut short: {seen.stopped}" if seen.stopped else "",
    )


def _names(receivers: Iterable[str]) -> str:
    return ", ".join(sorted(receivers))
