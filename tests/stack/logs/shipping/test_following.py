"""A generation is known again after anything, and what is lost is counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.logs.shipping.chunk import MAX_LINE_BYTES, READ_BYTES, Rewritten, read_chunk
from stack.logs.shipping.fingerprint import HEAD_BYTES, Fingerprint, head_of
from stack.logs.shipping.follower import LINGER_SECONDS, Follower
from stack.logs.shipping.generation import Mark


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def append(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("".join(f"{line}{end}" for line in lines))


def read_all(follower: Follower, *, ship: bool = True) -> list[str]:
    """Return every line that was not read yet, and with `ship` say that it is shipped."""
    found = []
    for generation, chunk in follower.unread():
        taken = sum(len(line) + chunk.end_bytes for line in chunk.lines)
        progress = generation.take(generation.read + taken, chunk.tail(taken))
        if ship:
            follower.advance({generation.key: progress})
        found += [line.decode() for line in chunk.lines]
    return found


def restarted(follower: Follower, path: Path) -> Follower:
    marks = follower.marks
    follower.close()
    again = Follower(path, marks)
    again.poll()
    return again


def rotate(path: Path, name: str) -> Path:
    target = path.with_name(f"{path.name}.{name}")
    path.rename(target)
    return target


def age(path: Path, seconds: float = LINGER_SECONDS + 1) -> None:
    about = path.stat()
    os.utime(path, (about.st_atime - seconds, about.st_mtime - seconds))


def followed(path: Path) -> Follower:
    follower = Follower(path)
    follower.poll()
    return follower


def test_a_file_that_does_not_exist_yet_is_waited_for(path: Path) -> None:
    follower = followed(path)
    assert read_all(follower) == []
    append(path, "one")
    follower.poll()
    assert read_all(follower) == ["one"]


def test_a_line_is_read_once_its_end_is_written(path: Path) -> None:
    append(path, "one")
    append(path, "to", end="")
    follower = followed(path)
    assert read_all(follower) == ["one"]
    append(path, "rn", "two")
    follower.poll()
    assert read_all(follower) == ["torn", "two"]


def test_the_old_generation_is_drained_before_the_new_one(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    assert read_all(follower) == ["one"]
    append(path, "two")
    rotate(path, "2026-11-24")
    append(path, "three")
    follower.poll()
    assert read_all(follower) == ["two", "three"]


def test_what_a_slow_writer_appends_to_a_renamed_file_is_read(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    with path.open("a") as slow:
        rotate(path, "1")
        append(path, "two")
        follower.look()
        assert read_all(follower) == ["two"]
        slow.write("late\n")
    follower.look()
    assert read_all(follower) == ["late"]


def test_a_write_to_a_rotated_file_that_was_closed_long_ago_is_read(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    old = rotate(path, "1")
    age(old)
    append(path, "two")
    follower.look()
    follower.look()
    assert read_all(follower) == ["two"]
    append(old, "very late")
    follower.look()
    assert read_all(follower) == ["very late"]


def test_rotations_while_it_was_down_are_read_in_their_order(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    append(path, "two")
    age(rotate(path, "b"), 30)
    append(path, "three")
    age(rotate(path, "a"), 20)
    append(path, "four")
    age(rotate(path, "c"), 10)
    append(path, "five")
    assert read_all(restarted(follower, path)) == ["two", "three", "four", "five"]


def test_what_is_shipped_is_not_read_again_after_a_restart(path: Path) -> None:
    append(path, "one")
    rotate(path, "1")
    append(path, "two")
    follower = followed(path)
    assert read_all(follower) == ["one", "two"]
    assert read_all(restarted(follower, path)) == []


def test_what_is_read_and_not_shipped_is_read_again_after_a_restart(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    append(path, "two")
    follower.poll()
    assert read_all(follower, ship=False) == ["two"]
    assert read_all(restarted(follower, path)) == ["two"]


def test_a_file_with_the_inode_of_a_deleted_one_is_a_new_generation(path: Path) -> None:
    append(path, "one", "two")
    follower = followed(path)
    read_all(follower)
    marks = follower.marks
    follower.close()
    path.unlink()
    append(path, "six", "ten", "more")
    about = path.stat()
    (mark,) = marks
    same_inode = Mark(
        key=mark.key,
        device=about.st_dev,
        inode=about.st_ino,
        head=mark.head,
        offset=mark.offset,
        tail=mark.tail,
        size=mark.size,
    )
    again = Follower(path, [same_inode])
    again.poll()
    assert read_all(again) == ["six", "ten", "more"]
    assert again.lost_bytes == 0


def test_a_file_that_begins_with_the_same_line_and_goes_on_otherwise_is_a_new_generation(
    path: Path,
) -> None:
    append(path, "Starting", "served 1")
    follower = followed(path)
    assert read_all(follower) == ["Starting", "served 1"]
    path.write_text("Starting\nserved 2\n")  # the same inode, and the same length
    follower.look()
    assert read_all(follower) == ["Starting", "served 2"]


def test_a_compressed_sibling_is_not_read(path: Path) -> None:
    append(path, "one")
    path.with_name("app.log.1.gz").write_bytes(b"\x1f\x8b\n\n")
    assert read_all(followed(path)) == ["one"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_sibling_that_may_not_be_read_stops_nothing(path: Path) -> None:
    append(path, "one")
    path.with_name("app.log.bak").touch(0)
    assert read_all(followed(path)) == ["one"]


def test_deleted_files_beyond_those_that_are_held_open_cost_no_access_to_the_others(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.logs.shipping.follower.MAX_OPEN", 1)
    append(path, "one")
    follower = followed(path)
    first = rotate(path, "1")
    append(path, "two")
    follower.poll()
    second = rotate(path, "2")
    append(path, "three")
    follower.poll()
    first.unlink()
    follower.look()
    assert read_all(follower) == ["one", "two", "three"]
    second.unlink()
    follower.look()
    assert follower.lost_bytes == 0


def test_what_copy_truncate_copied_is_read_from_the_copy(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    assert read_all(follower) == ["one"]
    append(path, "two")
    path.with_name("app.log.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    append(path, "three")
    follower.poll()
    assert read_all(follower) == ["two", "three"]
    assert follower.lost_bytes == 0


def test_a_copy_before_the_truncation_is_not_read_twice(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    path.with_name("app.log.1").write_bytes(path.read_bytes())
    follower.look()
    append(path, "two")
    follower.poll()
    assert read_all(follower) == ["two"]


def test_a_rotated_file_that_begins_as_the_current_one_and_goes_on_is_no_copy(path: Path) -> None:
    append(path, "Starting", "served 1")
    age(rotate(path, "1"))
    append(path, "Starting")
    follower = followed(path)
    assert read_all(follower) == ["Starting", "served 1", "Starting"]
    append(path, "served 2")
    follower.look()
    assert read_all(follower) == ["served 2"]


def test_a_copy_of_what_was_written_since_the_file_was_last_seen_is_a_copy(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    append(path, "two")
    path.with_name("app.log.1").write_bytes(path.read_bytes())
    follower.look()
    assert read_all(follower) == ["two"]


def test_a_truncated_file_that_has_outgrown_its_offset_is_noticed(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    path.write_text("another beginning\nand more\n")
    follower.poll()
    assert read_all(follower) == ["another beginning", "and more"]


def test_a_copied_file_that_has_outgrown_what_was_read_costs_nothing(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    path.with_name("app.log.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    append(path, "another beginning", "and more")
    follower.poll()
    assert read_all(follower) == ["another beginning", "and more"]
    assert follower.lost_bytes == 0


@pytest.mark.parametrize("restart", [False, True])
def test_what_a_truncation_takes_before_it_is_read_is_counted(path: Path, restart: bool) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    append(path, "these are lost")
    follower.poll()
    os.truncate(path, 0)
    if restart:
        follower = restarted(follower, path)
    follower.poll()
    assert read_all(follower) == []
    assert follower.lost_bytes == len("these are lost\n")


def test_what_was_written_between_copy_and_truncation_is_counted(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    copied = path.read_bytes()
    append(path, "between")
    follower.poll()
    path.with_name("app.log.1").write_bytes(copied)
    os.truncate(path, 0)
    follower.poll()
    assert read_all(follower) == []
    assert follower.lost_bytes == len("between\n")


def test_a_file_that_is_deleted_while_it_is_followed_is_read_to_its_end(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    append(path, "two")
    path.unlink()
    follower.poll()
    assert read_all(follower) == ["one", "two"]
    append(path, "three")
    follower.poll()
    assert read_all(follower) == ["three"]
    assert follower.lost_bytes == 0


def test_a_file_that_was_deleted_unread_while_it_was_down_is_counted(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    read_all(follower)
    append(path, "two")
    follower.poll()
    marks = follower.marks
    follower.close()
    path.unlink()
    again = Follower(path, marks)
    again.look()
    assert again.lost_bytes == 0, "one reading of the directory may miss a file that is renamed"
    again.look()
    assert again.lost_bytes == len("two\n")
    assert again.marks == ()


def test_a_torn_line_at_the_end_of_a_rotated_file_is_read_once_nobody_writes_there(
    path: Path,
) -> None:
    append(path, "one")
    append(path, "torn", end="")
    follower = followed(path)
    read_all(follower)
    old = rotate(path, "1")
    append(path, "two")
    follower.poll()
    assert read_all(follower) == ["two"]
    age(old)
    follower.look()
    assert read_all(follower) == ["torn"]
    assert read_all(restarted(follower, path)) == []


def test_a_rotated_file_of_one_torn_line_is_read_once(path: Path) -> None:
    append(path, "torn", end="")
    age(rotate(path, "1"))
    follower = followed(path)
    assert read_all(follower) == ["torn"]
    assert read_all(restarted(follower, path)) == []


def test_after_freezing_only_what_was_there_is_read(path: Path) -> None:
    append(path, "one")
    follower = followed(path)
    follower.freeze()
    append(path, "two")
    rotate(path, "1")
    append(path, "three")
    follower.look()
    assert read_all(follower) == ["one"]


def test_the_backlog_is_what_is_not_shipped(path: Path) -> None:
    append(path, "one")
    rotate(path, "1")
    append(path, "three")
    follower = followed(path)
    assert (follower.backlog.rotated_bytes, follower.backlog.size) == (4, 6)
    read_all(follower, ship=False)
    assert (follower.backlog.rotated_bytes, follower.backlog.shipped) == (4, 0)


def test_a_head_is_the_first_line_or_as_much_of_it_as_is_looked_at() -> None:
    assert head_of(b"") is None
    assert head_of(b"torn") is None
    assert head_of(b"one\ntwo") == Fingerprint.of(b"one\n")
    assert head_of(b"x" * (HEAD_BYTES + 9)) == Fingerprint.of(b"x" * HEAD_BYTES)


def test_a_line_longer_than_the_memory_allows_is_read_in_parts(path: Path) -> None:
    long = "x" * (MAX_LINE_BYTES + 100)
    append(path, "one", long, "two")
    found = read_all(followed(path))
    assert found == ["one", "x" * MAX_LINE_BYTES, "x" * 100, "two"]


def test_a_record_with_a_message_of_a_megabyte_is_read_whole(path: Path) -> None:
    record = '{"message":"' + "x" * (1 << 20) + '","event.id":"e"}'
    append(path, "one", record, "two")
    assert read_all(followed(path)) == ["one", record, "two"]


def test_a_line_longer_than_a_chunk_is_read_whole(path: Path) -> None:
    long = "x" * (READ_BYTES * 3)
    append(path, "one", long, "two")
    assert read_all(followed(path)) == ["one", long, "two"]


@pytest.fixture
def opened(path: Path) -> Callable[[bytes], int]:
    def write(data: bytes) -> int:
        path.write_bytes(data)
        return os.open(path, os.O_RDONLY)

    return write


def test_a_chunk_tells_that_what_stood_before_it_has_changed(
    opened: Callable[[bytes], int],
) -> None:
    fd = opened(b"one\ntwo\n")
    assert read_chunk(fd, 4, b"one\n") is not None
    with pytest.raises(Rewritten):
        read_chunk(fd, 4, b"ten\n")
    os.close(fd)


def test_a_chunk_ends_where_it_is_told(opened: Callable[[bytes], int]) -> None:
    fd = opened(b"one\ntwo\nthree\n")
    chunk = read_chunk(fd, 0, b"", limit=9)
    assert chunk is not None
    assert chunk.lines == [b"one", b"two"]
    assert read_chunk(fd, 8, b"two\n", limit=8) is None
    os.close(fd)
