"""Judges of a stack that somebody else runs: from what it says of itself to a verdict.

One rule: no I/O; where it watches nothing, or has not looked yet, that is UNKNOWN and never PASS.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from scenarios.verdict import Status, Verdict
from stack.clients.prometheus import RuleSnapshot, Target

NOTHING_YET = "look again after one scrape and one evaluation; docs/external.md"


def targets_answer(targets: Sequence[Target], *, drilled: Collection[str]) -> Verdict:
    """Every target answers its scrapes, but those of ``drilled`` jobs, which drills break."""
    ours = [one for one in targets if one.labels.get("job") not in drilled]
    down = [f"{one.scrape_url}: {one.last_error}" for one in ours if one.health == "down"]
    waiting = [one.scrape_url for one in ours if one.health not in ("up", "down")]
    return _judged(
        "every target answers its scrapes",
        "each UP, and one at least",
        wrong=down,
        unseen=[f"not scraped yet: {one}" for one in waiting]
        or ([] if ours else ["it scrapes nothing"]),
        observed=f"{len(ours)} of {len(ours)} UP",
    )


def rules_evaluated(rules: Sequence[RuleSnapshot]) -> Verdict:
    """Every alerting rule was evaluated, and none failed."""
    failing = [f"{one.name}: {one.last_error}" for one in rules if one.health == "err"]
    waiting = [one.name for one in rules if one.health != "err" and not one.last_evaluation]
    return _judged(
        "every rule is evaluated",
        "each without an error, and one at least",
        wrong=failing,
        unseen=[f"not evaluated yet: {one}" for one in waiting]
        or ([] if rules else ["it has no alerting rule"]),
        observed=f"{len(rules)} of {len(rules)} without an error",
    )


def alertmanager_known(active: int, configuration: str) -> Verdict:
    """The engine sends alerts to somebody, and the Alertmanager that was named has a configuration.

    ``active`` is how many Alertmanagers the engine sends to.
    """
    wrong = [] if active else ["alerts are sent to no Alertmanager"]
    wrong += [] if configuration else ["the Alertmanager that was named tells no configuration"]
    return _judged(
        "alerts reach an Alertmanager",
        "one at least, and the one that was named answers",
        wrong=wrong,
        observed=f"sent to {active}",
    )


def _judged(
    claim: str,
    expected: str,
    *,
    wrong: Sequence[str],
    unseen: Sequence[str] = (),
    observed: str,
) -> Verdict:
    status = Status.FAIL if wrong else Status.UNKNOWN if unseen else Status.PASS
    return Verdict(
        claim=claim,
        status=status,
        expected=expected,
        observed="\n".join(wrong or unseen) or observed,
        look=NOTHING_YET if status is Status.UNKNOWN else "",
    )
