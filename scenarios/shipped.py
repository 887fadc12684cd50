"""pytest's door to shipped logs: what a check hands over, and what a drill's service wrote.

One rule: whatever is asked for here has been shipped in full when it is handed out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from scenarios.campaign import Campaign
from scenarios.history import History, Kind
from scenarios.log_index import wait_drained
from scenarios.logs import Logs, Shipper
from scenarios.model import Drill


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the marker by which a check hands over a log."""
    config.addinivalue_line(
        "markers", "ships(name, text): have the log that text() returns shipped, as `handed_over`"
    )


@pytest.fixture(scope="session")
def all_handed_over(
    request: pytest.FixtureRequest, logs: Logs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Shipper]]:
    """The shippers of what all selected checks hand over, which shipped it at the same time."""
    marked = [item.get_closest_marker("ships") for item in request.session.items]
    texts = dict(marker.args for marker in marked if marker)
    with ExitStack() as running:
        shippers = {}
        for name, text in texts.items():
            log_file = tmp_path_factory.mktemp(name) / f"{name}.log"
            log_file.write_text(text())
            shippers[name] = running.enter_context(logs.shipping(name, log_file))
        for shipper in shippers.values():  # all, as a search meets the indices of each
            wait_drained(shipper)
        yield shippers


@pytest.fixture
def handed_over(request: pytest.FixtureRequest, all_handed_over: Mapping[str, Shipper]) -> Shipper:
    """The shipper of what this check hands over, which has shipped all of it."""
    name, _ = request.node.get_closest_marker("ships").args
    return all_handed_over[name]


@pytest.fixture
def shipped(campaign: Campaign, drill: Drill, history: History) -> Shipper:
    """The shipper of a drilled service, once it was repaired and all of its log was shipped."""
    assert history.first(Kind.REPAIRED), "the drill did not come to its repair"
    shipper = campaign.targets[drill.id].shipper
    assert shipper is not None, f"{drill.id} has no shipper"
    wait_drained(shipper)
    return shipper
