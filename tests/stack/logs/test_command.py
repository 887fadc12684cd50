"""The command teaches, and ends in one clear line where it can't do what was asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.logs.command import main, parse
from stack.ports import LOOPBACK, reserve

COMMANDS = ("setup", "find", "follow", "prune")


def said(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit status and the last line on standard error."""
    try:
        status = main(list(words))
    except SystemExit as ended:
        status = int(ended.code or 0)
    lines = capsys.readouterr().err.strip().splitlines()
    return status, lines[-1] if lines else ""


def test_help_teaches_every_command_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        text = capsys.readouterr().out
        assert ended.value.code == 0
        assert "examples" in text
        assert "exit status" in text


@pytest.mark.parametrize("words", [["setup"], ["prune"], ["find"], ["follow"]], ids=" ".join)
def test_an_unreachable_server_is_one_line_with_what_to_set(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with reserve() as port:  # nobody else listens there, and neither do we
        url = f"http://{LOOPBACK}:{port.port}"
        monkeypatch.setenv("ELASTICSEARCH_URL", url)
        status = main(words)
    lines = capsys.readouterr().err.strip().splitlines()
    assert status == 1
    assert len(lines) == 1
    assert url in lines[0]
    assert "ELASTICSEARCH_URL" in lines[0]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["find", "--since", "soon"], "'soon' is no time"),
        (["find", "--limit", "0"], "at least 1"),
        (["find", "--level", "fatal"], "'warning', 'error'"),
        (["find", "--since", "1h", "--until", "2h"], "nothing is since"),
        (["prune", "--days", "0"], "at least 1"),
        (["prune", "--days", "x"], "no number of days"),
        (["prune", "--days", "9999999999"], "at most 36500"),
        (["prune", "--days", "9" * 5000], "number_of_days"),
        (["setup", "--days", "9999999999"], "at most 36500"),
        (["find", "--since", "9999-12-31T23:59:59-23:00"], "is no time"),
        (["find", "--until", "0001-01-01T00:00:00+23:00"], "is no time"),
        (["setup", "--refresh-interval", "fast"], "500ms"),
        (["setup", "--replicas=-1"], "0 or more"),
        (["setup", "--environment", "moon"], "production"),
        (["follow", "--interval", "0"], "0.05"),
        (["fined"], "invalid choice"),
        ([], "required"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_status_2(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, line = said(*words, capsys=capsys)
    assert status == 2
    assert reason in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ELASTICSEARCH_URL", "not a url"),
        ("ELASTICSEARCH_API_KEY_FILE", "/nowhere"),
        ("ELASTICSEARCH_USER", "somebody"),
        ("ELASTICSEARCH_URL", "http://me:secret@127.0.0.1:9200"),
    ],
)
def test_a_bad_setting_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    status, line = said("find", capsys=capsys)
    assert status == 2
    assert name in line


def test_a_word_that_is_not_to_be_found_is_given_as_the_help_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse(["find", "--query=-word"]).query == "-word"
    with pytest.raises(SystemExit):
        main(["find", "--help"])
    assert "--query=-word" in " ".join(capsys.readouterr().out.split())


def test_help_needs_no_other_command_and_no_server() -> None:
    root = Path(__file__).resolve().parents[3]
    loaded = "import sys, stack.logs.command; print('stack.logs.shipping' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        cwd=root,
        env={**os.environ, "ELASTICSEARCH_URL": "nonsense"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
