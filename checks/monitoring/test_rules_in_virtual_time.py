"""Each rule's unit tests hold on the unscaled production file, in virtual time."""

from pathlib import Path

import pytest

from stack.production import production_files
from stack.tools import Tools
from stack.unit_tests import run_unit_tests

UNIT = production_files().rules.parent / "unit"


@pytest.mark.parametrize("unit_file", sorted(UNIT.glob("*.yml")), ids=lambda path: path.stem)
def test_rule_holds_in_virtual_time(tools: Tools, unit_file: Path) -> None:
    done = run_unit_tests(tools.promtool.command, production_files().rules, unit_file)
    assert done.passed, done.output
