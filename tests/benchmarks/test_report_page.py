"""The page of many drills stays below its weight, and a miss is told."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report_page import DRILLS, a_run, targets
from scenarios.pages.command import write_page
from scenarios.pages.page import LARGEST_BYTES


def test_the_page_of_eighty_drills_stays_below_its_weight(tmp_path: Path) -> None:
    source = tmp_path / "evidence.json"
    source.write_text(json.dumps(a_run()))
    page = write_page(source)
    assert page.stat().st_size <= LARGEST_BYTES
    assert page.read_text().count("<figure>") == DRILLS


def test_what_is_too_heavy_too_slow_or_not_measured_is_a_miss() -> None:
    assert all(one.met for one in targets(10.0, 2_000_000, 400.0))
    assert not targets(99.0, 2_000_000, 400.0)[0].met
    assert not targets(10.0, 3_100_000, 400.0)[1].met
    assert not targets(10.0, 2_000_000, None)[2].met
