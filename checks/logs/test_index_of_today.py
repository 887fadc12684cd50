"""Today's records lie in today's index, by name, and its fields are those of the template."""

from datetime import datetime

import pytest

from scenarios.campaign import Campaign
from scenarios.log_index import client_of, wait_for_documents
from scenarios.logs import Logs
from stack.logs.fields import load_fields
from stack.logs.indices import index_of

pytestmark = pytest.mark.of_the_demo


@pytest.mark.requires("elasticsearch")
def test_index_of_today_exists_by_name_and_template(campaign: Campaign, logs: Logs) -> None:
    shipper = campaign.control.shipper
    assert shipper is not None
    client = client_of(shipper)
    first, *_ = wait_for_documents(client, 1, {"log.file.path": str(shipper.log_file)})
    index = index_of(datetime.fromisoformat(first["@timestamp"]))  # a run may cross midnight
    mapping = client.indices.get_mapping(index=index)[index]["mappings"]
    assert mapping["dynamic"] == "strict"
    for field in load_fields().values():
        found = mapping
        for part in field.name.split("."):
            found = found["properties"][part]
        assert found["type"] == field.type, f"{field.name} is a {found['type']}"
