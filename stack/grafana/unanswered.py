"""Which questions need no answer while nothing is broken (`unanswered.yml`), and until when.

Design rule: an excuse ends where one of the drills ran that it names, and one that nothing needs is
a fault of the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from stack import promql
from stack.grafana.answers import Answer, Asked, ask
from stack.grafana.dashboards import PROMETHEUS, Dashboard, Query, concrete
from stack.recorded import reads
from stack.yamlfile import ConfigurationError, key_line, read_yaml

__all__ = ["UNANSWERED", "Excuse", "excused", "load_excuses", "needless", "unanswered"]

UNANSWERED = Path(__file__).resolve().parent / "unanswered.yml"

_SERIES, _QUESTIONS = "series", "questions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """One entry of the table.

    Attributes:
        where: its file and line.
        series: the pattern of names of series that a question reads; "" for an entry of questions.
        question: where the one question stands, as dashboards say it; "" for an entry of series.
        drills: in whose runs there must be an answer; none where no run can have one.
        reason: what must be so for an answer, for a person.
    """

    where: str
    series: str = ""
    question: str = ""
    drills: frozenset[str]
    reason: str

    def covers(self, where: str, query: Query) -> bool:
        """Tell whether it is about the question that stands at `where`."""
        if self.question or query.kind != PROMETHEUS:
            return self.question == where
        names = reads(promql.parse(concrete(query)))
        return any(fnmatchcase(name, self.series) for name in names)


def load_excuses(text: str | None = None, source: str = UNANSWERED.name) -> tuple[Excuse, ...]:
    """Return the entries of the table, by default of the one that is shipped.

    Raises ConfigurationError for a malformed one; the message starts with `file:line`.
    """
    raw = read_yaml(UNANSWERED.read_text(encoding="utf-8") if text is None else text, source)
    unknown = sorted(set(raw) - {_SERIES, _QUESTIONS})
    if unknown:
        raise ConfigurationError(
            f"{source}:{key_line(raw, unknown[0])}: unknown part {unknown[0]!r}; known: "
            f"{_SERIES}, {_QUESTIONS}"
        )
    return (
        *_excuses(raw.get(_SERIES), "series", source),
        *_excuses(raw.get(_QUESTIONS), "question", source),
    )


def _excuses(part: Any, attribute: str, source: str) -> Iterator[Excuse]:
    for name, given in (part or {}).items():
        where = f"{source}:{key_line(part, name)}"
        try:
            drills, reason = frozenset(map(str, given["drills"])), str(given["reason"])
        except (KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{where}: {name} needs `drills:`, a list, and `reason:`"
            ) from error
        about = {attribute: str(name)}
        yield Excuse(where=where, drills=drills, reason=reason, **about)


def excused(
    where: str, query: Query, excuses: Sequence[Excuse], drilled: Collection[str]
) -> Excuse | None:
    """Return why a question needs no answer in a run of these drills; None where it needs one."""
    about = [each for each in excuses if each.covers(where, query)]
    if any(each.drills & frozenset(drilled) for each in about):
        return None
    return about[0] if about else None


def unanswered(
    questions: Iterable[tuple[str, Query]],
    run: Sequence[Asked],
    excuses: Sequence[Excuse],
    drilled: Collection[str],
) -> dict[str, Answer]:
    """Ask what has no excuse in a run of these drills; return the answers that hold nothing.

    `questions` are for Prometheus, each with where it stands. Raises what `ask` raises.
    """
    asked = (one for one in questions if excused(*one, excuses, drilled) is None)
    answers = {where: ask(query, run) for where, query in asked}
    return {where: answer for where, answer in answers.items() if not answer.holds}


def needless(
    excuses: Sequence[Excuse], dashboards: Sequence[Dashboard], drills: Collection[str]
) -> list[str]:
    """Return what is wrong with the table: entries that nothing needs, drills that there are not.

    `drills` are the ids of all scenarios of the catalogue.
    """
    asked = [one for dashboard in dashboards for one in dashboard.queries]
    found = [
        f"{each.where}: no dashboard asks {each.question or each.series}; take the entry out"
        for each in excuses
        if not any(each.covers(where, query) for where, query in asked)
    ]
    for each in excuses:
        unknown = ", ".join(sorted(each.drills - set(drills)))
        if unknown:
            found.append(f"{each.where}: no scenario is called {unknown}")
    return found
