"""A fault of log shipping that does not bite is no drill."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from scenarios.faults import refuse_records
from scenarios.faults.fault import Fault, FaultDidNotBite
from scenarios.faults.kill_elasticsearch import KillElasticsearch
from scenarios.faults.kill_shipper import KillShipper
from scenarios.faults.refuse_records import RefuseRecords
from scenarios.log_index import REFUSED
from scenarios.target import Target


def target(tmp_path: Path, shipper: object) -> Target:
    stand_in = SimpleNamespace(
        id="a", shipper=shipper, log_file=tmp_path / "app.log", patience_seconds=1.0
    )
    return cast(Target, stand_in)


@pytest.mark.parametrize("fault", [KillElasticsearch(), KillShipper(), RefuseRecords()])
def test_a_service_whose_log_is_not_shipped_can_not_be_broken_so(
    fault: Fault, tmp_path: Path
) -> None:
    with (
        pytest.raises(FaultDidNotBite, match=r"ships_logs=True"),
        fault.inject(target(tmp_path, None)),
    ):
        pass


def test_records_that_the_index_takes_after_all_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refuse_records, "counters_of", lambda shipper: {REFUSED: 3.0})
    with (
        pytest.raises(FaultDidNotBite, match="the index refused"),
        RefuseRecords().inject(target(tmp_path, object())),
    ):
        pass


def test_records_are_written_that_clash_with_the_table_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = target(tmp_path, object())

    def refused(_shipper: object) -> dict[str, float]:
        return {REFUSED: float(len(lines(there.log_file)))}

    monkeypatch.setattr(refuse_records, "counters_of", refused)
    with RefuseRecords().inject(there):
        pass
    written = lines(there.log_file)
    assert written
    assert {json.loads(line)["http.response.status_code"] for line in written} == {"none of that"}
    assert len({json.loads(line)["event.id"] for line in written}) == len(written)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
