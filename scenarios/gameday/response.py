"""What whoever responds says, and what it is worth: judged by listing, timed from the witness.

One rule: pure; a guess is right if it names what broke, and the report lists what counts as that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scenarios.history import History, Kind
from scenarios.model import Drill


class Word(StrEnum):
    """What a line of the responder's is."""

    ACKNOWLEDGE = "ack"
    MITIGATE = "mitigate"
    RUNBOOK = "runbook"
    STATUS = "status"
    STOP = "stop"
    HELP = "help"
    GUESS = "guess"


HELP = """ack              you have seen it, and are on it (so does a silence in Alertmanager)
runbook NAME     where an alert's runbook is, and how it begins
status           what clients see, and which alerts fire
mitigate TEXT    what you do about it: ends the fault
stop             ends the game day at once
anything else    what you think is broken: an alert's name, or your own words"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of the responder's, or what was seen of them.

    Attributes:
        at: when, in seconds since the epoch.
        drill: during which drill.
        right: of a guess, whether it names what broke.
    """

    at: float
    drill: str
    word: Word
    text: str = ""
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long it took after the fault bit, in seconds; ``None`` for what never happened.

    Attributes:
        notified: until the first notification was at its receiver.
        detected: until that, or the responder's first word, whichever came before.
        acknowledged: until somebody was on it.
        diagnosed: until the responder named what broke.
        mitigated: until the fault's end was begun by the responder, or the alert ended before it.
    """

    notified: float | None
    detected: float | None
    acknowledged: float | None
    diagnosed: float | None
    mitigated: float | None


def read(line: str) -> tuple[Word, str]:
    """Return what a line asks for, and what follows; an empty line asks for help."""
    first, _, rest = line.strip().partition(" ")
    if not first:
        return Word.HELP, ""
    aliases = {"acknowledge": Word.ACKNOWLEDGE, "fixed": Word.MITIGATE, "?": Word.HELP}
    word = aliases.get(first.lower())
    if word is None and first.lower() in {one.value for one in Word}:
        word = Word(first.lower())
    return (word, rest.strip()) if word else (Word.GUESS, line.strip())


def accepted(drill: Drill) -> tuple[str, ...]:
    """Return what a guess must contain one of: the alert's name, the fault's, the cause."""
    fault = type(drill.fault).__name__
    causes = [drill.cause.replace("-", " ")] if drill.cause else []
    return tuple(dict.fromkeys([drill.alert, fault, *causes]))


def is_right(guess: str, drill: Drill) -> bool:
    """Return whether a guess names what broke; case, spaces and marks make no difference."""
    said = _bare(guess)
    return any(_bare(one) in said for one in accepted(drill))


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def times_of(history: History, alert: str, said: Sequence[Said]) -> Times | None:
    """Return how long everything took, or ``None`` where the fault never bit."""
    bite = history.first(Kind.WITNESSED)
    if bite is None:
        return None

    def after(at: float | None) -> float | None:
        return None if at is None else max(0.0, at - bite.at)

    def first_of(*words: Word, right: bool = False) -> float | None:
        found = [one.at for one in said if one.word in words and (one.right or not right)]
        return min((at for at in found if at >= bite.at), default=None)

    told = history.first(Kind.DELIVERED, after=bite.at, status="firing")
    notified = told.at if told else None
    words = first_of(Word.GUESS, Word.ACKNOWLEDGE, Word.MITIGATE)
    mitigated = first_of(Word.MITIGATE)
    fired = history.first(Kind.FIRING, alert, after=bite.at)
    over = history.first(Kind.INACTIVE, alert, after=fired.at) if fired else None
    repairing = history.first(Kind.REPAIRING)
    if mitigated is None and over and (repairing is None or over.at < repairing.at):
        mitigated = over.at
    return Times(
        notified=after(notified),
        detected=after(min((at for at in (notified, words) if at is not None), default=None)),
        acknowledged=after(first_of(Word.ACKNOWLEDGE, Word.MITIGATE)),
        diagnosed=after(first_of(Word.GUESS, right=True)),
        mitigated=after(mitigated),
    )
