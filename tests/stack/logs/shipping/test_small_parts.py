"""Waits, decisions, parts, checkpoint, dead letters, counts: each on its own."""

from __future__ import annotations

import errno
import json
import os
import random
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from stack.logs.connection import SettingsError
from stack.logs.shipping.backoff import BASE_SECONDS, CAP_SECONDS, bound_seconds, delay_seconds
from stack.logs.shipping.checkpoint import (
    CHECKPOINT_FILE,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from stack.logs.shipping.dead_letters import DEAD_LETTERS_FILE, Refused, keep_dead_letters
from stack.logs.shipping.decisions import REFUSALS, RETRIES, Decision, decide, refusal_of, retry_of
from stack.logs.shipping.documents import TAGS
from stack.logs.shipping.fingerprint import Fingerprint
from stack.logs.shipping.follower import Backlog
from stack.logs.shipping.generation import Mark
from stack.logs.shipping.lock import Taken, locked
from stack.logs.shipping.metrics import ShipperMetrics, lag_bytes, serving_metrics
from stack.logs.shipping.parts import AT_ONCE, SMALLEST_BYTES, Record, split
from stack.logs.shipping.stopping import Stop
from stack.logs.shipping.tally import Tally

LETTER = Refused(
    status=400,
    reason_type="document_parsing_exception",
    reason="no number",
    index="softfactory-logs-2026.11.25",
    id="e-1",
    document=b'{"message":"m"}',
)


@given(st.integers(1, 10**9))
def test_a_wait_lies_below_its_bound_and_the_bound_below_the_cap(attempt: int) -> None:
    assert 0 <= delay_seconds(attempt) <= bound_seconds(attempt) <= CAP_SECONDS
    assert bound_seconds(attempt) <= bound_seconds(attempt + 1)


def test_the_bound_begins_small_and_doubles() -> None:
    assert [bound_seconds(one) for one in (1, 2, 3)] == [
        BASE_SECONDS,
        BASE_SECONDS * 2,
        BASE_SECONDS * 4,
    ]


def test_waits_are_spread_over_the_whole_interval() -> None:
    chance = random.Random(1).random
    waits = sorted(delay_seconds(99, chance) for _ in range(1000))
    assert waits[50] < CAP_SECONDS * 0.1
    assert waits[-50] > CAP_SECONDS * 0.9


@pytest.mark.parametrize(
    ("status", "error_type", "decision"),
    [
        (201, "", Decision.SHIPPED),
        (200, "", Decision.SHIPPED),
        (409, "version_conflict_engine_exception", Decision.SHIPPED),
        (400, "document_parsing_exception", Decision.REFUSED),
        (400, "illegal_argument_exception", Decision.REFUSED),
        (400, "mapper_parsing_exception", Decision.REFUSED),
        (400, "strict_dynamic_mapping_exception", Decision.REFUSED),
        (400, "index_closed_exception", Decision.REFUSED),
        (400, "validation_exception", Decision.RETRY),
        (400, "", Decision.RETRY),
        (413, "", Decision.REFUSED),
        (403, "cluster_block_exception", Decision.REFUSED),
        (403, "security_exception", Decision.RETRY),
        (404, "index_not_found_exception", Decision.RETRY),
        (429, "es_rejected_execution_exception", Decision.RETRY),
        (429, "cluster_block_exception", Decision.RETRY),
        (500, "exception", Decision.RETRY),
        (503, "unavailable_shards_exception", Decision.RETRY),
    ],
)
def test_what_an_answer_means(status: int, error_type: str, decision: Decision) -> None:
    assert decide(status, error_type) is decision


@given(st.integers(100, 599), st.text())
def test_every_answer_has_a_name_that_is_counted(status: int, error_type: str) -> None:
    assert retry_of(status) in RETRIES
    assert refusal_of(error_type) in REFUSALS


@given(
    st.lists(st.integers(1, 90_000), max_size=60).map(
        lambda sizes: [(b"a", b"x" * size) for size in sizes]
    ),
    st.integers(1, 400_000),
)
def test_parts_hold_every_record_in_order_and_keep_the_bound(
    records: list[Record], max_bytes: int
) -> None:
    parts = split(records, max_bytes)
    assert [one for part in parts for one in part] == records
    for part in parts:
        assert part
        assert len(part) == 1 or sum(len(a) + len(b) + 2 for a, b in part) <= max_bytes


def test_a_batch_is_shared_evenly_and_a_small_one_is_not_shared() -> None:
    record = (b"a", b"x" * 997)
    parts = split([record] * 1000, 1 << 20)
    assert [len(part) for part in parts] == [500] * AT_ONCE
    assert len(split([record] * (SMALLEST_BYTES // 1000), 1 << 20)) == 1


def checkpoint(path: Path) -> Checkpoint:
    mark = Mark(
        key="ab",
        device=1,
        inode=2,
        head=Fingerprint.of(b"one\n"),
        offset=4,
        tail=Fingerprint.of(b"one\n"),
        size=9,
    )
    return Checkpoint(path=path, marks=(mark,), arrival=datetime(2026, 11, 25, tzinfo=UTC))


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    saved = checkpoint(tmp_path / "app.log")
    save_checkpoint(tmp_path, saved)
    assert load_checkpoint(tmp_path, tmp_path / "app.log") == saved


def test_where_there_is_no_checkpoint_nothing_is_shipped_yet(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, tmp_path / "app.log").marks == ()


def test_a_checkpoint_of_another_file_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(tmp_path / "app.log"))
    with pytest.raises(SettingsError, match="each file needs a --state-directory of its own"):
        load_checkpoint(tmp_path, tmp_path / "other.log")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", '{"version": 9}', '{"version": 1, "path": 7}']
)
def test_what_is_no_checkpoint_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / CHECKPOINT_FILE).write_text(text)
    with pytest.raises(SettingsError, match=r"is no checkpoint .* remove it") as caught:
        load_checkpoint(tmp_path, tmp_path / "app.log")
    assert "\n" not in str(caught.value)


def test_a_checkpoint_with_a_negative_offset_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(tmp_path / "app.log"))
    file = tmp_path / CHECKPOINT_FILE
    file.write_text(file.read_text().replace('"offset": 4', '"offset": -4'))
    with pytest.raises(SettingsError, match="expected a number of bytes, found -4"):
        load_checkpoint(tmp_path, tmp_path / "app.log")


