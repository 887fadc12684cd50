"""One deployment for all tests that only look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.tools import Tools, ToolSettings, find_tools
from tests.scenarios.deployment.doubles import Grafana, Kibana, serving
from tests.scenarios.deployment.house import House, a_house


@pytest.fixture(scope="session")
def own_tools() -> Tools:
    return find_tools(ToolSettings.from_env(), print)


@pytest.fixture(scope="module")
def house(own_tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A healthy deployment, of which nothing is changed."""
    with a_house(tmp_path_factory.mktemp("house"), own_tools) as healthy:
        yield healthy


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    double = Grafana()
    with serving(double):
        yield double


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    double = Kibana()
    with serving(double):
        yield double
