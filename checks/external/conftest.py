"""What is seen of a stack that somebody else runs: only with ``--stack=external``."""

from pathlib import Path

import pytest

from scenarios.run_state import RUN
from scenarios.settings import Settings
from stack.clients.alertmanager import AlertmanagerClient
from stack.clients.prometheus import PrometheusClient
from stack.external import External


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out this folder where the run's stack is its own: there is nothing to look at."""
    return None if config.stash[RUN].settings.external else True


@pytest.fixture(scope="session")
def external(settings: Settings) -> External:
    """Where the engine is."""
    assert settings.external is not None, "collected only with --stack=external"
    return settings.external


@pytest.fixture(scope="session")
def prometheus(external: External) -> PrometheusClient:
    """What answers queries, and what evaluates rules."""
    return PrometheusClient(external.prometheus, rules=external.rules)


@pytest.fixture(scope="session")
def alertmanager(external: External) -> AlertmanagerClient:
    """The Alertmanager that is sent the alerts."""
    return AlertmanagerClient(external.alertmanager)
