"""Each rule's unit tests hold on the unscaled production file, in virtual time."""

from pathlib import Path

import pytest

from scenarios.virtual_time import UNIT, VirtualTime

pytestmark = pytest.mark.of_the_files


@pytest.mark.parametrize("unit_file", sorted(UNIT.glob("*.yml")), ids=lambda path: path.stem)
def test_rule_holds_in_virtual_time(virtual_time: VirtualTime, unit_file: Path) -> None:
    done = virtual_time.result(unit_file)
    assert done.passed, done.output
