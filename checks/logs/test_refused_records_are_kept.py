"""What the index refuses stands among the dead letters, and nothing else is missing."""

import pytest

from scenarios.campaign import Campaign
from scenarios.history import History, Kind
from scenarios.log_claims import unequal
from scenarios.log_index import client_of, dead_letters, ids_in_file, ids_in_index, wait_drained
from scenarios.model import Drill


@pytest.mark.drills(which=lambda drill: drill.id == "LogRecordsLost-refused")
def test_refused_records_are_kept(campaign: Campaign, drill: Drill, history: History) -> None:
    assert history.first(Kind.REPAIRED), "the drill did not come to its repair"
    shipper = campaign.targets[drill.id].shipper
    assert shipper is not None
    wait_drained(shipper)
    letters = dead_letters(shipper)
    assert letters, "nothing stands among the dead letters"
    reasons = [one["reason"]["reason"] for one in letters]
    assert [reason for reason in reasons if "http.response.status_code" not in reason] == []
    in_index = ids_in_index(client_of(shipper), shipper.log_file)
    assert unequal(ids_in_file(shipper.log_file), in_index, [one["id"] for one in letters]) == []
