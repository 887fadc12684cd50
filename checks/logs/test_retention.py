"""No index is older than the retention, once what production runs every night has run."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scenarios.log_claims import too_old
from scenarios.log_index import client_of, wait_drained
from scenarios.logs import Logs
from stack.logs.indices import PATTERN, index_of

DAYS = 30


@pytest.mark.requires("elasticsearch")
def test_no_index_is_older_than_the_retention(logs: Logs, tmp_path: Path) -> None:
    log_file = tmp_path / "old.log"
    now = datetime.now(UTC)
    days = [now - timedelta(days=age) for age in (DAYS + 2, DAYS + 1, DAYS - 1, 1)]
    log_file.write_text(
        "".join(
            json.dumps({"@timestamp": f"{day:%Y-%m-%dT%H:%M:%S}Z", "event.id": f"of-{day:%F}"})
            + "\n"
            for day in days
        )
    )
    with logs.shipping("old", log_file) as shipper:
        wait_drained(shipper)
        client = client_of(shipper)
        assert {index_of(day) for day in days} <= set(client.indices.get(index=PATTERN))
        pruned = subprocess.run(
            [sys.executable, "-m", "stack.logs", "prune", "--days", str(DAYS), "--yes"],
            env={**os.environ, "ELASTICSEARCH_URL": shipper.node.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert pruned.returncode == 0, pruned.stderr
        left = set(client.indices.get(index=PATTERN))
    assert too_old(left, days=DAYS, today=now.date()) == []
    assert {index_of(day) for day in days[2:]} <= left
