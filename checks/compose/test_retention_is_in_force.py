"""Prometheus keeps its data for 30 days, by its own word."""

import pytest
import requests

from scenarios.capabilities import COMPOSE
from stack.compose.trial import TrialStack
from stack.compose.trial.judges import wrong_retention

PATIENCE_SECONDS = 5.0


@pytest.mark.requires(COMPOSE)
def test_prometheus_keeps_thirty_days(stack: TrialStack) -> None:
    url = f"{stack.url('prometheus')}/api/v1/status/flags"
    flags = requests.get(url, timeout=PATIENCE_SECONDS).json()["data"]
    wrong = wrong_retention(flags)
    assert not wrong, "; ".join(wrong)
