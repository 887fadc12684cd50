"""The runbook at hand: found by a part of its name, with its first steps."""

from __future__ import annotations

import pytest

from scenarios.gameday.runbook import RUNBOOKS, commands, first_steps, names, section


def test_it_says_where_the_page_is_and_how_it_begins() -> None:
    text = first_steps("slowresponse")
    assert text.startswith(str(RUNBOOKS / "SlowResponseTime.md"))
    assert "Diagnosis" in text
    assert "Which endpoint, which instance?" in text
    assert "Mitigation" in text


def test_what_is_left_out_is_counted() -> None:
    assert "more lines" in first_steps("SoftFactoryDown")


@pytest.mark.parametrize("unknown", ["", "nonsense"])
def test_an_unknown_name_lists_those_that_there_are(unknown) -> None:
    assert all(name in first_steps(unknown) for name in names())


def test_a_part_of_several_names_lists_those() -> None:
    assert first_steps("memory") == "runbook NAME, one of: CriticalMemoryUsage, HighMemoryUsage"


def test_a_page_without_the_section_is_an_error() -> None:
    with pytest.raises(ValueError, match="no section 'Meaning'"):
        section("# A\n\n## Impact\n\nmuch\n", "Meaning")


def test_commands_are_those_of_console_blocks() -> None:
    text = "x\n\n```console\n$ a b\n$ c\n```\n\n```promql\nup\n```\n"
    assert commands(text) == ("a b", "c")
