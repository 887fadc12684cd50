"""Whether Grafana shows the dashboards that the repository has, with the same panels and queries.

One rule: what a file sets must be there; what Grafana adds of itself, such as ids, versions and the
defaults of its own schema, is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import requests

from scenarios.deployment.rules import listed
from scenarios.deployment.screens import ask, reason
from scenarios.deployment.seen import Missing, of
from scenarios.deployment.visit import Answer, Visit
from scenarios.verdict import Verdict
from stack.grafana.dashboards import DashboardError
from stack.grafana.shown import Shown, ShownPanel, load_shown, read_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDashboard:
    """One dashboard as Grafana opens it; `shown` is None where it does not, and `problem` why."""

    uid: str
    shown: Shown | None
    problem: str = ""


def opened_dashboards(visit: Visit) -> tuple[OpenedDashboard, ...]:
    """See the repository's dashboards opened by Grafana."""
    return tuple(
        read_opened(one.uid, ask(visit, "grafana", f"/api/dashboards/uid/{one.uid}"))
        for one in load_shown()
    )


def read_opened(uid: str, answer: Answer) -> OpenedDashboard:
    """Return what an answer shows. Pure."""
    if answer.status == requests.codes.not_found:
        return OpenedDashboard(uid=uid, shown=None, problem=f"is not there: {reason(answer)}")
    if answer.status != requests.codes.ok:
        said = f"can't be opened: Grafana answers {answer.status}: {reason(answer)}"
        return OpenedDashboard(uid=uid, shown=None, problem=said)
    try:
        return OpenedDashboard(uid=uid, shown=read_answer(answer.text, answer.url))
    except DashboardError as error:
        return OpenedDashboard(uid=uid, shown=None, problem=f"can't be read: {error}")


def differences(ours: Shown, theirs: Shown) -> Iterator[str]:
    """Yield how a dashboard that is shown differs from its file."""
    if ours.title != theirs.title:
        yield f"its title is {theirs.title!r}, in the repository {ours.title!r}"
    wanted, shown = _by_title(ours), _by_title(theirs)
    lacking, more = _beyond(wanted, shown), _beyond(shown, wanted)
    if lacking:
        yield f"not shown: {lacking}"
    if more:
        yield f"shown, and not in the repository: {more}"
    for title, panels in wanted.items():
        for one, other in zip(panels, shown.get(title, ()), strict=False):  # told above
            for said in _of_panel(one, other):
                yield f"{title}, {said}"


def _by_title(dashboard: Shown) -> Mapping[str, tuple[ShownPanel, ...]]:
    found: dict[str, tuple[ShownPanel, ...]] = {}
    for panel in dashboard.panels:
        found[panel.title] = (*found.get(panel.title, ()), panel)
    return found


def _beyond(
    these: Mapping[str, tuple[ShownPanel, ...]], those: Mapping[str, tuple[ShownPanel, ...]]
) -> str:
    """Return the titles of which there are more here than there."""
    return ", ".join(
        title for title, panels in these.items() if len(panels) > len(those.get(title, ()))
    )


def _of_panel(ours: ShownPanel, theirs: ShownPanel) -> Iterator[str]:
    wanted, shown = ({one.ref_id: one for one in each.queries} for each in (ours, theirs))
    if not wanted:  # the heading of a row, to which Grafana may give a query that nothing draws
        return
    for name in sorted(shown.keys() - wanted.keys()):
        yield f"query {name}: is asked, and not in the repository"
    for name, query in wanted.items():
        if name not in shown:
            yield f"query {name}: is not asked"
            continue
        other = shown[name]
        if query.source != other.source:
            yield f"query {name}: asks {other.source!r}, in the repository {query.source!r}"
        for key, value in query.settings.items():
            if other.settings.get(key) != value:
                yield (
                    f"query {name}: {key} is {_short(other.settings.get(key))}, "
                    f"in the repository {_short(value)}"
                )


def judge_dashboards(
    seen: tuple[OpenedDashboard, ...] | Missing, wanted: tuple[Shown, ...]
) -> Verdict:
    """Judge that each of these dashboards is opened, and is what its file says."""
    claim = "the dashboards are those of the repository"
    expected = f"{len(wanted)} dashboards, each with the panels and queries of its file"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    opened = {one.uid: one for one in seen}
    found: list[str] = []
    for dashboard in wanted:
        one = opened.get(dashboard.uid)
        if one is None or one.shown is None:
            found.append(f"{dashboard.uid} {one.problem if one else 'was not asked for'}")
        else:
            found += [f"{dashboard.uid}: {said}" for said in differences(dashboard, one.shown)]
    observed = f"{len(wanted)} dashboards, the same in panels and queries"
    look = "stack/grafana/dashboards in Grafana's provisioning; docs/MONITORING-SETUP.md#dashboards"
    return of(claim, expected, observed, listed(tuple(found)), look)


def _short(text: str | None) -> str:
    if text is None:
        return "not set"
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
