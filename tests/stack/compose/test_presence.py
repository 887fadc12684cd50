"""What a trial lacks is one line with the remedy, asked in the order in which one would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from scenarios.capabilities import COMPOSE, COMPOSE_ACCOUNTS, compose_with, known
from stack.compose.failure import StackFailure
from stack.compose.trial import presence
from stack.compose.trial.presence import EXTRAS, IMAGES, why_no_accounts, why_no_trial

LACKING: set[str] = set()


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a machine that has everything, less what LACKING holds."""

    def compose(*_: object) -> tuple[str, ...]:
        if "compose" in LACKING:
            raise StackFailure("docker has no Compose; install the plugin")
        return ("docker", "compose")

    def missing(_engine: object, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in LACKING]

    monkeypatch.setattr(presence, "_no_engine", lambda: "no engine" if "engine" in LACKING else "")
    monkeypatch.setattr(presence, "missing", missing)
    monkeypatch.setattr(presence, "find_compose", compose)
    monkeypatch.setattr(presence, "stand_in", lambda _reference: "security" in LACKING)
    for cached in (presence._lacking, presence._no_compose):
        cached.cache_clear()
    LACKING.clear()
    yield
    for cached in (presence._lacking, presence._no_compose):
        cached.cache_clear()


def test_a_machine_that_has_everything_lacks_nothing() -> None:
    assert why_no_trial(print) == ""
    assert why_no_accounts(print) == ""
    assert all(why_no_trial(print, extra) == "" for extra in EXTRAS)


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("engine", "no engine"),
        *((image, f"no image of {image}; make them: nox -s images") for image in IMAGES),
        ("compose", "docker has no Compose; install"),
    ],
)
def test_what_a_trial_can_not_do_without_is_told(lacks: str, says: str) -> None:
    LACKING.add(lacks)
    assert says in why_no_trial(print)
    assert says in why_no_accounts(print)


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_may_be_left_out_is_missed_by_who_asks_for_it_alone(extra: str) -> None:
    LACKING.add(extra)
    assert why_no_trial(print) == ""
    assert f"no image of {extra}; " in why_no_trial(print, extra)


def test_a_stand_in_has_no_accounts() -> None:
    LACKING.add("security")
    assert "stand-in without security" in why_no_accounts(print)
    assert why_no_trial(print, "elasticsearch") == ""


def test_each_is_a_capability_that_may_be_required() -> None:
    assert {COMPOSE, COMPOSE_ACCOUNTS, *map(compose_with, EXTRAS)} <= set(known())
