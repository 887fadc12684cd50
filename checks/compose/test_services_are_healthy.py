"""Every service that the compose file starts is well, by its own health check."""

from stack.compose.trial import TrialStack
from stack.compose.trial.judges import unwell


def test_a_service_is_healthy(stack: TrialStack, service: str) -> None:
    wrong = unwell(stack.inspected().get(service), ends=False)
    assert not wrong, f"{service} {wrong}"
