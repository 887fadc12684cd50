"""Whatever was broken on the way: in the end every record of the service is in the index."""

import pytest

from scenarios.campaign import Campaign
from scenarios.history import History, Kind
from scenarios.log_claims import unequal
from scenarios.log_index import client_of, ids_in_file, ids_in_index, wait_drained
from scenarios.model import Drill


@pytest.mark.drills(which=lambda drill: drill.alert == "LogShippingStalled")
def test_every_record_arrives(campaign: Campaign, drill: Drill, history: History) -> None:
    assert history.first(Kind.REPAIRED), "the drill did not come to its repair"
    shipper = campaign.targets[drill.id].shipper
    assert shipper is not None
    wait_drained(shipper)
    in_file = ids_in_file(shipper.log_file)
    assert in_file, f"{shipper.log_file} holds no record"
    assert unequal(in_file, ids_in_index(client_of(shipper), shipper.log_file)) == []
