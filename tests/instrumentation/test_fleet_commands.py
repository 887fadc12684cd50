import json
from pathlib import Path

import pytest

from instrumentation.fleet import main
from instrumentation.fleet_commands import CommandError, End, Start, parse_command
from instrumentation.serving import FactoryError, load_factory

START = {"op": "start", "id": "x", "port": 8000, "threads": 5, "env": {"A": "b"}, "directory": "/d"}


def test_a_start_is_read_with_all_its_fields():
    assert parse_command(json.dumps(START)) == Start(
        instance="x", port=8000, threads=5, env={"A": "b"}, directory=Path("/d")
    )


def test_a_start_may_name_a_program_to_run_under():
    assert parse_command(json.dumps(START | {"under": ["env", "A=b"]})).under == ("env", "A=b")


def test_kill_and_stop_differ():
    assert parse_command('{"op":"kill","id":"x"}') == End(instance="x", kill=True)
    assert parse_command('{"op":"stop","id":"x"}') == End(instance="x", kill=False)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"op": "restart"}, "start, kill, stop"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"port": "8000"}, "port"),
        ({"port": 0}, "port"),
        ({"threads": 0}, "threads"),
        ({"env": {"A": 1}}, "env"),
        ({"directory": None}, "directory"),
        ({"under": "env"}, "under"),
        ({"under": [1]}, "under"),
    ],
)
def test_a_wrong_command_names_the_field_at_fault(changed, named):
    with pytest.raises(CommandError, match=named):
        parse_command(json.dumps(START | changed))


@pytest.mark.parametrize("line", ["", "start x", "[]", "null"])
def test_a_line_that_is_no_object_is_refused(line):
    with pytest.raises(CommandError):
        parse_command(line)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("json", "expected"),
        ("no_such_module_at_all:app", "cannot import"),
        ("json:no_such_name", "no callable"),
        ("json:__doc__", "no callable"),
    ],
)
def test_a_factory_that_leads_nowhere_is_refused_with_the_part_at_fault(name, part):
    with pytest.raises(FactoryError, match=part):
        load_factory(name)


def test_help_explains_the_protocol(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert '"op": "kill"' in capsys.readouterr().out
