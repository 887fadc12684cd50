"""The command says what is there, removes what is ours, and refuses the rest in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stack.images import command, image_of, missing, stand_in
from stack.images.catalogue import BASE, RECIPES
from stack.images.command import main
from stack.images.failure import EngineAbsent
from tests.stack.images.doubles import EngineDouble, official, ours

ROOT = Path(__file__).resolve().parents[3]
POSTGRES = image_of("postgres", {})
PROMETHEUS = image_of("prometheus", {})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> EngineDouble:
    double = EngineDouble(
        images={
            BASE: ours("base", "1"),
            POSTGRES: ours("postgres", "0123"),
            PROMETHEUS: official(PROMETHEUS),
        }
    )
    monkeypatch.setattr(command, "Engine", lambda: double)
    return double


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"ALERTPROOF_CACHE": str(tmp_path), "PATH": "/usr/bin:/bin"}


def test_the_list_tells_stand_ins_from_others_and_from_what_is_not_there(
    engine: EngineDouble, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--list"], environ) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "recipe 0123" in lines["postgres"]
    assert "not made here" in lines["prometheus"]
    assert "not there" in lines["alertmanager"]
    assert "Grafana is in no Debian archive" in lines["grafana"]
    assert engine.calls == []


def test_stand_ins_are_removed_and_others_stay(
    engine: EngineDouble, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--remove"], environ) == 0
    assert list(engine.images) == [PROMETHEUS]
    # What is made on another goes first.
    assert engine.calls == [f"remove {POSTGRES}", f"remove {BASE}", "sweep"]
    assert f"prometheus: left alone: {PROMETHEUS} was not made here" in capsys.readouterr().out


def test_only_the_chosen_is_removed(engine: EngineDouble, environ: dict[str, str]) -> None:
    assert main(["--remove", "--only", "postgres"], environ) == 0
    assert set(engine.images) == {BASE, PROMETHEUS}


def test_a_failure_is_the_exit_status_and_names_the_image(
    engine: EngineDouble, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ["POSTGRES_IMAGE"] = "postgres:16.4"
    assert main(["--only", "postgres"], environ) == 1
    said = capsys.readouterr()
    assert "postgres: failed: postgres:16.4 is PostgreSQL 16" in said.out
    assert said.err == "images: 1 not made, see above: postgres\n"


def test_an_unknown_image_lists_the_known_ones(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--only", "mysql"], environ) == 2
    assert "there is no image 'mysql'; there are: alertmanager, base" in capsys.readouterr().err


def test_an_absent_engine_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([], environ) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "sudo apt-get install docker.io" in said.err


def test_the_help_teaches_each_option() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack.images", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    for word in ("--only", "--list", "--pull", "--remove", "exit status", "left\nalone"):
        assert word in done.stdout


def test_missing_are_those_without_any_image(engine: EngineDouble) -> None:
    names = ["postgres", "prometheus", "alertmanager"]
    assert missing(engine, names, {}) == ["alertmanager"]


def test_a_stand_in_is_told_from_the_official_image(engine: EngineDouble) -> None:
    assert stand_in(POSTGRES, engine, {})
    assert not stand_in(PROMETHEUS, engine, {})
    assert not stand_in("nobody/knows:1", engine, {})


def test_what_is_built_on_a_stand_in_is_none(engine: EngineDouble) -> None:
    engine.images["mine:1"] = ours("postgres", "0123")
    assert not stand_in("mine:1", engine, {})


def test_who_asks_without_an_engine_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineAbsent):
        stand_in(POSTGRES)


def test_what_is_below_is_made_before_what_is_on_it() -> None:
    order = list(RECIPES)
    assert order[0] == "base"
    assert order.index("python") < order.index("softfactory")
