"""What the file holds, what the shipper has counted and what the index holds are the same."""

import pytest

from scenarios.campaign import Campaign
from scenarios.log_claims import unequal
from scenarios.log_index import client_of, counters_of, ids_in_file, ids_in_index, wait_drained
from scenarios.logs import Logs

pytestmark = pytest.mark.of_the_demo


@pytest.mark.requires("elasticsearch")
def test_file_shipper_and_index_agree(campaign: Campaign, logs: Logs) -> None:
    shipper = campaign.control.shipper
    assert shipper is not None
    wait_drained(shipper)
    in_file = ids_in_file(shipper.log_file)
    assert in_file, f"{shipper.log_file} holds no record"
    assert unequal(in_file, ids_in_index(client_of(shipper), shipper.log_file)) == []
    counted = counters_of(shipper)
    assert counted["log_shipper_shipped_total"] == len(in_file)
    assert counted["log_shipper_refused_total"] == 0
    assert counted["log_shipper_lost_bytes_total"] == 0
