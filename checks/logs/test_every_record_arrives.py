"""Whatever was broken on the way: in the end every record of the service is in the index."""

import pytest

from scenarios.log_claims import unequal
from scenarios.log_index import client_of, ids_in_file, ids_in_index
from scenarios.shipper import Shipper

pytestmark = pytest.mark.of_the_demo


@pytest.mark.drills(which=lambda drill: drill.alert == "LogShippingStalled")
def test_every_record_arrives(shipped: Shipper) -> None:
    in_file = ids_in_file(shipped.log_file)
    assert in_file, f"{shipped.log_file} holds no record"
    assert unequal(in_file, ids_in_index(client_of(shipped), shipped.log_file)) == []
