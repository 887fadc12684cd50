"""No index is older than the retention, once what production runs every night has run."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from scenarios.handed_over import HandedOver
from scenarios.log_claims import too_old
from scenarios.log_index import client_of
from scenarios.nodes import asking
from stack.logs.indices import PATTERN, index_of

pytestmark = pytest.mark.of_the_demo

DAYS = 30
BEYOND, WITHIN = (DAYS + 2, DAYS + 1), (DAYS - 1, 1)
"""Ages in days of what is shipped."""

NOW = datetime.now(UTC)


def _log() -> str:
    days = [NOW - timedelta(days=age) for age in (*BEYOND, *WITHIN)]
    return "".join(
        json.dumps({"@timestamp": f"{day:%Y-%m-%dT%H:%M:%S}Z", "event.id": f"of-{day:%F}"}) + "\n"
        for day in days
    )


def _indices(ages: tuple[int, ...]) -> set[str]:
    return {index_of(NOW - timedelta(days=age)) for age in ages}


@pytest.mark.requires("elasticsearch")
@pytest.mark.ships("old", _log)
def test_no_index_is_older_than_the_retention(handed_over: HandedOver) -> None:
    client = client_of(handed_over)
    assert _indices(BEYOND + WITHIN) <= set(client.indices.get(index=PATTERN))
    pruned = subprocess.run(
        [sys.executable, "-m", "stack.logs", "prune", "--days", str(DAYS), "--yes"],
        env=asking(handed_over.node),
        capture_output=True,
        text=True,
        check=False,
    )
    assert pruned.returncode == 0, pruned.stderr
    left = set(client.indices.get(index=PATTERN))
    assert too_old(left, days=DAYS, today=datetime.now(UTC).date()) == []
    assert _indices(WITHIN) <= left
