"""No password or key stands where people look: in the engine's answers, compose's, or the logs."""

from collections.abc import Callable

import pytest

from scenarios.capabilities import COMPOSE
from stack.compose.trial import TrialStack
from stack.compose.trial.judges import shown

PLACES: dict[str, Callable[[TrialStack], str]] = {
    "docker-inspect": TrialStack.inspected_text,
    "compose-config": lambda stack: stack.engine.told("config"),
    "logs": lambda stack: stack.engine.told("logs", "--no-color"),
}


@pytest.mark.requires(COMPOSE)
@pytest.mark.parametrize("place", PLACES)
def test_no_secret_stands_in(stack: TrialStack, place: str) -> None:
    text = PLACES[place](stack)
    assert "softfactory" in text, f"{place} shows nothing of the stack"
    found = shown(text, stack.secrets)
    assert not found, f"{place} shows {', '.join(found)}"