def test_a_checkpoint_that_can_not_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = checkpoint(tmp_path / "app.log")
    save_checkpoint(tmp_path, saved)

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path / CHECKPOINT_FILE}'"):
        save_checkpoint(tmp_path, Checkpoint(path=tmp_path / "app.log"))
    assert load_checkpoint(tmp_path, tmp_path / "app.log") == saved


def test_a_dead_letter_has_reason_status_index_and_document(tmp_path: Path) -> None:
    keep_dead_letters(tmp_path, [LETTER, LETTER])
    lines = (tmp_path / DEAD_LETTERS_FILE).read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == [
        {
            "reason": {"type": "document_parsing_exception", "reason": "no number"},
            "status": 400,
            "index": "softfactory-logs-2026.11.25",
            "id": "e-1",
            "document": {"message": "m"},
        }
    ] * 2


def test_a_torn_dead_letter_is_ended_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / DEAD_LETTERS_FILE
    file.write_bytes(b'{"reas')
    keep_dead_letters(tmp_path, [LETTER])
    torn, whole = file.read_bytes().splitlines()
    assert torn == b'{"reas'
    assert orjson.loads(whole)["id"] == "e-1"


def test_a_dead_letter_that_the_disk_has_no_room_for_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_dead_letters(tmp_path, [LETTER])
    before = (tmp_path / DEAD_LETTERS_FILE).read_bytes()

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path / DEAD_LETTERS_FILE}'"):
        keep_dead_letters(tmp_path, [LETTER])
    assert (tmp_path / DEAD_LETTERS_FILE).read_bytes() == before


def test_the_lock_is_one_shippers(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Taken, match=f"pid {os.getpid()}"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_wait_ends_at_once_when_the_end_is_wished_for() -> None:
    stop = Stop()
    threading.Timer(0.05, stop.request).start()
    began = time.monotonic()
    assert stop.wait(30)
    assert time.monotonic() - began < 10
    assert stop.requested
    assert not stop.wait(0.01), "later waits are waits again, as the rest needs them"


def test_every_series_is_there_from_the_start(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    registry.register(ShipperMetrics(Tally(), tmp_path / "app.log"))
    text = generate_latest(registry).decode()
    samples = dict(
        line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")
    )
    assert set(samples.values()) == {"0.0"}
    assert samples.keys() == {
        "log_shipper_shipped_total",
        *(f'log_shipper_refused_total{{reason="{one}"}}' for one in REFUSALS),
        *(f'log_shipper_retries_total{{reason="{one}"}}' for one in RETRIES),
        *(f'log_shipper_odd_lines_total{{tag="{one}"}}' for one in TAGS),
        "log_shipper_lost_bytes_total",
        "log_shipper_lag_bytes",
        "log_shipper_lag_seconds",
        "log_shipper_last_success_timestamp_seconds",
    }


def test_the_lag_counts_what_the_file_has_grown_by_since(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"x" * 100)
    about = path.stat()
    tally = Tally()
    tally.backlog = Backlog(
        device=about.st_dev, inode=about.st_ino, shipped=30, size=50, rotated_bytes=7
    )
    assert lag_bytes(tally, path) == 7 + 70
    path.rename(tmp_path / "app.log.1")
    assert lag_bytes(tally, path) == 7 + 20
    path.write_bytes(b"new")
    assert lag_bytes(tally, path) == 7 + 20 + 3


def test_the_lag_is_the_age_of_the_oldest_record_that_waits() -> None:
    tally = Tally()
    now = datetime(2026, 11, 25, 12, 0, 9, tzinfo=UTC).timestamp()
    assert tally.lag_seconds(now) == 0
    tally.oldest = "2026-11-25T12:00:00Z"
    assert tally.lag_seconds(now) == 9
    tally.oldest = "2026-11-25T12:00:10Z"
    assert tally.lag_seconds(now) == 0, "a clock that is ahead"


def test_no_file_of_the_state_is_left_half_written(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(tmp_path / "app.log"))
    assert [one.name for one in tmp_path.iterdir()] == [CHECKPOINT_FILE]
    json.loads((tmp_path / CHECKPOINT_FILE).read_text())


@pytest.mark.parametrize("address", ["a..b", "x" * 70])
def test_metrics_at_a_host_that_can_be_nobody_s_name_are_refused_in_one_line(
    tmp_path: Path, address: str
) -> None:
    serving = serving_metrics(Tally(), tmp_path / "app.log", address=address, port=0)
    with pytest.raises(SettingsError, match=f"^--metrics-address {address} "), serving:
        pytest.fail("it serves")


def has_ipv6() -> bool:
    interfaces = Path("/proc/net/if_inet6")
    return interfaces.exists() and " lo\n" in interfaces.read_text()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_the_url_of_metrics_at_an_ipv6_address_can_be_asked(tmp_path: Path) -> None:
    with serving_metrics(Tally(), tmp_path / "app.log", address="::1", port=0) as url:
        assert requests.get(url, timeout=5).ok
