"""What the demo logs is found in Elasticsearch."""

import pytest

from scenarios.capabilities import compose_with
from stack.compose.trial import TrialStack
from stack.compose.trial.demo import record_of, wait_shipped

ONCE = "compose-shipped"


@pytest.mark.requires(compose_with("elasticsearch"))
def test_a_request_is_found(stack: TrialStack) -> None:
    record_of(stack, ONCE)
    wait_shipped(stack, ONCE)
