"""Which checks apply to this run, and which drills they need.

One rule: decided at collection, from the options and from what the machine has; what does not apply
is listed with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from scenarios import capabilities
from scenarios.external import lacks_of, needs_of
from scenarios.model import Drill
from scenarios.report import NotApplicable
from scenarios.run_state import RUN, SHIPS, RunState, drill_of
from scenarios.saying import SayLine
from scenarios.settings import IN_CONTAINERS
from scenarios.terminal import sayer
from stack.production import production_files
from stack.rules import AlertRule


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a drill of each check that asks for one, with the alert's name in its id."""
    if "drill" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("drills")
    which: Callable[[Drill], bool] = marker.kwargs["which"] if marker else lambda drill: True
    chosen = [drill for drill in metafunc.config.stash[RUN].drills if which(drill)]
    metafunc.parametrize("drill", chosen, ids=[drill.id for drill in chosen], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what does not apply to this run, and note which drills the rest needs."""
    run = config.stash[RUN]
    kept, left_out = [], []
    say = sayer(config)
    for item in items:
        if reason := _foreign(item, run):
            left_out.append(item)
            run.not_applicable.append(NotApplicable(test=item.nodeid, reason=reason))
            continue
        lacking = _lacking(item, say)
        if not lacking or set(lacking) & run.required:
            kept.append(item)
            continue
        left_out.append(item)
        why = "; ".join(f"{name}: {_why_not(item, name)}" for name in lacking)
        run.not_applicable.append(NotApplicable(test=item.nodeid, reason=why))
    run.not_applicable += [
        NotApplicable(test=f"checks/alerts::drill[{alert}]", reason=run.undrilled[alert])
        for alert in _undrilled(run, config.option.keyword, items, left_out)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    run.selected = {drill.id: drill for item in items if (drill := drill_of(item))}
    asked = {name for item in items for name in _required_by(item)}
    marked = [marker for item in items if (marker := item.get_closest_marker(SHIPS))]
    run.settings = replace(
        run.settings,
        logs=capabilities.ELASTICSEARCH in asked,
        handed_over={name: text() for name, text in dict(one.args for one in marked).items()},
    )


def _undrilled(
    run: RunState, keyword: str, items: Sequence[pytest.Item], left_out: Sequence[pytest.Item]
) -> list[str]:
    """Return the alerts without a drill that this run might have drilled.

    With ``-k`` those that it names, or whose scenarios don't apply.
    """
    if not keyword:
        return list(run.undrilled) if any(drill_of(item) for item in items) else []
    inapplicable = {drill.alert for item in left_out if (drill := drill_of(item))}
    named = _named_by(keyword)
    return [one for one in run.undrilled if one in inapplicable or one.lower() in named]


def _named_by(keyword: str) -> set[str]:
    """Return the words of a ``-k`` but for those after a `not`, in lower case, as alerts are named.

    A drill's name is its alert's, or goes on after a dash: ``QueueTooLong-synthetic``.
    """
    wanted = re.sub(r"\bnot\b\s*(\([^()]*\)|[^\s()]+)", " ", keyword.lower())
    return {word.partition("-")[0] for word in re.findall(r"[^\s()\[\]]+", wanted)}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what was required and can't be had, with the reason."""
    lacking = _lacking(item, sayer(item.config))
    if lacking:
        why = "; ".join(f"{name} is required: {_why_not(item, name)}" for name in lacking)
        pytest.fail(why, pytrace=False)


def _foreign(item: pytest.Item, run: RunState) -> str:
    """Return why a check says nothing of what this run drills; "" where it does."""
    drill = drill_of(item)
    if drill:
        return run.inapplicable.get(drill.id, "")
    if run.asked.own and item.get_closest_marker("of_the_demo"):
        return f"asks for what only the demo service has, and {run.settings.app} is drilled"
    files, ours = run.settings.production, production_files()
    others = (files.rules, files.alertmanager) != (ours.rules, ours.alertmanager)
    if others and item.get_closest_marker("of_the_files"):
        return "is about the toolkit's own rule and routing files, and others are drilled"
    rule = getattr(item, "callspec", None) and item.callspec.params.get("rule")  # type: ignore[attr-defined]  # of functions alone
    if run.asked.own and isinstance(rule, AlertRule):
        return run.asked.own.why_unread(rule)
    return ""


def _required_by(item: pytest.Item) -> set[str]:
    return {marker.args[0] for marker in item.iter_markers("requires")}


def _lacking(item: pytest.Item, say: SayLine) -> list[str]:
    drill = drill_of(item)
    needs = _required_by(item) | set(drill.requires if drill else ()) | needs_of(item)
    lacks = lacks_of(item.config.stash[RUN].settings)
    return capabilities.lacking(needs, say=say, contained=_contained(item), stack=lacks)


def _why_not(item: pytest.Item, capability: str) -> str:
    lacks = lacks_of(item.config.stash[RUN].settings)
    return capabilities.why_not(capability, contained=_contained(item), stack=lacks)


def _contained(item: pytest.Item) -> bool:
    return item.config.stash[RUN].settings.stack in IN_CONTAINERS
