"""The guide's commands do what it says, and its settings are all that there are."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.expectation import RECEIVERS
from scenarios.own_app.block import known_keys, read_block
from tests.docs.guide import COMMANDS as OF_INTEGRATION
from tests.docs.guide import ROOT, blocks

GUIDE = ROOT / "docs" / "own-app.md"
COMMANDS = blocks("name", GUIDE)
FILES = blocks("title", GUIDE)
APPS = ROOT / "tests" / "apps"
THEIRS = """\
groups:
  - name: queue
    rules:
      - alert: QueueTooLong
        expr: max by (service) (queue_length{job="worker"}) > 100
        for: 5m
        labels: {severity: HIGH}
"""


def alertproof(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "alertproof"
    done = subprocess.run(
        [sys.executable, "-m", "scenarios.command", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_table_names_every_key_and_no_other():
    named = re.findall(r"^\| `([a-z-]+)` \|", GUIDE.read_text(), re.MULTILINE)
    assert sorted(named) == list(known_keys())


def test_the_block_that_is_shown_is_that_of_an_application_that_is_drilled(tmp_path):
    (tmp_path / "pyproject.toml").write_text(FILES["pyproject.toml"])
    assert read_block(tmp_path).journey == read_block(APPS / "notes").journey
    assert read_block(tmp_path).database == read_block(APPS / "notes").database


def test_the_mapping_that_is_shown_is_that_of_an_application_that_is_drilled(tmp_path):
    (tmp_path / "pyproject.toml").write_text(FILES["metrics.toml"])
    assert read_block(tmp_path).metrics == read_block(APPS / "shop").metrics


def test_the_promise_of_receivers_that_is_shown_names_doubles_that_there_are(tmp_path):
    known = {name for names in RECEIVERS.values() for name in names}
    (tmp_path / "pyproject.toml").write_text(FILES["receivers.toml"])
    for names in read_block(tmp_path).receivers.values():
        assert names <= known
    listed = GUIDE.read_text().partition("The names are ")[2].partition(".")[0]
    assert set(re.findall(r"`([^`]+)`", listed)) == known


def test_it_is_installed_as_the_guide_says_whose_commands_are_run():
    run = (OF_INTEGRATION["clone"] + OF_INTEGRATION["install"]).splitlines()
    assert set(COMMANDS["install"].splitlines()) <= set(run)


def test_beginning_says_what_is_shown_and_what_it_was_given_stands_in_the_block(tmp_path):
    shutil.copy(APPS / "notes" / "notes.py", tmp_path)
    (command,) = re.findall(r"`(alertproof init [^`]+ --environment [^`]+)`", GUIDE.read_text())
    said = alertproof(command, tmp_path)
    assert said.replace(str(tmp_path), "/srv/notes") == COMMANDS["begun"]
    assert read_block(tmp_path).environment == {"NOTES_DATABASE": "{directory}/notes.db"}


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ("--environment NOTES_DATABASE", "expected NAME=VALUE"),
        ("--prepare 'flask init\"'", "No closing quotation"),
        ("", "KeyError"),
    ],
)
def test_what_init_can_not_use_is_one_line_and_writes_nothing(tmp_path, given, because):
    shutil.copy(APPS / "notes" / "notes.py", tmp_path)
    with pytest.raises(AssertionError, match=because):
        alertproof(f"alertproof init --app notes:app {given}", tmp_path)
    assert [one.name for one in tmp_path.iterdir() if one.suffix in (".toml", ".py")] == [
        "notes.py"
    ]


def test_beginning_writes_both_files_and_never_again(tmp_path):
    shutil.copytree(APPS / "shop" / "src", tmp_path / "src")
    said = alertproof(COMMANDS["begin"], tmp_path)
    assert "wrote [tool.alertproof]" in said
    assert read_block(tmp_path).app == "shop.wsgi:create_app"
    with pytest.raises(AssertionError, match=r"has a \[tool\.alertproof\] already"):
        alertproof(COMMANDS["begin"], tmp_path)


def test_an_alert_without_a_scenario_is_explained_as_shown(tmp_path):
    (tmp_path / "their.yml").write_text(THEIRS)
    assert alertproof(COMMANDS["explain"], tmp_path) == COMMANDS["explained"]


def test_the_drills_that_are_shown_are_found(tmp_path):
    shutil.copytree(APPS / "notes", tmp_path, dirs_exist_ok=True)
    for line in COMMANDS["drill"].replace("\\\n", "").splitlines():
        assert "tests collected" in alertproof(f"{line} --collect-only -q", tmp_path)


def test_what_is_given_by_hand_is_what_the_command_gives():
    options = (ROOT / "scenarios" / "command.py").read_text()
    words = COMMANDS["by hand"].split()
    for word in (*words[1:5], "addopts=", "--import-mode=importlib", "--pyargs"):
        assert f'"{word}"' in options
