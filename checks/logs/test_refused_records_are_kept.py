"""What the index refuses stands among the dead letters, and nothing else is missing."""

import pytest

from scenarios.log_claims import unequal
from scenarios.log_index import client_of, dead_letters, ids_in_file, ids_in_index
from scenarios.shipper import Shipper

pytestmark = pytest.mark.of_the_demo


@pytest.mark.drills(which=lambda drill: drill.id == "LogRecordsLost-refused")
def test_refused_records_are_kept(shipped: Shipper) -> None:
    letters = dead_letters(shipped)
    assert letters, "nothing stands among the dead letters"
    reasons = [one["reason"]["reason"] for one in letters]
    assert [reason for reason in reasons if "http.response.status_code" not in reason] == []
    in_index = ids_in_index(client_of(shipped), shipped.log_file)
    assert unequal(ids_in_file(shipped.log_file), in_index, [one["id"] for one in letters]) == []
