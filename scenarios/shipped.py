"""pytest's door to shipped logs: what a check hands over, and what a drill's service wrote.

One rule: whatever is asked for here has been shipped in full when it is handed out.
"""

from __future__ import annotations

import pytest

from scenarios.campaign import Campaign
from scenarios.handed_over import HandedOver
from scenarios.history import History, Kind
from scenarios.log_index import wait_drained
from scenarios.model import Drill
from scenarios.run_state import SHIPS
from scenarios.shipper import Shipper


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the marker."""
    config.addinivalue_line(
        "markers", f"{SHIPS}(name, text): have the log that text() returns shipped, as handed_over"
    )


@pytest.fixture
def handed_over(request: pytest.FixtureRequest, campaign: Campaign) -> HandedOver:
    """What this check hands over, which has been shipped whole."""
    marker = request.node.get_closest_marker(SHIPS)
    if marker is None:
        raise pytest.UsageError(f"{request.node.nodeid} hands nothing over; mark it with {SHIPS}")
    name, _ = marker.args
    return campaign.logs.handed_over(name)


@pytest.fixture
def shipped(campaign: Campaign, drill: Drill, history: History) -> Shipper:
    """The shipper of a drilled service, once it was repaired and all of its log was shipped."""
    assert history.first(Kind.REPAIRED), "the drill did not come to its repair"
    shipper = campaign.targets[drill.id].shipper
    assert shipper is not None, f"{drill.id} has no shipper"
    wait_drained(shipper)
    return shipper
