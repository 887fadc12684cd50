"""The backup's record is aged, witnessed by reading it back, and put back as it was."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scenarios.faults.age_backup import AgeBackup
from scenarios.faults.fault import FaultDidNotBite


@pytest.fixture
def target(tmp_path: Path) -> Any:
    record = tmp_path / "last-backup.json"
    record.write_text(json.dumps({"completed_at": time.time(), "path": "", "bytes": 0}))
    return SimpleNamespace(backup_status=record)


@pytest.mark.parametrize("age", [timedelta(hours=25), None], ids=["too-old", "never"])
def test_the_record_is_changed_and_then_as_it_was(target: Any, age: timedelta | None) -> None:
    before = target.backup_status.read_text()
    with AgeBackup(age=age).inject(target) as witness:
        assert "backup" in witness.text
        if age is None:
            assert not target.backup_status.exists()
        else:
            assert (
                json.loads(target.backup_status.read_text())["completed_at"] < time.time() - 86400
            )
    assert target.backup_status.read_text() == before


def test_a_record_that_did_not_change_is_no_witness(target: Any) -> None:
    with pytest.raises(FaultDidNotBite, match="25 h old"):
        AgeBackup(age=timedelta(hours=25))._read_back(target)
