"""Only a folder that was made for drills is written to, and by one run at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.external.folder import IDLE, MARKER, Folder, FolderRefused


def test_a_folder_is_made_with_what_an_engine_is_started_with(tmp_path: Path) -> None:
    Folder(tmp_path / "new").make()
    assert {one.name for one in (tmp_path / "new").iterdir()} == {*IDLE, MARKER}


def test_a_folder_with_somebodys_files_is_neither_made_nor_written(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text("theirs")
    with pytest.raises(FolderRefused, match=r"holds prometheus\.yml"):
        Folder(tmp_path).make()
    with pytest.raises(FolderRefused, match=f"no file {MARKER}"):
        Folder(tmp_path).check()
    assert (tmp_path / "prometheus.yml").read_text() == "theirs"


def test_a_folder_that_was_made_may_be_made_again_and_is_idle_then(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new")
    folder.make()
    folder.publish("alert-rules.yml", "groups: [drilled]")
    folder.make()
    folder.check()
    assert folder.read("alert-rules.yml") == IDLE["alert-rules.yml"]


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new")
    folder.make()
    with (
        folder.held(),
        pytest.raises(FolderRefused, match="another run drills"),
        Folder(folder.path).held(),
    ):
        pass
    with Folder(folder.path).held():
        pass


def test_nobody_reads_half_of_a_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new")
    folder.make()
    with (folder.path / "alert-rules.yml").open() as reading:
        folder.publish("alert-rules.yml", "groups: [other]")
        assert reading.read() == IDLE["alert-rules.yml"]
    assert folder.read("alert-rules.yml") == "groups: [other]"


def test_a_run_may_hold_it_again_and_gets_what_to_put_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new")
    folder.make()
    with folder.held() as first:
        folder.publish("alert-rules.yml", "groups: [first]")
        with folder.held() as again:
            assert again["alert-rules.yml"] == "groups: [first]"
        with pytest.raises(FolderRefused), Folder(folder.path).held():
            pass
    assert first == IDLE
    with Folder(folder.path).held():
        pass
