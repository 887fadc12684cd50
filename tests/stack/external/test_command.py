"""What a person meets: one line and a status, and help that teaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.external import command
from stack.external.command import CANNOT, main
from stack.external.folder import MARKER
from stack.tools import ToolsUnavailable


def test_help_teaches_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in ("init", "show", "up", "drill"):
        assert f"python -m stack.external {name}" in text


def test_a_folder_is_made(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "drills")]) == 0
    assert (tmp_path / "drills" / MARKER).is_file()


def test_a_folder_that_is_somebodys_is_one_line_and_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "theirs.yml").touch()
    assert main(["init", str(tmp_path)]) == CANNOT
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "holds theirs.yml" in said[0]


def test_an_engine_that_can_not_be_had_is_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def none(*_: object, **__: object) -> None:
        raise ToolsUnavailable("no VictoriaMetrics: no archive answers")

    monkeypatch.setattr(command, "parts_of", none)
    assert main(["show", str(tmp_path)]) == CANNOT
    assert capsys.readouterr().err == "stack.external: no VictoriaMetrics: no archive answers\n"


def test_an_unknown_engine_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--engine", "influx"])
    assert ended.value.code == 2
    assert "victoriametrics" in capsys.readouterr().err
