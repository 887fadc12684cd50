"""The rule file and the routing file are accepted by the tools of their own projects."""

import pytest

from scenarios.deployment.config_files import Checked, files_checked, judge_files
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.observes(what=files_checked)
def test_files_are_valid(observed: tuple[Checked, ...] | Missing, judge: Judging) -> None:
    judge(judge_files(observed))
